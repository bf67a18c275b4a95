"""One member's step towards its target: keeps, gives up, changes roles, waits, gets."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kbroker.groups.streams.reconcile import NEW, Current, reconcile
from kbroker.groups.streams.states import MEMBER_STATES, MemberState
from kbroker.groups.streams.tasks import NOTHING, NOTHING_HELD, Held, Task, Tasks, TaskSet

STABLE, UNREVOKED, UNRELEASED = MemberState
ME, OTHER = "me", "other"


@dataclass
class Others:
    """Who has what besides: process ids by role."""

    running: dict[Task, str] = field(default_factory=dict)
    standing_by: dict[Task, set[str]] = field(default_factory=dict)
    warming_up: dict[Task, set[str]] = field(default_factory=dict)

    def active(self, task: Task) -> str | None:
        return self.running.get(task)

    def standby(self, task: Task) -> Set[str]:
        return self.standing_by.get(task, set())

    def warmup(self, task: Task) -> Set[str]:
        return self.warming_up.get(task, set())


NOBODY = Others()


def tasks(*indexes: int) -> TaskSet:
    return frozenset([("0", index) for index in indexes])


def since(*indexes: int, epoch: int = 2) -> dict[Task, int]:
    return dict.fromkeys(sorted(tasks(*indexes)), epoch)


def step(current: Current, epoch: int, target: Tasks, owned: Tasks | None = None, others: Others = NOBODY) -> Current:
    return reconcile(current, epoch, target, owned, ME, others)


def test_a_new_member_gets_what_nobody_has() -> None:
    target = Tasks(tasks(0, 1), tasks(2), tasks(3))
    after = step(NEW, 2, target, NOTHING)
    assert after == Current(2, 0, STABLE, Held(since(0, 1), tasks(2), tasks(3)), NOTHING_HELD)


def test_it_waits_in_the_new_epoch_for_what_others_run() -> None:
    after = step(NEW, 3, Tasks(tasks(0, 1)), NOTHING, Others({("0", 1): OTHER}))
    assert after == Current(3, 0, UNRELEASED, Held(since(0, epoch=3)), NOTHING_HELD)
    assert step(after, 3, Tasks(tasks(0, 1))).assigned.active == since(0, 1, epoch=3)


def test_before_it_gets_anything_it_gives_up_what_it_must_and_stays_in_its_epoch() -> None:
    before = Current(2, 0, STABLE, Held(since(0, 1)), NOTHING_HELD)
    after = step(before, 3, Tasks(tasks(1, 2)))
    assert after == Current(2, 2, UNREVOKED, Held(since(1)), Held(since(0)))


def test_it_is_believed_only_when_it_says_what_it_has() -> None:
    before = Current(2, 2, UNREVOKED, Held(since(1)), Held(since(0)))
    target = Tasks(tasks(1))
    assert step(before, 3, target) is before
    assert step(before, 3, target, Tasks(tasks(0, 1))) is before
    assert step(before, 3, target, Tasks(tasks(1))) == Current(3, 2, STABLE, Held(since(1)), NOTHING_HELD)


def test_a_newer_target_that_asks_for_more_comes_one_epoch_later() -> None:
    before = Current(2, 2, UNREVOKED, Held(since(0, 1)), Held(since(2)))
    after = step(before, 5, Tasks(tasks(0)), Tasks(tasks(0, 1)))
    assert after == Current(3, 2, UNREVOKED, Held(since(0)), Held(since(1)))


def test_a_member_at_its_target_is_left_alone() -> None:
    before = Current(3, 2, STABLE, Held(since(0)), NOTHING_HELD)
    assert step(before, 3, Tasks(tasks(0, 1)), Tasks(tasks(0))) is before


def test_an_active_task_becomes_a_standby_without_a_pause_but_has_to_be_given_up_first() -> None:
    before = Current(2, 0, STABLE, Held(since(0)), NOTHING_HELD)
    running_here = Others({("0", 0): ME})
    after = step(before, 3, Tasks(standby=tasks(0)), None, running_here)
    assert after == Current(2, 2, UNREVOKED, Held({}, tasks(0)), Held(since(0)))
    done = step(after, 3, Tasks(standby=tasks(0)), Tasks(standby=tasks(0)), running_here)
    assert done == Current(3, 2, STABLE, Held({}, tasks(0)), NOTHING_HELD)


def test_a_standby_stays_until_its_task_is_released_and_is_then_active() -> None:
    before = Current(2, 0, STABLE, Held({}, tasks(0)), NOTHING_HELD)
    elsewhere = Others({("0", 0): OTHER}, {("0", 0): {ME}})
    waiting = step(before, 3, Tasks(tasks(0)), None, elsewhere)
    assert waiting == Current(3, 2, UNRELEASED, Held({}, tasks(0)), NOTHING_HELD)
    promoted = step(waiting, 3, Tasks(tasks(0)), None, Others({}, {("0", 0): {ME}}))
    assert promoted == Current(3, 3, STABLE, Held(since(0, epoch=3)), NOTHING_HELD)


def test_a_standby_is_not_promoted_while_something_else_has_to_be_given_up() -> None:
    before = Current(2, 0, STABLE, Held(since(1), tasks(0)), NOTHING_HELD)
    after = step(before, 3, Tasks(tasks(0)), None, Others({("0", 1): ME}, {("0", 0): {ME}}))
    assert after == Current(2, 2, UNREVOKED, Held({}, tasks(0)), Held(since(1)))


def test_standby_and_warm_up_change_into_each_other_at_once() -> None:
    before = Current(2, 0, STABLE, Held({}, tasks(0), tasks(1)), NOTHING_HELD)
    others = Others({}, {("0", 0): {ME}}, {("0", 1): {ME}})
    after = step(before, 3, Tasks(frozenset(), tasks(1), tasks(0)), None, others)
    assert after == Current(3, 2, STABLE, Held({}, tasks(1), tasks(0)), NOTHING_HELD)


def test_a_task_does_not_move_between_members_of_a_process_before_its_directory_is_free() -> None:
    standing_by_here = Others({}, {("0", 0): {ME}})
    assert step(NEW, 3, Tasks(tasks(0)), NOTHING, standing_by_here).state is UNRELEASED
    running_here = Others({("0", 0): ME})
    assert step(NEW, 3, Tasks(standby=tasks(0)), NOTHING, running_here).state is UNRELEASED
    assert step(NEW, 3, Tasks(warmup=tasks(0)), NOTHING, running_here).state is UNRELEASED
    running_there = Others({("0", 0): OTHER}, {("0", 0): {OTHER}})
    assert step(NEW, 3, Tasks(standby=tasks(0)), NOTHING, running_there).state is STABLE


INDEXES = st.frozensets(st.integers(0, 5))


@st.composite
def held(draw: st.DrawFn) -> Tasks:
    """Each task in one role at most."""
    roles = draw(st.lists(st.sampled_from("aswn"), min_size=6, max_size=6))
    return Tasks(*[tasks(*[at for at, role in enumerate(roles) if role == each]) for each in "asw"])


@settings(max_examples=400)
@given(st.sampled_from(list(MemberState)), held(), held(), held(), st.none() | held(), INDEXES, st.integers(3, 4))
def test_a_step_gives_nothing_that_others_run_and_frees_nothing_that_is_owned(
    state: MemberState,
    has: Tasks,
    gives_up: Tasks,
    target: Tasks,
    owned: Tasks | None,
    taken: frozenset[int],
    epoch: int,
) -> None:
    revoking = Held(dict.fromkeys(sorted(gives_up.active - has.active), 1)) if state is UNREVOKED else NOTHING_HELD
    assume(bool(revoking) == (state is UNREVOKED))
    before = Current(2, 2, state, Held(dict.fromkeys(sorted(has.active), 1), has.standby, has.warmup), revoking)
    mine = {**before.assigned.active, **revoking.active}
    assume(not tasks(*taken) & mine.keys())
    others = Others(
        {**dict.fromkeys(mine, ME), **dict.fromkeys(tasks(*taken), OTHER)},
        {task: {ME} for task in has.standby},
        {task: {ME} for task in has.warmup},
    )
    after = step(before, epoch, target, owned, others)
    has_now, gives_up_now = after.assigned.active.keys(), after.revoking.active.keys()
    assert not has_now & gives_up_now
    assert not (has_now - mine.keys()) & tasks(*taken), "given what another runs"
    freed = mine.keys() - has_now - gives_up_now
    assert not freed if owned is None else not freed & owned.active
    roles = [task for held_now in (has_now, after.assigned.standby, after.assigned.warmup) for task in held_now]
    assert len(roles) == len(set(roles)), "one role for each task"
    assert before.epoch <= after.epoch <= epoch
    assert after.state in MEMBER_STATES[before.state].next
    assert (after.state is UNREVOKED) == bool(after.revoking)
    if after.state is STABLE and after is not before:
        assert after.assigned.without_epochs() == target
