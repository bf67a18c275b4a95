"""What consumers tell each other through the coordinator, which only passes it on.

Each member sends a subscription with JoinGroup as the metadata of an assignor; the leader sends each an assignment
with SyncGroup. A version stands in front of either; a reader takes the newest that it knows and ignores what comes
behind.

v1 owned_partitions, for assignors that move little (KIP-429)   v2 generation_id (KIP-792)   v3 rack_id (KIP-881)
"""

from ..schema import Data, Struct, array, bytes_, int32, string


class OwnedTopicPartition(Struct):
    topic: str = string(versions="1+", map_key=True, entity="topicName")
    partitions: list[int] = array(int32, versions="1+")


class ConsumerProtocolSubscription(Data, versions="0-3"):
    topics: list[str] = array(string)
    user_data: bytes | None = bytes_(nullable="0+", default=None)
    owned_partitions: list[OwnedTopicPartition] = array(OwnedTopicPartition, versions="1+", ignorable=True)
    generation_id: int = int32(versions="2+", default=-1, ignorable=True)
    rack_id: str | None = string(versions="3+", nullable="3+", default=None, ignorable=True)


class AssignedTopicPartition(Struct):
    topic: str = string(map_key=True, entity="topicName")
    partitions: list[int] = array(int32)


class ConsumerProtocolAssignment(Data, versions="0-3"):
    assigned_partitions: list[AssignedTopicPartition] = array(AssignedTopicPartition)
    user_data: bytes | None = bytes_(nullable="0+", default=None)
