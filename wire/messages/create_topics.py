"""CreateTopics (key 19): make topics, with so many partitions or with an assignment of replicas.

-1 partitions or replicas means the broker's default (KIP-464); with an assignment both have to be -1. Each topic
fails or succeeds alone. validate_only does everything but create.

v3 the client waits out throttle_time_ms itself (KIP-219)   v4 defaults by -1 (KIP-464)
v5 flexible; the answer carries partitions, replicas and configs of the new topic (KIP-525)
v6 THROTTLING_QUOTA_EXCEEDED (KIP-599)   v7 topic_id (KIP-516)

Errors: TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST (a name twice), POLICY_VIOLATION, NOT_CONTROLLER,
REQUEST_TIMED_OUT, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, string, uuid


class CreatableReplicaAssignment(Struct):
    partition_index: int = int32(map_key=True)
    broker_ids: list[int] = array(int32, entity="brokerId")


class CreatableTopicConfig(Struct):
    name: str = string(map_key=True)
    value: str | None = string(nullable="0+")


class CreatableTopic(Struct):
    name: str = string(map_key=True, entity="topicName")
    num_partitions: int = int32()
    replication_factor: int = int16()
    assignments: list[CreatableReplicaAssignment] = array(CreatableReplicaAssignment)
    configs: list[CreatableTopicConfig] = array(CreatableTopicConfig)


class CreateTopicsRequest(Request, key=19, versions="2-7", flexible="5+"):
    topics: list[CreatableTopic] = array(CreatableTopic)
    timeout_ms: int = int32(default=60000)
    validate_only: bool = boolean(versions="1+", default=False)


class CreatableTopicConfigs(Struct):
    name: str = string(versions="5+")
    value: str | None = string(versions="5+", nullable="5+")
    read_only: bool = boolean(versions="5+")
    config_source: int = int8(versions="5+", default=-1, ignorable=True)
    is_sensitive: bool = boolean(versions="5+")


class CreatableTopicResult(Struct):
    name: str = string(map_key=True, entity="topicName")
    topic_id: bytes = uuid(versions="7+", ignorable=True)
    error_code: int = int16()
    error_message: str | None = string(versions="1+", nullable="0+", ignorable=True)
    topic_config_error_code: int = int16(versions="5+", tag=0, default=0, ignorable=True)
    num_partitions: int = int32(versions="5+", default=-1, ignorable=True)
    replication_factor: int = int16(versions="5+", default=-1, ignorable=True)
    configs: list[CreatableTopicConfigs] | None = array(
        CreatableTopicConfigs, versions="5+", nullable="5+", ignorable=True
    )


class CreateTopicsResponse(Response, key=19, versions="2-7", flexible="5+"):
    throttle_time_ms: int = int32(versions="2+", default=0, ignorable=True)
    topics: list[CreatableTopicResult] = array(CreatableTopicResult)
