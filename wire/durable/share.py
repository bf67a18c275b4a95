"""Share groups (KIP-932): the group itself in `__consumer_offsets`, the state of its records in
`__share_group_state`.

In `__consumer_offsets`: members (10), the group's epoch (11), the target assignment as a whole (12) and of each
member (13), what each member has now (14), and which partitions have their state kept (15). In `__share_group_state`,
with numbers of its own: a snapshot of all batches from the start offset on (0), and what changed since (1).
"""

from ..schema import Key, Struct, Value, array, int8, int16, int32, int64, string, uuid


class ShareGroupMemberMetadataKey(Key, key=10, versions="0"):
    group_id: str = string(versions="0")
    member_id: str = string(versions="0")


class ShareGroupMemberMetadataValue(Value, key=10, versions="0", flexible="0+"):
    rack_id: str | None = string(nullable="0+")
    client_id: str = string()
    client_host: str = string()
    subscribed_topic_names: list[str] = array(string)


class ShareGroupMetadataKey(Key, key=11, versions="0"):
    group_id: str = string(versions="0")


class ShareGroupMetadataValue(Value, key=11, versions="0", flexible="0+"):
    epoch: int = int32()
    metadata_hash: int = int64()


class ShareGroupTargetAssignmentMetadataKey(Key, key=12, versions="0"):
    group_id: str = string(versions="0")


class ShareGroupTargetAssignmentMetadataValue(Value, key=12, versions="0", flexible="0+"):
    assignment_epoch: int = int32()
    assignment_timestamp: int = int64(tag=0, default=0, ignorable=True)


class ShareGroupTargetAssignmentMemberKey(Key, key=13, versions="0"):
    group_id: str = string(versions="0")
    member_id: str = string(versions="0")


class TopicPartition(Struct):
    topic_id: bytes = uuid()
    partitions: list[int] = array(int32)


class ShareGroupTargetAssignmentMemberValue(Value, key=13, versions="0", flexible="0+"):
    topic_partitions: list[TopicPartition] = array(TopicPartition)


class ShareGroupCurrentMemberAssignmentKey(Key, key=14, versions="0"):
    group_id: str = string(versions="0")
    member_id: str = string(versions="0")


class TopicPartitions(Struct):
    topic_id: bytes = uuid()
    partitions: list[int] = array(int32)


class ShareGroupCurrentMemberAssignmentValue(Value, key=14, versions="0", flexible="0+"):
    member_epoch: int = int32()
    previous_member_epoch: int = int32()
    state: int = int8()
    assigned_partitions: list[TopicPartitions] = array(TopicPartitions)


class ShareGroupStatePartitionMetadataKey(Key, key=15, versions="0"):
    group_id: str = string(versions="0")


class TopicPartitionsInfo(Struct):
    topic_id: bytes = uuid()
    topic_name: str = string()
    partitions: list[int] = array(int32)


class TopicInfo(Struct):
    topic_id: bytes = uuid()
    topic_name: str = string()


class ShareGroupStatePartitionMetadataValue(Value, key=15, versions="0", flexible="0+"):
    initializing_topics: list[TopicPartitionsInfo] = array(TopicPartitionsInfo)
    initialized_topics: list[TopicPartitionsInfo] = array(TopicPartitionsInfo)
    deleting_topics: list[TopicInfo] = array(TopicInfo)


class ShareSnapshotKey(Key, key=0, versions="0"):
    group_id: str = string(versions="0")
    topic_id: bytes = uuid(versions="0")
    partition: int = int32(versions="0")


class StateBatch(Struct):
    first_offset: int = int64()
    last_offset: int = int64()
    delivery_state: int = int8()
    delivery_count: int = int16()


class ShareSnapshotValue(Value, key=0, versions="0", flexible="0+"):
    snapshot_epoch: int = int32()
    state_epoch: int = int32()
    leader_epoch: int = int32()
    start_offset: int = int64()
    delivery_complete_count: int = int32(tag=0, default=-1)
    create_timestamp: int = int64()
    write_timestamp: int = int64()
    state_batches: list[StateBatch] = array(StateBatch)


class ShareUpdateKey(Key, key=1, versions="0"):
    group_id: str = string(versions="0")
    topic_id: bytes = uuid(versions="0")
    partition: int = int32(versions="0")


class ShareUpdateValue(Value, key=1, versions="0", flexible="0+"):
    snapshot_epoch: int = int32()
    leader_epoch: int = int32()
    start_offset: int = int64()
    delivery_complete_count: int = int32(tag=0, default=-1)
    state_batches: list[StateBatch] = array(StateBatch)
