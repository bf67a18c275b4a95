"""CreatePartitions (key 37): give topics more partitions, up to a new total (KIP-195).

Records with keys may then go elsewhere than before: nothing moves.

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 flexible   v3 THROTTLING_QUOTA_EXCEEDED (KIP-599)

Errors: INVALID_PARTITIONS (not more than there are), INVALID_REPLICA_ASSIGNMENT, UNKNOWN_TOPIC_OR_PARTITION,
INVALID_REQUEST (a topic twice), REASSIGNMENT_IN_PROGRESS, POLICY_VIOLATION, NOT_CONTROLLER, REQUEST_TIMED_OUT,
TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, string


class CreatePartitionsAssignment(Struct):
    broker_ids: list[int] = array(int32, entity="brokerId")


class CreatePartitionsTopic(Struct):
    name: str = string(map_key=True, entity="topicName")
    count: int = int32()
    assignments: list[CreatePartitionsAssignment] | None = array(CreatePartitionsAssignment, nullable="0+")


class CreatePartitionsRequest(Request, key=37, versions="0-3", flexible="2+"):
    topics: list[CreatePartitionsTopic] = array(CreatePartitionsTopic)
    timeout_ms: int = int32()
    validate_only: bool = boolean()


class CreatePartitionsTopicResult(Struct):
    name: str = string(entity="topicName")
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)


class CreatePartitionsResponse(Response, key=37, versions="0-3", flexible="2+"):
    throttle_time_ms: int = int32(default=0)
    results: list[CreatePartitionsTopicResult] = array(CreatePartitionsTopicResult)
