"""What the tests of Produce share: requests, what is answered of one partition, and what lies in its log."""

from __future__ import annotations

from typing import Any

from wire.batch import Batch, batches
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData

from .support import Stage

NEWEST = 13
BY_NAME = 12


def request(
    *batches: tuple[Any, int, bytes | bytearray | None],
    acks: int = -1,
    timeout_ms: int = 1000,
    transactional_id: str | None = None,
) -> ProduceRequest:
    """Each of (topic, partition, records); topic is a name or an id."""
    topics: dict[Any, TopicProduceData] = {}
    for topic, index, records in batches:
        if topic not in topics:
            named = {"topic_id": topic} if isinstance(topic, bytes) else {"name": topic}
            topics[topic] = TopicProduceData(partition_data=[], **named)
        topics[topic].partition_data.append(PartitionProduceData(index=index, records=records))
    return ProduceRequest(
        transactional_id=transactional_id, acks=acks, timeout_ms=timeout_ms, topic_data=list(topics.values())
    )


def only(response: Any) -> Any:
    (topic,) = response.responses
    (partition,) = topic.partition_responses
    return partition


def stored(stage: Stage, name: str = "t", index: int = 0) -> list[Batch]:
    one = stage.partition(name, index)
    chunk = one.read(one.log_start, 1 << 30).result()
    return [found for buffer in chunk.buffers for found in batches(buffer)]
