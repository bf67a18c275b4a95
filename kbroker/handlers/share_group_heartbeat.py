"""ShareGroupHeartbeat: a member of a share group joins, stays or leaves (KIP-932).

What a request must and must not have is checked here, in Kafka's words: INVALID_REQUEST (42). What it means is up to
the group: GROUP_ID_NOT_FOUND (69) for an unknown group or one of another type, UNKNOWN_MEMBER_ID (25),
FENCED_MEMBER_EPOCH (110), GROUP_MAX_SIZE_REACHED (81). An error leaves the member id null, the epoch and the interval
0. Where `share.version` is 0, all of this is UNSUPPORTED_VERSION (35).
"""

from __future__ import annotations

from kbroker import group_config
from kbroker.catalog.state import GROUP
from kbroker.context import Context, Later
from kbroker.groups.events import ShareHeartbeat
from kbroker.groups.settings import Settings
from kbroker.handlers._shares import must_have_share_groups
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse

JOINING, LEAVING = 0, -1
TIMING = ("share.assignment.interval.ms", "share.heartbeat.interval.ms", "share.session.timeout.ms")


def share_group_heartbeat(request: ShareGroupHeartbeatRequest, ctx: Context) -> ShareGroupHeartbeatResponse | Later:
    must_have_share_groups(ctx)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not all(ctx.authorize("DESCRIBE", "TOPIC", request.subscribed_topic_names or [])):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    _check(request)
    client_id, client_host = ctx.client_id or "", f"/{ctx.connection.host}"  # as Java writes an address
    settings = _settings(request.group_id, ctx)
    event = ShareHeartbeat(Ticket(ctx), request, client_id, client_host, settings)
    answer: ShareGroupHeartbeatResponse | Later = ctx.cluster.groups.serve_with_topics(ctx, request.group_id, event)
    return answer


def _settings(group_id: str, ctx: Context) -> Settings | None:
    """What the group sets for itself; None when it does not."""
    cluster = ctx.cluster
    overrides = cluster.catalog.overrides(GROUP, group_id)
    if not overrides:
        return None
    return cluster.groups.settings.of_share_group(
        {name: group_config.typed(name, overrides, cluster.config) for name in TIMING}
    )


def _check(request: ShareGroupHeartbeatRequest) -> None:
    if not request.member_id:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if not request.group_id:
        raise _invalid("GroupId can't be empty.")
    if request.rack_id == "":
        raise _invalid("RackId can't be empty.")
    if request.member_epoch < LEAVING:
        raise _invalid("MemberEpoch is invalid.")
    if request.member_epoch == JOINING and not request.subscribed_topic_names:
        raise _invalid("SubscribedTopicNames must be set in first request.")


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
