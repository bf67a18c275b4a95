"""What is kept of one share partition: a value, and how a write changes it. Pure.

Batches are ranges of offsets in one state, in order and apart from each other. What a write says of an offset
replaces what was known; what lies below the start is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wire.durable.share import ShareSnapshotValue, ShareUpdateValue, StateBatch

Key = tuple[str, bytes, int]
"""Group, topic id, partition: a share partition."""

UNKNOWN_START = -1
"""Nobody has fetched yet: where the window begins is for the first fetch to say (`share.auto.offset.reset`)."""
NOT_COUNTED = -1


class Range(NamedTuple):
    """Records in one state, both ends included. Only states that are kept come here."""

    first: int
    last: int
    state: int
    deliveries: int


class Kept(NamedTuple):
    """`done` is how many of the records from the start on need not be delivered any more. `snapshot_at` is where the
    last snapshot stands in the log, `updates` how many records have followed it.
    """

    snapshot_epoch: int
    state_epoch: int
    leader_epoch: int
    start: int
    done: int
    ranges: tuple[Range, ...]
    created_ms: int
    written_ms: int
    snapshot_at: int
    updates: int

    def value(self) -> ShareSnapshotValue:
        return ShareSnapshotValue(
            snapshot_epoch=self.snapshot_epoch,
            state_epoch=self.state_epoch,
            leader_epoch=self.leader_epoch,
            start_offset=self.start,
            delivery_complete_count=self.done,
            create_timestamp=self.created_ms,
            write_timestamp=self.written_ms,
            state_batches=batches_of(self.ranges),
        )


def of_snapshot(value: ShareSnapshotValue, offset: int) -> Kept:
    return Kept(
        value.snapshot_epoch,
        value.state_epoch,
        value.leader_epoch,
        value.start_offset,
        value.delivery_complete_count,
        combine((), ranges_of(value.state_batches), value.start_offset),
        value.create_timestamp,
        value.write_timestamp,
        offset,
        0,
    )


def updated(kept: Kept, value: ShareUpdateValue) -> Kept:
    start = kept.start if value.start_offset == UNKNOWN_START else value.start_offset
    return kept._replace(
        leader_epoch=value.leader_epoch,
        start=start,
        done=value.delivery_complete_count,
        ranges=combine(kept.ranges, ranges_of(value.state_batches), start),
        updates=kept.updates + 1,
    )


def combine(known: Sequence[Range], news: Iterable[Range], start: int) -> tuple[Range, ...]:
    """What is known after the news. Neighbours that are alike become one."""
    ranges = list(known)
    for new in news:
        kept: list[Range] = []
        for old in ranges:
            if old.last < new.first or old.first > new.last:
                kept.append(old)
                continue
            if old.first < new.first:
                kept.append(old._replace(last=new.first - 1))
            if old.last > new.last:
                kept.append(old._replace(first=new.last + 1))
        ranges = [*kept, new]
    merged: list[Range] = []
    for each in sorted(ranges):
        if each.last < start:
            continue
        if each.first < start:
            each = each._replace(first=start)
        last = merged[-1] if merged else None
        if last is not None and last.last + 1 == each.first and last[2:] == each[2:]:
            merged[-1] = last._replace(last=each.last)
        else:
            merged.append(each)
    return tuple(merged)


def ranges_of(batches: Iterable[StateBatch]) -> list[Range]:
    return [Range(each.first_offset, each.last_offset, each.delivery_state, each.delivery_count) for each in batches]


def batches_of(ranges: Iterable[Range]) -> list[StateBatch]:
    return [
        StateBatch(
            first_offset=each.first, last_offset=each.last, delivery_state=each.state, delivery_count=each.deliveries
        )
        for each in ranges
    ]
