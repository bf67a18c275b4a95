"""StreamsGroupHeartbeat: a member of a streams group joins, stays or leaves (KIP-1071).

    v1  the acceptable lag in 64 bits; a member hears of client tags that it lacks (KIP-1331)

What a request must and must not have is checked here, in Kafka's words: INVALID_REQUEST (42), STREAMS_INVALID_TOPOLOGY
(130), STREAMS_INVALID_TOPOLOGY_EPOCH (131). What it means is up to the group: GROUP_ID_NOT_FOUND (69),
UNKNOWN_MEMBER_ID (25), FENCED_MEMBER_EPOCH (110), FENCED_INSTANCE_ID (82), UNRELEASED_INSTANCE_ID (111),
GROUP_MAX_SIZE_REACHED (81). Where streams groups are off, by `group.coordinator.rebalance.protocols` or by
streams.version, all of this is UNSUPPORTED_VERSION (35).

Internal topics that are missing are made in the name of whoever asks, who must be allowed to make topics.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from functools import partial

from kbroker import group_config
from kbroker.catalog.names import fault
from kbroker.catalog.state import GROUP, INTERNAL_TOPICS
from kbroker.context import Context
from kbroker.groups.answers import then
from kbroker.groups.events import StreamsHeartbeat
from kbroker.groups.streams.configure import check
from kbroker.groups.streams.heartbeat import Beat
from kbroker.groups.streams.settings import OVERRIDES, StreamsSettings
from kbroker.groups.streams.states import Status
from kbroker.groups.streams.topology import Topology
from kbroker.handlers._streams import streams_groups_are_on
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse

JOINING, LEAVING_FOR_A_WHILE = 0, -2
MOST_FAILURES_TOLD = 3


def streams_group_heartbeat(
    request: StreamsGroupHeartbeatRequest, ctx: Context
) -> Awaitable[StreamsGroupHeartbeatResponse] | StreamsGroupHeartbeatResponse:
    knows_tags = ctx.version >= 1
    if not streams_groups_are_on(ctx):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    _check_topics(request, ctx)
    _check(request)
    client_id, client_host = ctx.client_id or "", f"/{ctx.connection.host}"  # as Java writes an address
    settings = _settings(request.group_id, ctx)
    asked = ctx.cluster.groups.ask_with_topics(
        ctx,
        request.group_id,
        lambda ticket: StreamsHeartbeat(ticket, request, client_id, client_host, knows_tags, settings),
    )
    return then(ctx.cluster.world, asked, partial(_answer, ctx))


def _answer(ctx: Context, beat: Beat) -> StreamsGroupHeartbeatResponse:
    if beat.missing:
        names = [topic.name for topic in beat.missing]
        refused = []
        if not ctx.authorize("CREATE", "CLUSTER", (CLUSTER_NAME,))[0]:
            allowed = ctx.authorize("CREATE", "TOPIC", names)
            refused = [name for name, may in zip(names, allowed, strict=True) if not may]
        if refused:
            _tell_more(beat.response, f"; Unauthorized to CREATE on topics {', '.join(refused)}.")
        else:
            failed = ctx.cluster.groups.internal_topics.want(beat.missing, 2 * beat.response.heartbeat_interval_ms)
            if failed:
                _tell_more(beat.response, f"; Creation failed: {_listed(failed.items())}.")
    return beat.response


def _tell_more(response: StreamsGroupHeartbeatResponse, text: str) -> None:
    for status in response.status or ():
        if status.status_code == Status.MISSING_INTERNAL_TOPICS:
            status.status_detail += text


def _listed(failed: Iterable[tuple[str, str]]) -> str:
    texts = [f"{name} ({why})" for name, why in failed]
    more = len(texts) - MOST_FAILURES_TOLD
    return ", ".join(texts[:MOST_FAILURES_TOLD]) + (f" and {more} more" if more > 0 else "")


def _settings(group_id: str, ctx: Context) -> StreamsSettings | None:
    """What the group sets for itself; None when it does not."""
    cluster = ctx.cluster
    overrides = cluster.catalog.overrides(GROUP, group_id)
    if not overrides:
        return None
    return cluster.groups.settings.streams.of_group(
        {name: group_config.typed(name, overrides, cluster.config) for name in OVERRIDES}
    )


# --- what a request must have ---------------------------------------------------------------------------------------


def _check_topics(request: StreamsGroupHeartbeatRequest, ctx: Context) -> None:
    """The topology names topics that an application may use, and the principal may see."""
    topics = [] if request.topology is None else [*dict.fromkeys(_topics(request))]
    prohibited = [name for name in topics if name in INTERNAL_TOPICS]
    if prohibited:
        raise KafkaError(
            ErrorCode.STREAMS_INVALID_TOPOLOGY,
            f"Use of Kafka internal topics {','.join(prohibited)} in a Kafka Streams topology is prohibited.",
        )
    invalid = [name for name in topics if fault(name)]
    if invalid:
        raise KafkaError(
            ErrorCode.STREAMS_INVALID_TOPOLOGY, f"Topic names {','.join(invalid)} are not valid topic names."
        )
    if not all(ctx.authorize("DESCRIBE", "TOPIC", topics)):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)


def _topics(request: StreamsGroupHeartbeatRequest) -> Iterable[str]:
    assert request.topology is not None
    for each in request.topology.subtopologies:
        yield from each.source_topics
        yield from each.repartition_sink_topics
        for topic in (*each.repartition_source_topics, *each.state_changelog_topics):
            yield topic.name


def _check(request: StreamsGroupHeartbeatRequest) -> None:
    if request.topology is not None and any(each.source_topic_regex for each in request.topology.subtopologies):
        raise _invalid("Regular expressions for source topics are not supported yet.")
    for name, text in (
        ("MemberId", request.member_id),
        ("GroupId", request.group_id),
        ("InstanceId", request.instance_id),
        ("RackId", request.rack_id),
    ):
        if text == "":
            raise _invalid(f"{name} can't be empty.")
    if request.member_epoch == JOINING:
        _check_joining(request)
    elif request.member_epoch == LEAVING_FOR_A_WHILE and request.instance_id is None:
        raise _invalid("InstanceId can't be null.")
    elif request.member_epoch < LEAVING_FOR_A_WHILE:
        raise _invalid(f"MemberEpoch is {request.member_epoch}, but must be greater than or equal to -2.")
    said = [tasks is not None for tasks in (request.active_tasks, request.standby_tasks, request.warmup_tasks)]
    if any(said) and not all(said):
        raise _invalid("If one task-type is non-null, all must be non-null.")
    if request.member_epoch != JOINING and request.topology is not None:
        raise _invalid("Topology can only be provided when (re-)joining.")


def _check_joining(request: StreamsGroupHeartbeatRequest) -> None:
    """Who joins says everything, and has no tasks."""
    if request.rebalance_timeout_ms == -1:
        raise _invalid("RebalanceTimeoutMs must be provided in first request.")
    for name, tasks in (
        ("ActiveTasks", request.active_tasks),
        ("StandbyTasks", request.standby_tasks),
        ("WarmupTasks", request.warmup_tasks),
    ):
        if tasks is None or tasks:
            raise _invalid(f"{name} must be empty when (re-)joining.")
    if request.topology is None:
        raise _invalid("Topology must be non-null when (re-)joining.")
    ids = [each.subtopology_id for each in request.topology.subtopologies]
    if len(set(ids)) < len(ids):
        raise KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, "A subtopology id is there twice.")
    check(Topology.of_wire(request.topology))


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
