"""ConsumerGroupHeartbeat (key 68): the whole of the new group protocol, in one request (KIP-848).

A member joins with epoch 0, leaves with -1 (-2: a static member that will be back), and otherwise names the epoch
that it has reached. Later heartbeats say only what changed: null means as before. The broker computes the assignment
and leads each member to it: first it takes partitions away, and when the member's own list shows that they are gone,
the member moves to the next epoch and the partitions become free for others. A partition is never given to two
members.

v1 subscribed_topic_regex; the member id is made by the client

Errors: UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH (give up everything and rejoin), UNRELEASED_INSTANCE_ID,
FENCED_INSTANCE_ID, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, GROUP_ID_NOT_FOUND, GROUP_MAX_SIZE_REACHED,
INVALID_REQUEST, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, GROUP_AUTHORIZATION_FAILED,
TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int16, int32, string, struct, uuid


class RequestTopicPartitions(Struct):
    topic_id: bytes = uuid()
    partitions: list[int] = array(int32)


class ConsumerGroupHeartbeatRequest(Request, key=68, versions="0-1", flexible="0+"):
    group_id: str = string(entity="groupId")
    member_id: str = string()
    member_epoch: int = int32()
    instance_id: str | None = string(nullable="0+", default=None)
    rack_id: str | None = string(nullable="0+", default=None)
    rebalance_timeout_ms: int = int32(default=-1)
    subscribed_topic_names: list[str] | None = array(string, nullable="0+", default=None, entity="topicName")
    subscribed_topic_regex: str | None = string(versions="1+", nullable="1+", default=None)
    server_assignor: str | None = string(nullable="0+", default=None)
    topic_partitions: list[RequestTopicPartitions] | None = array(RequestTopicPartitions, nullable="0+", default=None)


class ResponseTopicPartitions(Struct):
    topic_id: bytes = uuid()
    partitions: list[int] = array(int32)


class Assignment(Struct):
    topic_partitions: list[ResponseTopicPartitions] = array(ResponseTopicPartitions)


class ConsumerGroupHeartbeatResponse(Response, key=68, versions="0-1", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)
    member_id: str | None = string(nullable="0+", default=None)
    member_epoch: int = int32()
    heartbeat_interval_ms: int = int32()
    assignment: Assignment | None = struct(Assignment, nullable="0+", default=None)
