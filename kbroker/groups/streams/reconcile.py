"""Reconciliation: one step of one member towards its target. A pure function, the heart of the protocol.

    what it keeps     what it has, and is to have in the same role
    what it gives up  what it has, and is not to have: it is told so, and gets nothing new until it has done it
    what it changes   from active to standby, between standby and warm-up: the state stays where it is, so the new role
                      is given at once. A standby or warm-up that is to be active stays what it is until nobody else has
                      the task
    what it gets      what it is to have and is released; the rest follows when others have given it up

A task is released when nobody has it as active, where having includes being told to give it up, and no other member of
the same process has it in any role: a process has one directory of state for each task, and one lock on it
(Kafka's `CurrentAssignmentBuilder`).
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple, Protocol

from kbroker.groups.streams.states import MemberState
from kbroker.groups.streams.tasks import NOTHING_HELD, Held, Task, Tasks, TaskSet


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


NEW = Current(0, 0, MemberState.STABLE, NOTHING_HELD, NOTHING_HELD)


class Holders(Protocol):
    """Which processes have a task now, or are still to give it up."""

    def active(self, task: Task) -> str | None: ...

    def standby(self, task: Task) -> Set[str]: ...

    def warmup(self, task: Task) -> Set[str]: ...


def reconcile(
    current: Current, target_epoch: int, target: Tasks, owned: Tasks | None, process_id: str, holders: Holders
) -> Current:
    """`owned` is what the member says that it has; None when it says nothing about it."""
    if current.is_at(target_epoch):
        return current
    epoch = current.epoch
    if current.state is MemberState.UNREVOKED_TASKS:
        if not _has_released(owned, current.revoking):
            return current
        epoch += 1
    return _next(current, epoch, target_epoch, target, owned, _Locks(current.assigned, process_id, holders))


def _next(
    current: Current, epoch: int, target_epoch: int, target: Tasks, owned: Tasks | None, locks: _Locks
) -> Current:
    had = current.assigned
    active = {task: since for task, since in had.active.items() if task in target.active}
    standby, warmup = had.standby & target.standby, had.warmup & target.warmup
    wanted = Tasks(target.active - active.keys(), target.standby - standby, target.warmup - warmup)
    given = Tasks(
        frozenset(filter(locks.is_released_for_active, wanted.active)),
        frozenset(filter(locks.is_released_for_standby, wanted.standby)),
        frozenset(filter(locks.is_released_for_warmup, wanted.warmup)),
    )
    cooled, warmed = given.warmup & had.standby, given.standby & had.warmup
    promoted = (had.standby | had.warmup) & target.active
    standby |= warmed | (given.standby & had.active.keys())
    warmup |= cooled
    revoking = Held(
        {task: since for task, since in had.active.items() if task not in active},
        had.standby - standby - cooled - promoted,
        had.warmup - warmup - warmed - promoted,
    )
    if revoking and not _has_released(owned, revoking):
        kept = Held(active, standby | (had.standby & promoted), warmup | (had.warmup & promoted))
        return Current(epoch, current.epoch, MemberState.UNREVOKED_TASKS, kept, revoking)
    waiting = promoted - given.active
    assigned = Held(
        {**active, **dict.fromkeys(sorted(given.active), target_epoch)},
        standby | given.standby | (had.standby & waiting),
        warmup | given.warmup | (had.warmup & waiting),
    )
    state = MemberState.STABLE if given == wanted else MemberState.UNRELEASED_TASKS
    return Current(target_epoch, current.epoch, state, assigned, NOTHING_HELD)


class _Locks:
    """What a member may take up, given what it has itself."""

    def __init__(self, mine: Held, process_id: str, holders: Holders) -> None:
        self._mine = mine
        self._process_id = process_id
        self._holders = holders

    def is_released_for_active(self, task: Task) -> bool:
        return (
            self._holders.active(task) is None
            and not self._is_here(self._holders.standby(task), task, self._mine.standby)
            and not self._is_here(self._holders.warmup(task), task, self._mine.warmup)
        )

    def is_released_for_standby(self, task: Task) -> bool:
        runs_here = self._holders.active(task) == self._process_id and task not in self._mine.active
        return (
            not runs_here
            and self._process_id not in self._holders.standby(task)
            and not self._is_here(self._holders.warmup(task), task, self._mine.warmup)
        )

    def is_released_for_warmup(self, task: Task) -> bool:
        return (
            self._holders.active(task) != self._process_id
            and not self._is_here(self._holders.standby(task), task, self._mine.standby)
            and self._process_id not in self._holders.warmup(task)
        )

    def _is_here(self, process_ids: Set[str], task: Task, mine: TaskSet) -> bool:
        """Does another member of this process have it in that role?"""
        return self._process_id in process_ids and task not in mine


def _has_released(owned: Tasks | None, some: Held) -> bool:
    """Has the member none of these any more? Who does not say may well have."""
    if owned is None:
        return False
    return not (owned.active & some.active.keys() or owned.standby & some.standby or owned.warmup & some.warmup)
