"""OffsetCommit: how far a group has come.

    v3  throttle time    v5  no retention time of its own any more (KIP-211)    v6  leader epochs (KIP-320)
    v7  group instance id (KIP-345)    v8  flexible    v9  GROUP_ID_NOT_FOUND (69) for a generation of a group that
    is not there, before ILLEGAL_GENERATION (22) (KIP-848)    v10  topics by id (KIP-848)

Every partition has its own error, also when the group refuses all: UNKNOWN_TOPIC_OR_PARTITION (3), UNKNOWN_TOPIC_ID
(100), OFFSET_METADATA_TOO_LARGE (12), UNKNOWN_MEMBER_ID (25) when generation -1 commits into a group with members,
REBALANCE_IN_PROGRESS (27) while the group waits for its assignment, FENCED_INSTANCE_ID (82). An empty group id is a
group like any other here: simple consumers use it.
"""

from __future__ import annotations

import asyncio

from kbroker.context import Context, Later
from kbroker.groups.answers import then
from kbroker.groups.events import CommitOffsets
from kbroker.handlers._commits import merge, sort_out
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_commit import OffsetCommitRequest, OffsetCommitResponse


def offset_commit(
    request: OffsetCommitRequest, ctx: Context
) -> OffsetCommitResponse | Later | asyncio.Future[OffsetCommitResponse]:
    misses_unknown = ctx.version >= 9  # KIP-848
    by_id = ctx.version >= 10  # KIP-848
    knows_epochs = misses_unknown
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    unknown = ErrorCode.GROUP_ID_NOT_FOUND if misses_unknown else ErrorCode.ILLEGAL_GENERATION
    known, refused = sort_out(request, ctx, by_id)
    if not known:
        return OffsetCommitResponse(topics=refused)
    request.topics = known
    groups = ctx.cluster.groups
    if not refused:
        event = CommitOffsets(Ticket(ctx), request, unknown, knows_epochs)
        answer: OffsetCommitResponse | Later = groups.serve(ctx, request.group_id, event)
        return answer
    committed = groups.ask(ctx, request.group_id, lambda ticket: CommitOffsets(ticket, request, unknown, knows_epochs))
    return then(ctx.cluster.world, committed, lambda response: merge(refused, response))
