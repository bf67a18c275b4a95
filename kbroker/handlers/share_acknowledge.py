"""ShareAcknowledge: a member of a share group says what became of its records, without fetching more (KIP-932).

    v2  is_renew_ack: locks may be held longer (KIP-1222); the time of the lock in the answer

It goes on with the session of ShareFetch (kbroker/shares/sessions.py), and may end it. What it says of partitions:
_share_acks.py.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._leaders import Leaders
from kbroker.handlers._share_acks import acknowledge_all, asked_of, kept
from kbroker.handlers._shares import must_have_share_groups, owner_of
from kbroker.shares.sessions import FINAL_EPOCH, INITIAL_EPOCH
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_acknowledge import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
)


async def share_acknowledge(request: ShareAcknowledgeRequest, ctx: Context) -> ShareAcknowledgeResponse:
    must_have_share_groups(ctx)
    owner = owner_of(request, ctx)
    shares = ctx.cluster.shares
    if request.share_session_epoch == INITIAL_EPOCH:
        raise KafkaError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
    shares.sessions.go_on(owner, request.share_session_epoch)
    settings = shares.settings(owner.group_id)
    may_renew = request.is_renew_ack and settings.renews
    outcomes = acknowledge_all(ctx, owner, asked_of(request.topics), may_renew)
    ending = shares.end_session(owner) if request.share_session_epoch == FINAL_EPOCH else []
    await kept(outcomes.values(), ending)
    leaders = Leaders(ctx)
    by_topic: dict[bytes, ShareAcknowledgeTopicResponse] = {}
    for (topic_id, index), outcome in outcomes.items():
        leader, epoch = leaders.name(outcome.code, outcome.topic, index) or (0, 0)
        told = PartitionData(
            partition_index=index,
            error_code=outcome.code,
            error_message=outcome.message,
            current_leader=LeaderIdAndEpoch(leader_id=leader, leader_epoch=epoch),
        )
        topic = by_topic.setdefault(topic_id, ShareAcknowledgeTopicResponse(topic_id=topic_id, partitions=[]))
        topic.partitions.append(told)
    return ShareAcknowledgeResponse(
        error_code=ErrorCode.NONE,
        acquisition_lock_timeout_ms=settings.lock_ms,
        responses=list(by_topic.values()),
        node_endpoints=[
            NodeEndpoint(node_id=node_id, host=host, port=port, rack=rack)
            for node_id, host, port, rack in leaders.endpoints()
        ],
    )
