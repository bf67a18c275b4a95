"""What is durable of the groups of one partition: classic groups' metadata as last written, those that the coordinator
assigns, and committed offsets.

Only `apply` and `apply_marker` change it, the same way when a record is written and when the log is read again.
Everybody else reads.

Offsets that a transaction commits are `undecided` until its marker: then they count, or are gone. A commit and a
transaction may race for the same partition: the one that stands later in the log wins, whenever it was decided
(KIP-447).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kbroker.groups.consumer.group import KEYS as CONSUMER_KEYS
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.share.group import KEYS as SHARE_KEYS
from kbroker.groups.share.group import ShareGroup
from kbroker.groups.streams.group import KEYS as STREAMS_KEYS
from kbroker.groups.streams.group import StreamsGroup
from kbroker.machine import Marker, Origin, Producer, Record
from wire.durable.groups import GroupMetadataKey, GroupMetadataValue
from wire.durable.offsets import (
    LegacyOffsetCommitKey,
    LegacyOffsetCommitValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from wire.primitives import ZERO_UUID
from wire.schema import Value

Partition = tuple[str, int]
"""Topic name and partition index."""

_COMMIT_KEYS = (OffsetCommitKey, LegacyOffsetCommitKey)

Assigned = ConsumerGroup | StreamsGroup
"""A group that the coordinator assigns. Everything of it that lasts is made by its records."""


class Committed(NamedTuple):
    """A committed offset. Without an expiry of its own (-1) it lives as long as the group, and then for the retention
    time.
    """

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int
    topic_id: bytes
    written_at: int  # where its record stands in the log

    def is_of(self, topic_id: bytes) -> bool:
        """Does it belong to this incarnation of the topic? An id that is not known matches any."""
        return topic_id == ZERO_UUID or self.topic_id in (ZERO_UUID, topic_id)


class Store:
    __slots__ = ("_kinds", "consumers", "groups", "offsets", "shares", "streams", "undecided", "undecided_epochs")

    def __init__(self) -> None:
        self.groups: dict[str, GroupMetadataValue] = {}
        self.consumers: dict[str, ConsumerGroup] = {}
        self.streams: dict[str, StreamsGroup] = {}
        self.shares: dict[str, ShareGroup] = {}
        self._kinds: dict[type, tuple[dict[str, Any], type[Assigned | ShareGroup]]] = {  # whose record a key is of
            **dict.fromkeys(CONSUMER_KEYS, (self.consumers, ConsumerGroup)),
            **dict.fromkeys(STREAMS_KEYS, (self.streams, StreamsGroup)),
            **dict.fromkeys(SHARE_KEYS, (self.shares, ShareGroup)),
        }
        self.offsets: dict[str, dict[Partition, Committed]] = {}
        self.undecided: dict[int, dict[str, dict[Partition, Committed]]] = {}  # by producer id
        self.undecided_epochs: dict[int, int] = {}

    def group_ids(self) -> list[str]:
        """Every group of which anything is known, in an order that depends on the log alone."""
        undecided = [group_id for groups in self.undecided.values() for group_id in groups]
        assigned = [group.id for group in self.all_assigned()]
        return list(dict.fromkeys([*self.groups, *assigned, *self.offsets, *undecided]))

    def assigned(self, group_id: str) -> Assigned | None:
        return self.consumers.get(group_id) or self.streams.get(group_id)

    def is_assigned(self, group_id: str) -> bool:
        """Is it a group of one of the newer types? Share groups are of these too, but know no committed offsets."""
        return self.assigned(group_id) is not None or group_id in self.shares

    def all_assigned(self) -> list[Assigned]:
        return [*self.consumers.values(), *self.streams.values()]

    def is_open(self, producer: Producer) -> bool:
        """Has this producer, in this epoch, committed offsets here that are undecided?"""
        return self.undecided_epochs.get(producer.id) == producer.epoch

    def is_undecided(self, group_id: str, partition: Partition) -> bool:
        return any(partition in groups.get(group_id, ()) for groups in self.undecided.values())

    def partitions(self, group_id: str) -> Iterator[Partition]:
        """Every partition for which the group has an offset, decided or not."""
        seen = dict.fromkeys(self.offsets.get(group_id, ()))
        for groups in self.undecided.values():
            seen.update(dict.fromkeys(groups.get(group_id, ())))
        return iter(seen)

    def is_of(self, group_id: str, partition: Partition, topic_id: bytes) -> bool:
        """Does any offset for this partition belong to that incarnation of its topic?"""
        return any(each.is_of(topic_id) for each in self._all(group_id, partition))

    def topics(self) -> Iterator[tuple[str, set[bytes]]]:
        """Every topic for which there are offsets, with the ids by which they know it."""
        ids: dict[str, set[bytes]] = {}
        for groups in (self.offsets, *self.undecided.values()):
            for offsets in groups.values():
                for (topic, _), committed in offsets.items():
                    ids.setdefault(topic, set()).add(committed.topic_id)
        for known in ids.values():
            known.discard(ZERO_UUID)
        return iter(ids.items())

    def _all(self, group_id: str, partition: Partition) -> Iterator[Committed]:
        for groups in (self.offsets, *self.undecided.values()):
            committed = groups.get(group_id, {}).get(partition)
            if committed is not None:
                yield committed

    # --- the only writers -------------------------------------------------------------------------------------------

    def apply(self, record: Record, origin: Origin) -> None:
        key, value = record.key, record.value
        if isinstance(key, _COMMIT_KEYS):
            partition = (key.topic, key.partition)
            if value is None:
                self._forget(key.group, partition)
            else:
                self._remember(key.group, partition, _committed(value, origin), origin)
        elif isinstance(key, GroupMetadataKey):
            if isinstance(value, GroupMetadataValue):
                self.groups[key.group] = value
            else:
                self.groups.pop(key.group, None)
        elif type(key) in self._kinds:
            self._apply_to_assigned(record, origin)

    def _apply_to_assigned(self, record: Record, origin: Origin) -> None:
        groups, make = self._kinds[type(record.key)]
        group_id: str = record.key.group_id  # type: ignore[attr-defined]
        group = groups.get(group_id)
        if group is None:
            if record.value is None:
                return
            group = groups[group_id] = make(group_id)
        group.apply(record, origin.timestamp_ms)
        if group.is_forgotten:
            del groups[group_id]

    def apply_marker(self, marker: Marker) -> None:
        self.undecided_epochs.pop(marker.producer.id, None)
        for group_id, offsets in self.undecided.pop(marker.producer.id, {}).items():
            if not marker.committed:
                continue
            decided = self.offsets.setdefault(group_id, {})
            for partition, committed in offsets.items():
                known = decided.get(partition)
                if known is None or known.written_at < committed.written_at:
                    decided[partition] = committed

    def _remember(self, group_id: str, partition: Partition, committed: Committed, origin: Origin) -> None:
        groups = self.offsets
        if origin.producer is not None:
            groups = self.undecided.setdefault(origin.producer.id, {})
            self.undecided_epochs[origin.producer.id] = origin.producer.epoch
        offsets = groups.get(group_id)
        if offsets is None:
            offsets = groups[group_id] = {}
        offsets[partition] = committed

    def _forget(self, group_id: str, partition: Partition) -> None:
        """A tombstone also ends what transactions would have committed: the topic or the group is gone."""
        for groups in (self.offsets, *self.undecided.values()):
            offsets = groups.get(group_id)
            if offsets is not None and offsets.pop(partition, None) is not None and not offsets:
                del groups[group_id]


def _committed(value: Value, origin: Origin) -> Committed:
    if isinstance(value, LegacyOffsetCommitValue):
        return Committed(value.offset, -1, value.metadata, value.commit_timestamp, -1, ZERO_UUID, origin.offset)
    assert isinstance(value, OffsetCommitValue)
    return Committed(
        value.offset,
        value.leader_epoch,
        value.metadata,
        value.commit_timestamp,
        value.expire_timestamp,
        value.topic_id,
        origin.offset,
    )
