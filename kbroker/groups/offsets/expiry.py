"""Offsets that nobody uses any more are forgotten, and groups that have nothing left.

When an offset expires (`offsets.retention.minutes`, called retention):

    its commit brought a time of its own (OffsetCommit up to version 4)   at that time
    the group has had members and is empty                                retention after it became empty
    the group never had members                                           retention after the commit
    consumers, Stable, not subscribed to the topic                        retention after the commit
    a group of the new protocol, not subscribed to the topic              retention after the commit
    otherwise                                                             not now

An undecided offset of a transaction keeps the decided one. A group that is empty and has no offsets goes too.

Nothing polls: `next_check` says when the earliest of all this can happen, rounded up to a multiple of
`offsets.retention.check.interval.ms` so that much is done at once. Without anything to expire there is no timer.
"""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.states import State
from kbroker.groups.settings import Settings
from kbroker.groups.store import Assigned, Committed, Partition, Store
from kbroker.groups.subscription import CONSUMER

Group = ClassicGroup | Assigned


def expires_at(group: Group, topic: str, committed: Committed, retention_ms: int) -> int | None:
    """When this offset expires if the group stays as it is; None: not before something else happens."""
    if not isinstance(group, ClassicGroup) or group.protocol_type is None:
        base = committed.commit_timestamp_ms
    elif group.state is State.EMPTY:
        base = group.since_ms if group.since_ms >= 0 else committed.commit_timestamp_ms
    elif group.protocol_type == CONSUMER and group.state is State.STABLE and group.subscribed is not None:
        base = committed.commit_timestamp_ms
    else:
        return None
    if group.is_subscribed(topic):
        return None
    if committed.expire_timestamp_ms >= 0:
        return committed.expire_timestamp_ms
    return base + retention_ms


def expired(store: Store, group: Group, now: int, settings: Settings) -> tuple[list[Partition], bool]:
    """The partitions whose offsets have expired by now, and whether the group goes with them."""
    offsets = store.offsets.get(group.id, {})
    gone = []
    for partition, committed in offsets.items():
        at = expires_at(group, partition[0], committed, settings.offsets_retention_ms)
        if at is not None and at <= now and not store.is_undecided(group.id, partition):
            gone.append(partition)
    nothing_left = len(gone) == len(offsets) and not any(group.id in groups for groups in store.undecided.values())
    return gone, nothing_left and group.is_vacant


def next_check(store: Store, groups: Iterable[Group], now: int, settings: Settings) -> int | None:
    """When to look again: the first check interval's end at which something may have expired."""
    earliest: int | None = None
    for group in groups:
        at = _earliest(store, group, now, settings)
        if at is not None and (earliest is None or at < earliest):
            earliest = at
    return None if earliest is None else round_up(max(earliest, now + 1), settings.offsets_check_interval_ms)


def _earliest(store: Store, group: Group, now: int, settings: Settings) -> int | None:
    offsets = store.offsets.get(group.id)
    if not offsets:
        return now if group.is_vacant else None
    times = [expires_at(group, topic, each, settings.offsets_retention_ms) for (topic, _), each in offsets.items()]
    return min([at for at in times if at is not None], default=None)


def round_up(at: int, interval: int) -> int:
    return -(-at // interval) * interval
