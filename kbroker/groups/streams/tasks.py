"""Tasks: a subtopology and a partition, as sets by the role in which a member has them. Values, never changed.

    active    reads the input and writes the output; one in the whole group
    standby   keeps a copy of the task's state in another process, to take over from
    warmup    a standby until it has caught up, and is to become active then

`Held` is what a member has got: its active tasks each with the group epoch in which they were given to it. A commit
may come with an epoch that the member has left behind, as long as it has had the task since then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Task = tuple[str, int]
"""Subtopology id and partition."""

TaskSet = frozenset[Task]

NO_TASKS: TaskSet = frozenset()


class Tasks(NamedTuple):
    active: TaskSet = NO_TASKS
    standby: TaskSet = NO_TASKS
    warmup: TaskSet = NO_TASKS


class Held(NamedTuple):
    active: Mapping[Task, int]
    standby: TaskSet = NO_TASKS
    warmup: TaskSet = NO_TASKS

    def __bool__(self) -> bool:
        return bool(self.active or self.standby or self.warmup)

    def without_epochs(self) -> Tasks:
        return Tasks(frozenset(self.active), self.standby, self.warmup)


NOTHING = Tasks()
NOTHING_HELD = Held({})


def of_wire(lists: Iterable[Any]) -> TaskSet:
    """Of objects with a subtopology id and its partitions; what is said twice counts once."""
    return frozenset([(each.subtopology_id, index) for each in lists for index in each.partitions])


def by_subtopology(tasks: Iterable[Task]) -> dict[str, list[int]]:
    """Subtopologies and partitions both in order, as records and answers have them."""
    grouped: dict[str, list[int]] = {}
    for subtopology_id, index in sorted(tasks):
        grouped.setdefault(subtopology_id, []).append(index)
    return grouped
