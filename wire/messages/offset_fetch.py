"""OffsetFetch (key 9): how far has a group read?

A partition that nobody committed has offset -1 and no error; so has every partition of an unknown group.
require_stable refuses to answer with an offset that an open transaction is about to replace (KIP-447).

v1 the first from Kafka's own log rather than from ZooKeeper   v2 null topics mean all; an error of the whole
v3 throttle_time_ms
v4 the client waits it out itself (KIP-219)   v5 committed_leader_epoch (KIP-320)   v6 flexible
v7 require_stable (KIP-447)
v8 several groups in one request (KIP-709)   v9 member_id and member_epoch, checked (KIP-848)
v10 topic ids (KIP-848)

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, UNKNOWN_MEMBER_ID,
STALE_MEMBER_EPOCH, UNSTABLE_OFFSET_COMMIT (of a partition), UNKNOWN_TOPIC_ID, GROUP_AUTHORIZATION_FAILED,
TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, int64, string, uuid


class OffsetFetchRequestTopic(Struct):
    name: str = string(versions="0-7", entity="topicName")
    partition_indexes: list[int] = array(int32, versions="0-7")


class OffsetFetchRequestTopics(Struct):
    name: str = string(versions="8-9", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="10+", ignorable=True)
    partition_indexes: list[int] = array(int32, versions="8+")


class OffsetFetchRequestGroup(Struct):
    group_id: str = string(versions="8+", entity="groupId")
    member_id: str | None = string(versions="9+", nullable="9+", default=None, ignorable=True)
    member_epoch: int = int32(versions="9+", default=-1, ignorable=True)
    topics: list[OffsetFetchRequestTopics] | None = array(OffsetFetchRequestTopics, versions="8+", nullable="8+")


class OffsetFetchRequest(Request, key=9, versions="1-10", flexible="6+"):
    group_id: str = string(versions="0-7", entity="groupId")
    topics: list[OffsetFetchRequestTopic] | None = array(OffsetFetchRequestTopic, versions="0-7", nullable="2-7")
    groups: list[OffsetFetchRequestGroup] = array(OffsetFetchRequestGroup, versions="8+")
    require_stable: bool = boolean(versions="7+", default=False)


class OffsetFetchResponsePartition(Struct):
    partition_index: int = int32(versions="0-7", default=0)
    committed_offset: int = int64(versions="0-7", default=0)
    committed_leader_epoch: int = int32(versions="5-7", default=-1, ignorable=True)
    metadata: str | None = string(versions="0-7", nullable="0-7", default="")
    error_code: int = int16(versions="0-7", default=0)


class OffsetFetchResponseTopic(Struct):
    name: str = string(versions="0-7", default="", entity="topicName")
    partitions: list[OffsetFetchResponsePartition] = array(OffsetFetchResponsePartition, versions="0-7", default=...)


class OffsetFetchResponsePartitions(Struct):
    partition_index: int = int32(versions="8+")
    committed_offset: int = int64(versions="8+")
    committed_leader_epoch: int = int32(versions="8+", default=-1, ignorable=True)
    metadata: str | None = string(versions="8+", nullable="8+")
    error_code: int = int16(versions="8+")


class OffsetFetchResponseTopics(Struct):
    name: str = string(versions="8-9", default="", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="10+", ignorable=True)
    partitions: list[OffsetFetchResponsePartitions] = array(OffsetFetchResponsePartitions, versions="8+")


class OffsetFetchResponseGroup(Struct):
    group_id: str = string(versions="8+", entity="groupId")
    topics: list[OffsetFetchResponseTopics] = array(OffsetFetchResponseTopics, versions="8+")
    error_code: int = int16(versions="8+", default=0)


class OffsetFetchResponse(Response, key=9, versions="1-10", flexible="6+"):
    throttle_time_ms: int = int32(versions="3+", default=0, ignorable=True)
    topics: list[OffsetFetchResponseTopic] = array(OffsetFetchResponseTopic, versions="0-7", default=...)
    error_code: int = int16(versions="2-7", default=0, ignorable=True)
    groups: list[OffsetFetchResponseGroup] = array(OffsetFetchResponseGroup, versions="8+")
