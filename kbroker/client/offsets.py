"""Offsets by what they mean: the first, the next, the first at or after a time.

ListOffsets goes to the leader of each partition; all leaders are asked at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic

Place = tuple[str, int]
"""A topic and the index of a partition."""

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
NONE_FOUND = -1


def offsets(client: Client, wanted: Mapping[Place, int], *, committed_only: bool = False) -> dict[Place, int]:
    """The offset for each partition's LATEST, EARLIEST or time in ms; NONE_FOUND where nothing is that young. With
    `committed_only` LATEST is the last stable offset.
    """

    timeout_ms = int(client.settings.timeout * 1000)

    def attempt() -> dict[Place, int]:
        found: dict[Place, int] = {}
        asked = by_leader(client, wanted)
        for node, places in asked.items():
            topics = [
                ListOffsetsTopic(
                    name=name,
                    partitions=[ListOffsetsPartition(partition_index=at, timestamp=wanted[name, at]) for at in indexes],
                )
                for name, indexes in grouped(places).items()
            ]
            client.node(node).send(
                ListOffsetsRequest(
                    replica_id=-1, isolation_level=int(committed_only), topics=topics, timeout_ms=timeout_ms
                )
            )
        for node in asked:
            answer = client.node(node).receive()
            assert isinstance(answer, ListOffsetsResponse)
            for topic in answer.topics:
                for partition in topic.partitions:
                    check(partition.error_code, f"{topic.name}-{partition.partition_index} has no such offset.")
                    found[topic.name, partition.partition_index] = partition.offset
        return found

    return client.settled(attempt)


def ranges(client: Client, places: Iterable[Place], *, committed_only: bool = False) -> dict[Place, tuple[int, int]]:
    """The first offset of each partition, and the one after its last."""
    wanted = tuple(places)
    first = offsets(client, dict.fromkeys(wanted, EARLIEST))
    end = offsets(client, dict.fromkeys(wanted, LATEST), committed_only=committed_only)
    return {place: (first[place], end[place]) for place in wanted}


def by_leader(client: Client, places: Iterable[Place]) -> dict[int, list[Place]]:
    """Which leader to ask about which partitions; KafkaError where there is no such partition."""
    asked: dict[int, list[Place]] = defaultdict(list)
    leaders: dict[str, dict[int, int]] = {}
    for topic, index in places:
        if topic not in leaders:
            leaders[topic] = client.leaders(topic)
        if index not in leaders[topic]:
            check(3, f"{topic} has no partition {index}; it has 0 to {len(leaders[topic]) - 1}.")
        asked[leaders[topic][index]].append((topic, index))
    return dict(asked)


def grouped(places: Iterable[Place]) -> dict[str, list[int]]:
    """The partitions of each topic."""
    found: dict[str, list[int]] = defaultdict(list)
    for topic, index in places:
        found[topic].append(index)
    return dict(found)
