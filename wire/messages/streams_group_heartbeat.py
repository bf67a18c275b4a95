"""StreamsGroupHeartbeat (key 88): the group protocol of Kafka Streams, whose members get tasks instead of partitions
(KIP-1071).

The ways are those of ConsumerGroupHeartbeat: epoch 0 joins and brings the topology, -1 leaves, null means as before.
The broker makes the internal topics that the topology needs and assigns active, standby and warm-up tasks. status
tells what is amiss: 0 stale topology, 1 missing source topics, 2 topics that do not fit together, 3 missing internal
topics, 4 the application shuts down, 5 assignment delayed, 6 missing client tags.

v1 acceptable_recovery_lag in 64 bits; topology_description_required asks for StreamsGroupTopologyDescriptionUpdate
   (KIP-1331)

Errors: UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID, GROUP_ID_NOT_FOUND,
GROUP_MAX_SIZE_REACHED, STREAMS_INVALID_TOPOLOGY, STREAMS_INVALID_TOPOLOGY_EPOCH, STREAMS_TOPOLOGY_FENCED,
INVALID_REQUEST, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, GROUP_AUTHORIZATION_FAILED,
TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, int64, string, struct, uint16


class KeyValue(Struct):
    key: str = string()
    value: str = string()


class TopicInfo(Struct):
    name: str = string(entity="topicName")
    partitions: int = int32()
    replication_factor: int = int16()
    topic_configs: list[KeyValue] = array(KeyValue)


class CopartitionGroup(Struct):
    source_topics: list[int] = array(int16)
    source_topic_regex: list[int] = array(int16)
    repartition_source_topics: list[int] = array(int16)


class Subtopology(Struct):
    subtopology_id: str = string()
    source_topics: list[str] = array(string, entity="topicName")
    source_topic_regex: list[str] = array(string)
    state_changelog_topics: list[TopicInfo] = array(TopicInfo)
    repartition_sink_topics: list[str] = array(string, entity="topicName")
    repartition_source_topics: list[TopicInfo] = array(TopicInfo)
    copartition_groups: list[CopartitionGroup] = array(CopartitionGroup)


class Topology(Struct):
    epoch: int = int32()
    subtopologies: list[Subtopology] = array(Subtopology)


class RequestTaskIds(Struct):
    subtopology_id: str = string()
    partitions: list[int] = array(int32)


class RequestEndpoint(Struct):
    host: str = string()
    port: int = uint16()


class TaskOffset(Struct):
    subtopology_id: str = string()
    partition: int = int32()
    offset: int = int64()


class StreamsGroupHeartbeatRequest(Request, key=88, versions="0-1", flexible="0+"):
    group_id: str = string(entity="groupId")
    member_id: str = string()
    member_epoch: int = int32()
    endpoint_information_epoch: int = int32()
    instance_id: str | None = string(nullable="0+", default=None)
    rack_id: str | None = string(nullable="0+", default=None)
    rebalance_timeout_ms: int = int32(default=-1)
    topology: Topology | None = struct(Topology, nullable="0+", default=None)
    active_tasks: list[RequestTaskIds] | None = array(RequestTaskIds, nullable="0+", default=None)
    standby_tasks: list[RequestTaskIds] | None = array(RequestTaskIds, nullable="0+", default=None)
    warmup_tasks: list[RequestTaskIds] | None = array(RequestTaskIds, nullable="0+", default=None)
    process_id: str | None = string(nullable="0+", default=None)
    user_endpoint: RequestEndpoint | None = struct(RequestEndpoint, nullable="0+", default=None)
    client_tags: list[KeyValue] | None = array(KeyValue, nullable="0+", default=None)
    task_offsets: list[TaskOffset] | None = array(TaskOffset, nullable="0+", default=None)
    task_end_offsets: list[TaskOffset] | None = array(TaskOffset, nullable="0+", default=None)
    shutdown_application: bool = boolean(default=False)


class Status(Struct):
    status_code: int = int8()
    status_detail: str = string()


class ResponseTaskIds(Struct):
    subtopology_id: str = string()
    partitions: list[int] = array(int32)


class ResponseEndpoint(Struct):
    host: str = string()
    port: int = uint16()


class TopicPartition(Struct):
    topic: str = string(entity="topicName")
    partitions: list[int] = array(int32)


class EndpointToPartitions(Struct):
    user_endpoint: ResponseEndpoint = struct(ResponseEndpoint)
    active_partitions: list[TopicPartition] = array(TopicPartition)
    standby_partitions: list[TopicPartition] = array(TopicPartition)


class StreamsGroupHeartbeatResponse(Response, key=88, versions="0-1", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)
    member_id: str = string()
    member_epoch: int = int32()
    heartbeat_interval_ms: int = int32()
    acceptable_recovery_lag_legacy: int = int32(versions="0", default=0)
    task_offset_interval_ms: int = int32()
    acceptable_recovery_lag: int = int64(versions="1+", default=-1, ignorable=True)
    status: list[Status] | None = array(Status, nullable="0+")
    active_tasks: list[ResponseTaskIds] | None = array(ResponseTaskIds, nullable="0+", default=None)
    standby_tasks: list[ResponseTaskIds] | None = array(ResponseTaskIds, nullable="0+", default=None)
    warmup_tasks: list[ResponseTaskIds] | None = array(ResponseTaskIds, nullable="0+", default=None)
    topology_description_required: bool = boolean(versions="1+", default=False)
    endpoint_information_epoch: int = int32()
    partitions_by_user_endpoint: list[EndpointToPartitions] | None = array(
        EndpointToPartitions, nullable="0+", default=None
    )
