"""The blobs by which consumers of the classic protocol talk to each other: subscriptions and assignments.

Each is a struct behind its int16 version. In a classic group they are passed on, and only the topics matter to us,
which lead every version; so like Kafka we read version 0 and let be what follows. We use them for nothing but to
protect the offsets of a topic that is being read.

When such a consumer is in a consumer group, or its group becomes one, the broker speaks for the leader: then it reads
the whole of them, and writes assignments.
"""

from __future__ import annotations

from collections.abc import Iterable

from wire.durable.assignment import AssignedTopicPartition, ConsumerProtocolAssignment, ConsumerProtocolSubscription
from wire.errors import MalformedMessage

CONSUMER = "consumer"
_VERSION_BYTES = 2
_NEWEST = 3
_KNOWN = range(_NEWEST + 1)


def subscribed_topics(blobs: Iterable[bytes]) -> frozenset[str] | None:
    """The union over all members; None when one of them is not such a blob."""
    topics: set[str] = set()
    try:
        for blob in blobs:
            subscription, _ = ConsumerProtocolSubscription.decode_from(blob, _VERSION_BYTES, 0)
            topics.update(subscription.topics)
    except MalformedMessage:
        return None
    return frozenset(topics)


def version_of(blob: bytes) -> int:
    return int.from_bytes(blob[:_VERSION_BYTES], "big", signed=True)


def read_subscription(blob: bytes) -> ConsumerProtocolSubscription | None:
    """The whole of it, by the newest version that we know. None: it is none."""
    version = min(version_of(blob), _NEWEST)
    if len(blob) < _VERSION_BYTES or version not in _KNOWN:
        return None
    try:
        return ConsumerProtocolSubscription.decode_from(blob, _VERSION_BYTES, version)[0]
    except MalformedMessage:
        return None


def read_assignment(blob: bytes) -> list[tuple[str, list[int]]] | None:
    """Topics and their partitions. None: it is none; no bytes are an assignment of nothing."""
    if not blob:
        return []
    version = min(version_of(blob), _NEWEST)
    if len(blob) < _VERSION_BYTES or version not in _KNOWN:
        return None
    try:
        assignment, _ = ConsumerProtocolAssignment.decode_from(blob, _VERSION_BYTES, version)
    except MalformedMessage:
        return None
    return [(each.topic, each.partitions) for each in assignment.assigned_partitions]


def write_assignment(topics: Iterable[tuple[str, list[int]]], version: int) -> bytes:
    version = max(0, min(version, _NEWEST))
    assignment = ConsumerProtocolAssignment(
        assigned_partitions=[AssignedTopicPartition(topic=name, partitions=indexes) for name, indexes in topics]
    )
    return version.to_bytes(_VERSION_BYTES, "big") + assignment.encode(version)
