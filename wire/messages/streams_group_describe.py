"""StreamsGroupDescribe (key 89): state, topology, tasks and members of the groups of Kafka Streams (KIP-1071).

v1 the description of the topology, if asked for, and the assignor (KIP-1331)

Errors of a group: GROUP_ID_NOT_FOUND, INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
COORDINATOR_NOT_AVAILABLE, GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, int64, string, struct, uint16


class StreamsGroupDescribeRequest(Request, key=89, versions="0-1", flexible="0+"):
    group_ids: list[str] = array(string, entity="groupId")
    include_authorized_operations: bool = boolean()
    include_topology_description: bool = boolean(versions="1+", default=False)


class KeyValue(Struct):
    key: str = string()
    value: str = string()


class TopicInfo(Struct):
    name: str = string(entity="topicName")
    partitions: int = int32()
    replication_factor: int = int16()
    topic_configs: list[KeyValue] = array(KeyValue)


class Subtopology(Struct):
    subtopology_id: str = string()
    source_topics: list[str] = array(string, entity="topicName")
    repartition_sink_topics: list[str] = array(string, entity="topicName")
    state_changelog_topics: list[TopicInfo] = array(TopicInfo)
    repartition_source_topics: list[TopicInfo] = array(TopicInfo)


class Topology(Struct):
    epoch: int = int32()
    subtopologies: list[Subtopology] | None = array(Subtopology, nullable="0+", default=None)


class Endpoint(Struct):
    host: str = string()
    port: int = uint16()


class TaskOffset(Struct):
    subtopology_id: str = string()
    partition: int = int32()
    offset: int = int64()


class TaskIds(Struct):
    subtopology_id: str = string()
    partitions: list[int] = array(int32)


class Assignment(Struct):
    active_tasks: list[TaskIds] = array(TaskIds)
    standby_tasks: list[TaskIds] = array(TaskIds)
    warmup_tasks: list[TaskIds] = array(TaskIds)


class Member(Struct):
    member_id: str = string()
    member_epoch: int = int32()
    instance_id: str | None = string(nullable="0+", default=None)
    rack_id: str | None = string(nullable="0+", default=None)
    client_id: str = string()
    client_host: str = string()
    topology_epoch: int = int32()
    process_id: str = string()
    user_endpoint: Endpoint | None = struct(Endpoint, nullable="0+", default=None)
    client_tags: list[KeyValue] = array(KeyValue)
    task_offsets: list[TaskOffset] = array(TaskOffset)
    task_end_offsets: list[TaskOffset] = array(TaskOffset)
    assignment: Assignment = struct(Assignment)
    target_assignment: Assignment = struct(Assignment)
    is_classic: bool = boolean()


class TopologyDescriptionNode(Struct):
    name: str = string(versions="1+")
    node_type: int = int8(versions="1+")
    source_topics: list[str] = array(string, versions="1+", entity="topicName")
    sink_topic: str | None = string(versions="1+", nullable="1+", default=None, entity="topicName")
    stores: list[str] = array(string, versions="1+")
    successors: list[str] = array(string, versions="1+")


class TopologyDescriptionSubtopology(Struct):
    subtopology_id: str = string(versions="1+")
    nodes: list[TopologyDescriptionNode] = array(TopologyDescriptionNode, versions="1+")


class TopologyDescriptionGlobalStore(Struct):
    source: TopologyDescriptionNode = struct(TopologyDescriptionNode, versions="1+")
    processor: TopologyDescriptionNode = struct(TopologyDescriptionNode, versions="1+")


class TopologyDescription(Struct):
    subtopologies: list[TopologyDescriptionSubtopology] = array(TopologyDescriptionSubtopology, versions="1+")
    global_stores: list[TopologyDescriptionGlobalStore] = array(TopologyDescriptionGlobalStore, versions="1+")


class DescribedGroup(Struct):
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)
    group_id: str = string(entity="groupId")
    group_state: str = string()
    group_epoch: int = int32()
    assignment_epoch: int = int32()
    topology: Topology | None = struct(Topology, nullable="0+", default=None)
    members: list[Member] = array(Member)
    authorized_operations: int = int32(default=-(2**31))
    topology_description: TopologyDescription | None = struct(
        TopologyDescription, versions="1+", nullable="1+", default=None
    )
    topology_description_status: int = int8(versions="1+", default=0)
    assignor_name: str | None = string(versions="1+", nullable="1+", default=None, ignorable=True)


class StreamsGroupDescribeResponse(Response, key=89, versions="0-1", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    groups: list[DescribedGroup] = array(DescribedGroup)
