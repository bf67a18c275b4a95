"""The sticky assignor: who should run which task. A pure function of the members, what they have, and the topology.

    active    1. to who runs it now          2. to who has a copy of its state (the one with the least to do)
              3. to the member with the least to do, in the process with the least to do for its number of members
    standby   the same with the last to run it, then with those that have a copy; never twice in one process, because
              both would share one directory of state. Where there are not enough processes, there are fewer copies

Nobody keeps more than its quota, the tasks divided by the members: where it does not come out even the first ones get
one more, and the quota of the others is counted again whenever one has reached it. Tasks that stay are handed out by
partition, so that each subtopology is spread; those that move by subtopology, so that they go round (Kafka's
`StickyTaskAssignor`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from kbroker.groups.streams.tasks import Held, Task, Tasks


class Worker(NamedTuple):
    """A member as the assignor sees it. `offsets` are sums over a task's changelogs: how much of its state the member
    has on disk, whatever its role.
    """

    process_id: str
    held: Held
    offsets: Mapping[Task, int]


class Subtopology(NamedTuple):
    """How many tasks a subtopology has, and whether they have state, so that a copy of it is worth something."""

    tasks: int
    is_stateful: bool


def assign(
    workers: Mapping[str, Worker], subtopologies: Mapping[str, Subtopology], standby_replicas: int
) -> dict[str, Tasks]:
    """Every member's tasks; all active tasks are given to somebody, if there is anybody."""
    tasks = [(name, index) for name, each in sorted(subtopologies.items()) for index in range(each.tasks)]
    stateful = [task for task in tasks if subtopologies[task[0]].is_stateful]
    desk = _Desk(workers, len(tasks), len(tasks) + len(stateful) * standby_replicas)
    if workers:
        _assign_active(desk, tasks)
        _assign_standby(desk, stateful, standby_replicas)
    return {
        member_id: Tasks(frozenset(desk.active[member_id]), frozenset(desk.standby[member_id])) for member_id in workers
    }


