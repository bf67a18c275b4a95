"""What the tests of Fetch share: requests, what is answered of one partition, and a topic with batches in it."""

from __future__ import annotations

from typing import Any

from tests.kbroker.partitions.support import batch, produce
from wire.batch import batches, verify_crc
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic
from wire.records import iterate

from .support import Stage

NEWEST = 18
BY_NAME = 12
MIB = 1 << 20


def request(*wanted: tuple[Any, int, int], **options: Any) -> FetchRequest:
    """Each of (topic, partition, offset); topic is a name or an id. Options of a partition go to all of them."""
    of_partition = {
        name: options.pop(name)
        for name in ("current_leader_epoch", "last_fetched_epoch", "partition_max_bytes")
        if name in options
    }
    topics: dict[Any, FetchTopic] = {}
    for topic, index, offset in wanted:
        if topic not in topics:
            named = {"topic_id": topic} if isinstance(topic, bytes) else {"topic": topic}
            topics[topic] = FetchTopic(partitions=[], **named)
        asked = {"partition_max_bytes": MIB, **of_partition}
        topics[topic].partitions.append(FetchPartition(partition=index, fetch_offset=offset, **asked))
    forgotten = [
        ForgottenTopic(topic=name, partitions=list(indexes)) for name, indexes in options.pop("forgotten", {}).items()
    ]
    fields = {"max_wait_ms": 500, "min_bytes": 1, **options}
    return FetchRequest(topics=list(topics.values()), forgotten_topics_data=forgotten, **fields)


def only(response: Any) -> Any:
    (topic,) = response.responses
    (partition,) = topic.partitions
    return partition


def offsets(told: Any) -> list[int]:
    found = list(batches(told.records))
    assert all(verify_crc(one) for one in found)
    return [record.offset for one in found for record in iterate(one)]


def stage_with(*counts: int, **configs: Any) -> Stage:
    """A topic "t" whose partition i holds batches of counts[i] records... as many batches as said."""
    stage = Stage()
    stage.catalog.add("t", len(counts), **configs)
    for index, count in enumerate(counts):
        for _ in range(count):
            produce(stage.partition("t", index), batch(2, value=b"v" * 100))
    return stage


ONE_BATCH = len(batch(2, value=b"v" * 100))
