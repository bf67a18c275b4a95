"""Metadata (key 3): who are the brokers, and who leads the partitions of these topics?

The first thing that a client asks, and what it asks again whenever it meets NOT_LEADER_OR_FOLLOWER. The addresses are
those of the listener that the request came in on. A topic that does not exist is created on the way if both sides
allow it. The leader epoch of a partition must never go back: a client drops what looks older than what it knows.

v0 no topics means all; v1 null means all, empty none; rack, controller_id, is_internal   v2 cluster_id (KIP-78)
v3 throttle_time_ms   v4 allow_auto_topic_creation (KIP-204)   v5 offline_replicas (KIP-112)   v6 as v5 (KIP-219)
v7 leader_epoch (KIP-320)   v8 authorized operations as bit fields (KIP-430); -2147483648 where nobody asked
v9 flexible   v10 topic ids (KIP-516)   v11 those of the cluster moved to DescribeCluster (KIP-700)
v12 topics may be asked for by id   v13 an error of the whole: REBOOTSTRAP_REQUIRED (KIP-1102)

Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC_EXCEPTION, LEADER_NOT_AVAILABLE,
TOPIC_AUTHORIZATION_FAILED. Of a partition: LEADER_NOT_AVAILABLE, REPLICA_NOT_AVAILABLE, LISTENER_NOT_FOUND.
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, string, uuid


class MetadataRequestTopic(Struct):
    topic_id: bytes = uuid(versions="10+", ignorable=True)
    name: str | None = string(nullable="10+", entity="topicName")


class MetadataRequest(Request, key=3, versions="0-13", flexible="9+"):
    topics: list[MetadataRequestTopic] | None = array(MetadataRequestTopic, nullable="1+")
    allow_auto_topic_creation: bool = boolean(versions="4+", default=True)
    include_cluster_authorized_operations: bool = boolean(versions="8-10")
    include_topic_authorized_operations: bool = boolean(versions="8+")


class MetadataResponseBroker(Struct):
    node_id: int = int32(map_key=True, entity="brokerId")
    host: str = string()
    port: int = int32()
    rack: str | None = string(versions="1+", nullable="1+", default=None, ignorable=True)


class MetadataResponsePartition(Struct):
    error_code: int = int16()
    partition_index: int = int32()
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32(versions="7+", default=-1, ignorable=True)
    replica_nodes: list[int] = array(int32, entity="brokerId")
    isr_nodes: list[int] = array(int32, entity="brokerId")
    offline_replicas: list[int] = array(int32, versions="5+", ignorable=True, entity="brokerId")


class MetadataResponseTopic(Struct):
    error_code: int = int16()
    name: str | None = string(nullable="12+", map_key=True, entity="topicName")
    topic_id: bytes = uuid(versions="10+", ignorable=True)
    is_internal: bool = boolean(versions="1+", default=False, ignorable=True)
    partitions: list[MetadataResponsePartition] = array(MetadataResponsePartition)
    topic_authorized_operations: int = int32(versions="8+", default=-(2**31))


class MetadataResponse(Response, key=3, versions="0-13", flexible="9+"):
    throttle_time_ms: int = int32(versions="3+", default=0, ignorable=True)
    brokers: list[MetadataResponseBroker] = array(MetadataResponseBroker, kept=True)
    cluster_id: str | None = string(versions="2+", nullable="2+", default=None, ignorable=True)
    controller_id: int = int32(versions="1+", default=-1, ignorable=True, entity="brokerId")
    topics: list[MetadataResponseTopic] = array(MetadataResponseTopic, kept=True)
    cluster_authorized_operations: int = int32(versions="8-10", default=-(2**31))
    error_code: int = int16(versions="13+", ignorable=True)