class _Quota:
    """How many tasks a member may keep, while they are being handed out."""

    def __init__(self, tasks: int, members: int) -> None:
        self._tasks = tasks
        self._members = members
        self.each = 0
        self._count()

    def _count(self) -> None:
        self.each = -(-self._tasks // self._members) if self._members > 0 else 0

    def reached(self, count: int) -> None:
        """A member has so many now. If that is all it may have, the rest is for the others."""
        if count == self.each:
            self._members -= 1
            self._tasks -= count
            self._count()


class _Desk:
    """What has been handed out to whom."""

    def __init__(self, workers: Mapping[str, Worker], active: int, everything: int) -> None:
        self.workers = workers
        self.active: dict[str, list[Task]] = {member_id: [] for member_id in workers}
        self.standby: dict[str, list[Task]] = {member_id: [] for member_id in workers}
        self.count = dict.fromkeys(workers, 0)
        self.members: dict[str, list[str]] = {}
        for member_id, worker in workers.items():
            self.members.setdefault(worker.process_id, []).append(member_id)
        self.tasks_of: dict[str, set[Task]] = {process_id: set() for process_id in self.members}
        self._handed_out = dict.fromkeys(self.members, 0)
        self.active_quota = _Quota(active, len(workers))
        self.quota = _Quota(everything, len(workers))
        self.ran: dict[Task, str] = {
            task: member_id for member_id, worker in workers.items() for task in worker.held.active
        }
        self.copies = _copies(workers)

    def load(self, process_id: str) -> float:
        return self._handed_out[process_id] / len(self.members[process_id])

    def process(self, member_id: str) -> str:
        return self.workers[member_id].process_id

    def is_without(self, task: Task) -> Callable[[str], bool]:
        """Has the process not got the task by now?"""
        return lambda process_id: task not in self.tasks_of[process_id]

    def give(self, member_id: str, task: Task, roles: Mapping[str, list[Task]]) -> None:
        roles[member_id].append(task)
        process_id = self.process(member_id)
        self.tasks_of[process_id].add(task)
        self._handed_out[process_id] += 1
        self.count[member_id] += 1
        if roles is self.active:
            self.active_quota.reached(self.count[member_id])
        self.quota.reached(self.count[member_id])

    def least_loaded_copy(self, task: Task, may: Callable[[str], bool]) -> str | None:
        """Of those that have a copy of the task's state: the first, unless another has less to do in both respects,
        by its process and by itself.
        """
        best: str | None = None
        for member_id in self.copies.get(task, ()):
            process_id = self.process(member_id)
            if not may(process_id):
                continue
            if best is None or (
                self.load(process_id) < self.load(self.process(best)) and self.count[member_id] < self.count[best]
            ):
                best = member_id
        return best


def _copies(workers: Mapping[str, Worker]) -> dict[Task, list[str]]:
    """Who has a copy of each task's state: standbys first, then those that have only told of its offsets; among each
    those who are furthest.
    """
    found: dict[Task, list[tuple[bool, int, int, str]]] = {}
    for at, (member_id, worker) in enumerate(workers.items()):
        for task in worker.held.standby:
            found.setdefault(task, []).append((False, -worker.offsets.get(task, 0), at, member_id))
        for task, offset in worker.offsets.items():
            if task not in worker.held.standby:
                found.setdefault(task, []).append((True, -offset, at, member_id))
    return {task: [member_id for *_, member_id in sorted(each)] for task, each in found.items()}


class _Processes:
    """The processes, least loaded first."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk
        self._order = {process_id: at for at, process_id in enumerate(desk.members)}
        self._heap = [self._entry(process_id) for process_id in self._order]
        heapify(self._heap)

    def _entry(self, process_id: str) -> tuple[float, int, str]:
        return self._desk.load(process_id), self._order[process_id], process_id

    def give(self, task: Task, roles: Mapping[str, list[Task]], may: Callable[[str], bool]) -> bool:
        """To the member with the least to do, in the first process that may have it."""
        desk = self._desk
        passed_over = []
        given = False
        while self._heap and not given:
            entry = heappop(self._heap)
            process_id = entry[2]
            if may(process_id):
                desk.give(min(desk.members[process_id], key=desk.count.__getitem__), task, roles)
                given = True
            passed_over.append(process_id)
        for process_id in passed_over:
            heappush(self._heap, self._entry(process_id))
        return given


def _anywhere(process_id: str) -> bool:
    return True


def _assign_active(desk: _Desk, tasks: Iterable[Task]) -> None:
    left: list[Task] = []
    for task in sorted(tasks, key=_by_partition):
        member_id = desk.ran.get(task)
        if member_id is not None and desk.count[member_id] < desk.active_quota.each:
            desk.give(member_id, task, desk.active)
        else:
            left.append(task)
    moving: list[Task] = []
    for task in left:
        member_id = desk.least_loaded_copy(task, _anywhere)
        if member_id is not None and desk.count[member_id] < desk.active_quota.each:
            desk.give(member_id, task, desk.active)
        else:
            moving.append(task)
    processes = _Processes(desk)
    for task in sorted(moving):
        processes.give(task, desk.active, _anywhere)


def _assign_standby(desk: _Desk, tasks: Iterable[Task], replicas: int) -> None:
    left: list[tuple[Task, int]] = []
    for task in sorted(tasks, key=_by_partition, reverse=True):
        for given in range(replicas):
            member_id = _last_to_have(desk, task)
            if member_id is None:
                left.append((task, replicas - given))
                break
            desk.give(member_id, task, desk.standby)
    processes = _Processes(desk)
    for task, missing in sorted(left, reverse=True):
        for _ in range(missing):
            if not processes.give(task, desk.standby, desk.is_without(task)):
                break


def _last_to_have(desk: _Desk, task: Task) -> str | None:
    """Who ran it, or has a copy of it, if the process has not got the task by now, and the member not too many."""
    may = desk.is_without(task)
    ran = desk.ran.get(task)
    if ran is not None and may(desk.process(ran)) and desk.count[ran] < desk.quota.each:
        return ran
    copy = desk.least_loaded_copy(task, may)
    return copy if copy is not None and desk.count[copy] < desk.quota.each else None


def _by_partition(task: Task) -> tuple[int, str]:
    return task[1], task[0]
