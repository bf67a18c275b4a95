"""Reconciliation: one step of one member towards its target. A pure function, the heart of the protocol.

    what it keeps     what it has and is to have
    what it gives up  what it has and is not to have: it is told so, and nothing else happens until it has done it
    what it gets      what it is to have and nobody has; the rest follows when others have given it up

A partition is free when no member has it, where having includes being told to give it up. So it is never given to two:
it passes from one to the other only through the first one's own word that it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kbroker.groups.consumer.assignment import NOTHING_HELD, Assignment, Held
from kbroker.groups.consumer.states import MemberState


class Current(NamedTuple):
    """Where a member stands, as the log has it: its epoch and the one before (an answer may have been lost), what it
    has, and what it is to give up.
    """

    epoch: int
    previous_epoch: int
    state: MemberState
    assigned: Held
    revoking: Held

    def is_at(self, target_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.epoch == target_epoch

    def has_same_partitions(self, other: Current) -> bool:
        """Without regard to the epochs in which they were given."""
        return self.assigned.keys() == other.assigned.keys() and all(
            partitions.keys() == other.assigned[topic_id].keys() for topic_id, partitions in self.assigned.items()
        )


NEW = Current(0, 0, MemberState.STABLE, NOTHING_HELD, NOTHING_HELD)


def reconcile(
    current: Current,
    target_epoch: int,
    target: Assignment,
    owned: Assignment | None,
    is_free: Callable[[bytes, int], bool],
) -> Current:
    """`owned` is what the member says that it has; None when it says nothing about it."""
    if current.state is MemberState.STABLE and current.epoch == target_epoch:
        return current
    if current.state is MemberState.UNREVOKED_PARTITIONS and _owns(owned, current.revoking):
        return current
    kept: dict[bytes, Mapping[int, int]] = {}
    revoking: dict[bytes, Mapping[int, int]] = {}
    for topic_id, held in current.assigned.items():
        wanted = target.get(topic_id, frozenset())
        if held.keys() <= wanted:
            kept[topic_id] = held
            continue
        revoking[topic_id] = {index: epoch for index, epoch in held.items() if index not in wanted}
        rest = {index: epoch for index, epoch in held.items() if index in wanted}
        if rest:
            kept[topic_id] = rest
    if revoking and _owns(owned, revoking):
        return Current(current.epoch, current.epoch, MemberState.UNREVOKED_PARTITIONS, kept, revoking)
    waits = False
    for topic_id, wanted in target.items():
        held = kept.get(topic_id, {})
        missing = wanted - held.keys()
        free = [index for index in sorted(missing) if is_free(topic_id, index)]
        waits = waits or len(free) < len(missing)
        if free:
            kept[topic_id] = {**held, **dict.fromkeys(free, target_epoch)}
    state = MemberState.UNRELEASED_PARTITIONS if waits else MemberState.STABLE
    return Current(target_epoch, current.epoch, state, kept, NOTHING_HELD)


def _owns(owned: Assignment | None, some: Held) -> bool:
    """Does the member have any of these? Who does not say may well have."""
    if owned is None:
        return True
    return any(not owned.get(topic_id, frozenset()).isdisjoint(held) for topic_id, held in some.items())
