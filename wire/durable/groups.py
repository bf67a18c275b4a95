"""Groups and their members, as they lie in `__consumer_offsets`.

A classic group is one record of type 2 that holds everything: generation, protocol, leader and the members with their
subscriptions and assignments. It is written when a generation is complete and when the group becomes empty.

A group of the new protocol (KIP-848) is many small records: the group's epoch (3), its members (5), the target
assignment as a whole (6) and of each member (7), and what each member has now (8); 4 holds the partition counts of
the subscribed topics, which newer brokers no longer write; 16 holds which topics a regular expression stands for. A
record without a value forgets its key.
"""

from ..schema import Key, Struct, Value, array, bytes_, int8, int32, int64, string, struct, uuid


class GroupMetadataKey(Key, key=2, versions="0"):
    group: str = string(versions="0")


class MemberMetadata(Struct):
    member_id: str = string()
    group_instance_id: str | None = string(versions="3+", nullable="3+", default=None, ignorable=True)
    client_id: str = string()
    client_host: str = string()
    rebalance_timeout: int = int32(versions="1+", default=-1, ignorable=True)
    session_timeout: int = int32()
    subscription: bytes = bytes_()
    assignment: bytes = bytes_()


class GroupMetadataValue(Value, key=2, versions="0-4", flexible="4+"):
    protocol_type: str = string()
    generation: int = int32()
    protocol: str | None = string(nullable="0+")
    leader: str | None = string(nullable="0+")
    current_state_timestamp: int = int64(versions="2+", default=-1, ignorable=True)
    members: list[MemberMetadata] = array(MemberMetadata)


class ConsumerGroupMetadataKey(Key, key=3, versions="0"):
    group_id: str = string(versions="0")


class ConsumerGroupMetadataValue(Value, key=3, versions="0", flexible="0+"):
    epoch: int = int32()
    metadata_hash: int = int64(tag=0, default=0)


class ConsumerGroupPartitionMetadataKey(Key, key=4, versions="0"):
    group_id: str = string(versions="0")


class PartitionMetadata(Struct):
    partition: int = int32()
    racks: list[str] = array(string)


class TopicMetadata(Struct):
    topic_id: bytes = uuid()
    topic_name: str = string()
    num_partitions: int = int32()
    partition_metadata: list[PartitionMetadata] = array(PartitionMetadata)


class ConsumerGroupPartitionMetadataValue(Value, key=4, versions="0", flexible="0+"):
    topics: list[TopicMetadata] = array(TopicMetadata)


class ConsumerGroupMemberMetadataKey(Key, key=5, versions="0"):
    group_id: str = string(versions="0")
    member_id: str = string(versions="0")


class ClassicProtocol(Struct):
    name: str = string()
    metadata: bytes = bytes_()


class ClassicMemberMetadata(Struct):
    session_timeout_ms: int = int32()
    supported_protocols: list[ClassicProtocol] = array(ClassicProtocol)


class ConsumerGroupMemberMetadataValue(Value, key=5, versions="0", flexible="0+"):
    instance_id: str | None = string(nullable="0+")
    rack_id: str | None = string(nullable="0+")
    client_id: str = string()
    client_host: str = string()
    subscribed_topic_names: list[str] = array(string)
    subscribed_topic_regex: str | None = string(nullable="0+")
    rebalance_timeout_ms: int = int32(default=-1)
    server_assignor: str | None = string(nullable="0+")
    classic_member_metadata: ClassicMemberMetadata | None = struct(ClassicMemberMetadata, nullable="0+", tag=0)


class ConsumerGroupTargetAssignmentMetadataKey(Key, key=6, versions="0"):
    group_id: str = string(versions="0")


class ConsumerGroupTargetAssignmentMetadataValue(Value, key=6, versions="0", flexible="0+"):
    assignment_epoch: int = int32()
    assignment_timestamp: int = int64(tag=0, default=0, ignorable=True)


class ConsumerGroupTargetAssignmentMemberKey(Key, key=7, versions="0"):
    group_id: str = string(versions="0")
    member_id: str = string(versions="0")


class TopicPartition(Struct):
    topic_id: bytes = uuid()
    partitions: list[int] = array(int32)


class ConsumerGroupTargetAssignmentMemberValue(Value, key=7, versions="0", flexible="0+"):
    topic_partitions: list[TopicPartition] = array(TopicPartition)


class ConsumerGroupCurrentMemberAssignmentKey(Key, key=8, versions="0"):
    group_id: str = string(versions="0")
    member_id: str = string(versions="0")


class TopicPartitions(Struct):
    topic_id: bytes = uuid()
    partitions: list[int] = array(int32)
    assignment_epochs: list[int] | None = array(int32, nullable="0+", tag=0)


class ConsumerGroupCurrentMemberAssignmentValue(Value, key=8, versions="0", flexible="0+"):
    member_epoch: int = int32()
    previous_member_epoch: int = int32()
    state: int = int8()
    assigned_partitions: list[TopicPartitions] = array(TopicPartitions)
    partitions_pending_revocation: list[TopicPartitions] = array(TopicPartitions)


class ConsumerGroupRegularExpressionKey(Key, key=16, versions="0"):
    group_id: str = string(versions="0")
    regular_expression: str = string(versions="0")


class ConsumerGroupRegularExpressionValue(Value, key=16, versions="0", flexible="0+"):
    topics: list[str] = array(string)
    version: int = int64()
    timestamp: int = int64()
