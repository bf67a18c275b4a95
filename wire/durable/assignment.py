"""assignment"""

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
