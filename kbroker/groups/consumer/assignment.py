"""Assignments: sets of partitions, by topic id. Values, never changed; a topic without partitions is left out.

`Held` is what a member has got: each partition with the group epoch in which it was given to it. A commit may come
with an epoch that the member has left behind, as long as the member has had the partition since then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Assignment = Mapping[bytes, frozenset[int]]
Held = Mapping[bytes, Mapping[int, int]]

NOTHING: Assignment = {}
NOTHING_HELD: Held = {}


def collect(partitions: Iterable[tuple[bytes, int]]) -> dict[bytes, frozenset[int]]:
    by_topic: dict[bytes, set[int]] = {}
    for topic_id, index in partitions:
        by_topic.setdefault(topic_id, set()).add(index)
    return {topic_id: frozenset(indexes) for topic_id, indexes in by_topic.items()}


def of_wire(topics: Iterable[Any]) -> dict[bytes, frozenset[int]]:
    """Of any list of objects with a topic id and its partitions; what is said twice counts once."""
    found: dict[bytes, frozenset[int]] = {}
    for topic in topics:
        if topic.partitions:
            found[topic.topic_id] = found.get(topic.topic_id, frozenset()).union(topic.partitions)
    return found


def size(assignment: Assignment) -> int:
    return sum([len(partitions) for partitions in assignment.values()])


def is_within(some: Assignment, *wholes: Held) -> bool:
    """Is every one of these partitions held?"""
    return all(
        any(index in whole.get(topic_id, ()) for whole in wholes)
        for topic_id, partitions in some.items()
        for index in partitions
    )


def partitions_of(held: Held) -> dict[bytes, frozenset[int]]:
    return {topic_id: frozenset(epochs) for topic_id, epochs in held.items()}
