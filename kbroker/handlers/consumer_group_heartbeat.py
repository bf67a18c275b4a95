"""ConsumerGroupHeartbeat: a member of a consumer group joins, stays or leaves (KIP-848).

    v1  subscription by a regular expression; the client makes its member id itself

What a request must and must not have is checked here, in Kafka's words: INVALID_REQUEST (42), UNSUPPORTED_ASSIGNOR
(112). What it means is up to the group: GROUP_ID_NOT_FOUND (69), UNKNOWN_MEMBER_ID (25), FENCED_MEMBER_EPOCH (110),
FENCED_INSTANCE_ID (82), UNRELEASED_INSTANCE_ID (111), GROUP_MAX_SIZE_REACHED (81), INVALID_REGULAR_EXPRESSION (128).
An error leaves the member id null, the epoch and the interval 0. Where `group.coordinator.rebalance.protocols` lacks
consumer, all of this is UNSUPPORTED_VERSION (35).
"""

from __future__ import annotations

from kbroker import group_config
from kbroker.catalog.state import GROUP
from kbroker.context import Context, Later
from kbroker.groups.events import ConsumerHeartbeat
from kbroker.groups.settings import Settings
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse
from wire.primitives import uuid_text

JOINING, LEAVING_FOR_A_WHILE = 0, -2
TIMING = ("consumer.assignment.interval.ms", "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms")


def consumer_group_heartbeat(
    request: ConsumerGroupHeartbeatRequest, ctx: Context
) -> ConsumerGroupHeartbeatResponse | Later:
    makes_its_member_id = ctx.version >= 1
    groups = ctx.cluster.groups
    if not groups.settings.has_consumer_protocol:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    names = request.subscribed_topic_names
    if names and not all(ctx.authorize("DESCRIBE", "TOPIC", names)):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    _check(request, makes_its_member_id, groups.settings.assignors)
    if not request.member_id:
        request.member_id = uuid_text(ctx.cluster.world.uuid())
    client_id, client_host = ctx.client_id or "", f"/{ctx.connection.host}"  # as Java writes an address
    settings = _settings(request.group_id, ctx)
    event = ConsumerHeartbeat(Ticket(ctx), request, client_id, client_host, settings)
    answer: ConsumerGroupHeartbeatResponse | Later = groups.serve_with_topics(ctx, request.group_id, event)
    return answer


def _settings(group_id: str, ctx: Context) -> Settings | None:
    """What the group sets for itself; None when it does not."""
    cluster = ctx.cluster
    overrides = cluster.catalog.overrides(GROUP, group_id)
    if not overrides:
        return None
    return cluster.groups.settings.of_group(
        {name: group_config.typed(name, overrides, cluster.config) for name in TIMING}
    )


def _check(request: ConsumerGroupHeartbeatRequest, makes_its_member_id: bool, assignors: tuple[str, ...]) -> None:
    if not request.member_id and (makes_its_member_id or request.member_epoch != JOINING):
        raise _invalid("MemberId can't be empty.")
    if not request.group_id:
        raise _invalid("GroupId can't be empty.")
    if request.instance_id == "":
        raise _invalid("InstanceId can't be empty.")
    if request.rack_id == "":
        raise _invalid("RackId can't be empty.")
    if request.member_epoch == JOINING:
        _check_joining(request)
    elif request.member_epoch == LEAVING_FOR_A_WHILE and request.instance_id is None:
        raise _invalid("InstanceId can't be null.")
    elif request.member_epoch < LEAVING_FOR_A_WHILE:
        raise _invalid("MemberEpoch is invalid.")
    if request.server_assignor is not None and request.server_assignor not in assignors:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_ASSIGNOR,
            f"ServerAssignor {request.server_assignor} is not supported. Supported assignors: {', '.join(assignors)}.",
        )


def _check_joining(request: ConsumerGroupHeartbeatRequest) -> None:
    """Who joins says everything, and owns nothing."""
    if request.rebalance_timeout_ms == -1:
        raise _invalid("RebalanceTimeoutMs must be provided in first request.")
    if request.topic_partitions is None or request.topic_partitions:
        raise _invalid("TopicPartitions must be empty when (re-)joining.")
    if request.subscribed_topic_names is None and request.subscribed_topic_regex is None:
        raise _invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
