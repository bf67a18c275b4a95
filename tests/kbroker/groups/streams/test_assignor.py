"""The sticky assignor: complete, balanced, sticky, and no copy of a task where the task is."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.groups.streams.assignor import Subtopology, Worker, assign
from kbroker.groups.streams.tasks import NOTHING_HELD, Held, Task, Tasks


def worker(process: str, *active: Task, standby: tuple[Task, ...] = (), **offsets: int) -> Worker:
    told = {("0", int(index[1:])): offset for index, offset in offsets.items()}
    return Worker(process, Held(dict.fromkeys(active, 1), frozenset(standby)), told)


def after(workers: Mapping[str, Worker], targets: Mapping[str, Tasks]) -> dict[str, Worker]:
    """Everybody has what they were to have."""
    return {
        name: each._replace(held=Held(dict.fromkeys(targets[name].active, 1), targets[name].standby))
        for name, each in workers.items()
    }


def zero(*indexes: int) -> tuple[Task, ...]:
    return tuple([("0", index) for index in indexes])


STATEFUL_4 = {"0": Subtopology(4, True)}


def test_who_ran_a_task_keeps_it() -> None:
    workers = {"a": worker("p", *zero(1, 3)), "b": worker("q", *zero(0, 2))}
    targets = assign(workers, STATEFUL_4, 0)
    assert (targets["a"].active, targets["b"].active) == (frozenset(zero(1, 3)), frozenset(zero(0, 2)))


def test_nobody_keeps_more_than_its_share() -> None:
    targets = assign({"a": worker("p", *zero(0, 1, 2, 3)), "b": worker("q")}, STATEFUL_4, 0)
    assert targets["a"].active == frozenset(zero(0, 1))
    assert targets["b"].active == frozenset(zero(2, 3))


def test_a_task_goes_to_who_has_a_copy_of_its_state() -> None:
    workers = {"a": worker("p", *zero(0, 1)), "b": worker("q"), "c": worker("r", standby=zero(2, 3))}
    targets = assign(workers, STATEFUL_4, 0)
    assert targets["c"].active <= frozenset(zero(2, 3))
    assert targets["c"].active


def test_among_copies_the_one_that_is_furthest_comes_first() -> None:
    workers = {
        "a": worker("p", standby=zero(0), _0=5),
        "b": worker("q", standby=zero(0), _0=9),
        "c": worker("r", _0=99),  # it has told of it, and nobody has asked it to have it
    }
    assert assign(workers, {"0": Subtopology(1, True)}, 0)["b"].active == frozenset(zero(0))


def test_who_comes_back_with_its_state_on_disk_gets_its_task_again() -> None:
    workers = {"a": worker("p"), "b": worker("q", _1=50)}
    targets = assign(workers, {"0": Subtopology(2, True)}, 0)
    assert targets["b"].active == frozenset(zero(1))


def test_who_ran_a_task_that_moves_stays_as_its_standby() -> None:
    workers = {"a": worker("p", *zero(0, 1, 2, 3)), "b": worker("q")}
    targets = assign(workers, STATEFUL_4, 1)
    assert targets["a"].standby == targets["b"].active


def test_tasks_without_state_have_no_copies() -> None:
    targets = assign({"a": worker("p"), "b": worker("q")}, {"0": Subtopology(4, False)}, 2)
    assert all(not target.standby for target in targets.values())


def test_a_process_with_more_members_does_more() -> None:
    targets = assign({"a": worker("p"), "b": worker("p"), "c": worker("q")}, {"0": Subtopology(6, False)}, 0)
    assert {name: len(target.active) for name, target in targets.items()} == {"a": 2, "b": 2, "c": 2}


SUBTOPOLOGIES = st.dictionaries(
    st.sampled_from(["0", "1", "2"]), st.builds(Subtopology, st.integers(1, 7), st.booleans()), min_size=1
)
PROCESSES = st.lists(st.sampled_from(["p", "q", "r", "s"]), min_size=1, max_size=7)


def fresh(processes: list[str]) -> dict[str, Worker]:
    return {f"m{at}": Worker(process, NOTHING_HELD, {}) for at, process in enumerate(processes)}


def check(workers: Mapping[str, Worker], subtopologies: Mapping[str, Subtopology], standbys: int) -> dict[str, Tasks]:
    """What holds of every assignment."""
    targets = assign(workers, subtopologies, standbys)
    everything = {(name, index) for name, each in subtopologies.items() for index in range(each.tasks)}
    given = [task for target in targets.values() for task in target.active]
    assert sorted(given) == sorted(everything), "every task is active once"
    counts = [len(target.active) for target in targets.values()]
    assert max(counts) <= -(-len(everything) // len(workers)), "nobody has more than its share"
    by_process: dict[str, list[Task]] = {}
    for name, target in targets.items():
        by_process.setdefault(workers[name].process_id, []).extend([*target.active, *target.standby])
        assert not target.warmup
    for tasks in by_process.values():
        assert len(tasks) == len(set(tasks)), "a process has each task once, in one role"
    for task in everything:
        copies = [name for name, target in targets.items() if task in target.standby]
        wanted = min(standbys, len(by_process) - 1) if subtopologies[task[0]].is_stateful else 0
        assert len(copies) == wanted
    return targets


@settings(max_examples=150)
@given(PROCESSES, SUBTOPOLOGIES, st.integers(0, 2), st.data())
def test_assignments_are_complete_balanced_and_sticky_through_changes(
    processes: list[str], subtopologies: dict[str, Subtopology], standbys: int, data: st.DataObject
) -> None:
    workers = fresh(processes)
    targets = check(workers, subtopologies, standbys)
    workers = after(workers, targets)
    assert check(workers, subtopologies, standbys).keys() == targets.keys()
    # One goes and perhaps one comes: who stays keeps of its active tasks as many as its share allows.
    gone = data.draw(st.sampled_from(sorted(workers)))
    workers.pop(gone)
    if data.draw(st.booleans()) or not workers:
        workers["new"] = Worker(data.draw(st.sampled_from(["p", "t"])), NOTHING_HELD, {})
    then = check(workers, subtopologies, standbys)
    share = sum([each.tasks for each in subtopologies.values()]) // len(workers)
    for name in workers.keys() & targets.keys():
        kept = targets[name].active & then[name].active
        assert len(kept) >= min(len(targets[name].active), share)


@settings(max_examples=60)
@given(PROCESSES, SUBTOPOLOGIES, st.integers(0, 2))
def test_active_tasks_stay_where_they_are_when_nothing_changes(
    processes: list[str], subtopologies: dict[str, Subtopology], standbys: int
) -> None:
    workers = fresh(processes)
    targets = assign(workers, subtopologies, standbys)
    again = assign(after(workers, targets), subtopologies, standbys)
    assert {name: each.active for name, each in again.items()} == {name: each.active for name, each in targets.items()}


def test_without_members_there_is_nothing_to_assign() -> None:
    assert assign({}, STATEFUL_4, 1) == {}
