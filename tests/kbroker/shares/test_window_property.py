"""Whatever members do with a window, it agrees with a model that knows one state for every single record.

The promises: a record is in one state at any time; nobody gets what another holds; a count only grows; the start moves
over what is done, never back, and stops before what is not; what is kept makes the same window again, with nothing
held.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kbroker.shares import acknowledge as acknowledging
from kbroker.shares import acquire as acquiring
from kbroker.shares.acknowledge import Said, acknowledge, expire, release
from kbroker.shares.acquire import Span, Taking, acquire
from kbroker.shares.kept import Range, combine
from kbroker.shares.states import OUTCOMES, RECORD_STATES, TERMINAL, Acknowledge, RecordState
from kbroker.shares.window import Window
from wire.errors import KafkaError

DELIVERIES = 3
LOCK_MS = 10
MEMBERS = st.sampled_from(["a", "b", "c"])
SPOT = st.integers(0, 40)
SIZES = st.lists(st.integers(1, 7), min_size=12, max_size=12)


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.window = Window(0)
        self.now = 0
        self.states: dict[int, RecordState] = {}  # of what was ever delivered, or skipped
        self.counts: dict[int, int] = {}
        self.owners: dict[int, str] = {}
        self.deadlines: dict[int, int] = {}
        self.kept: tuple[Range, ...] = ()
        self.last_start = 0
        self.log = [Span(at * 5, at * 5 + 4) for at in range(12)]

    def _let_go(self, offset: int, outcome: RecordState) -> None:
        if outcome is RecordState.AVAILABLE and self.counts[offset] >= DELIVERIES:
            outcome = RecordState.ARCHIVED
        assert outcome in RECORD_STATES[self.states[offset]].next
        self.states[offset] = outcome
        del self.owners[offset], self.deadlines[offset]

    def _keep(self) -> None:
        self.kept = combine(self.kept, self.window.changed, self.window.start)
        self.window.changed = []

    @rule(member=MEMBERS, most=st.integers(1, 30), size=st.integers(1, 30), mode=st.integers(0, 1), reach=SPOT)
    def fetch(self, member: str, most: int, size: int, mode: int, reach: int) -> None:
        offset = self.window.next_offset()
        spans = [span for span in self.log if span.last >= offset and span.first <= offset + reach]
        taking = Taking(member, self.now + LOCK_MS, most, size, mode, 25, DELIVERIES)
        taken = acquire(self.window, offset, spans, taking)
        if mode == 1:
            assert sum([each.last - each.first + 1 for each in taken]) <= most
        for each in taken:
            for at in range(each.first, each.last + 1):
                assert self.states.get(at, RecordState.AVAILABLE) is RecordState.AVAILABLE, "nobody held it"
                self.counts[at] = self.counts.get(at, 0) + 1
                assert self.counts[at] == each.deliveries <= DELIVERIES
                self.states[at] = RecordState.ACQUIRED
                self.owners[at], self.deadlines[at] = member, self.now + LOCK_MS

    @rule(member=MEMBERS, first=SPOT, kinds=st.lists(st.sampled_from(list(Acknowledge)), min_size=1, max_size=6),
          alone=st.booleans())  # fmt: skip
    def say(self, member: str, first: int, kinds: list[Acknowledge], alone: bool) -> None:
        last = first + len(kinds) - 1
        words = kinds[:1] * len(kinds) if alone else kinds
        said = Said(first, last, kinds[:1] if alone else kinds)
        offsets = [at for at in range(first, last + 1) if at >= self.window.start]
        is_right = all(self.owners.get(at) == member for at in offsets)
        try:
            acknowledge(self.window, member, [said], self.now + LOCK_MS, DELIVERIES)
        except KafkaError:
            assert not is_right
            return
        assert is_right
        for at, word in zip(range(first, last + 1), words, strict=True):
            if at not in offsets:
                continue
            if word is Acknowledge.RENEW:
                self.deadlines[at] = self.now + LOCK_MS
            else:
                self._let_go(at, OUTCOMES[word])
        self._keep()

    @rule(member=MEMBERS)
    def end_session(self, member: str) -> None:
        release(self.window, member, DELIVERIES)
        for at in [at for at, owner in self.owners.items() if owner == member]:
            self._let_go(at, RecordState.AVAILABLE)
        self._keep()

    @rule(elapsed=st.integers(1, 12))
    def wait(self, elapsed: int) -> None:
        self.now += elapsed
        expire(self.window, self.now, DELIVERIES)
        for at in [at for at, deadline in self.deadlines.items() if deadline <= self.now]:
            self._let_go(at, RecordState.AVAILABLE)
        self._keep()

    @rule()
    def restart(self) -> None:
        """What is kept makes the same window again; what was held is to be had again, with the count from before."""
        for at in list(self.owners):
            known = next((each for each in self.kept if each.first <= at <= each.last), None)
            self.states[at] = RecordState.AVAILABLE
            self.counts[at] = known.deliveries if known is not None else 0
        self.owners.clear()
        self.deadlines.clear()
        self.window = Window(self.window.start, self.kept)
        for at in [at for at in self.states if at >= self.window.end]:
            del self.states[at], self.counts[at]

    @invariant()
    def the_window_is_what_the_model_says(self) -> None:
        at = self.window.start
        for run in self.window.runs:
            assert run.first == at and run.last >= run.first, "side by side, without holes"
            for offset in range(run.first, run.last + 1):
                assert run.state is self.states.get(offset, RecordState.AVAILABLE), offset
                assert run.count == self.counts.get(offset, 0), offset
                assert run.member == self.owners.get(offset, ""), offset
            at = run.last + 1
        assert at == self.window.end

    @invariant()
    def the_start_moves_over_what_is_done_and_nothing_else(self) -> None:
        start = self.window.start
        assert start >= self.last_start
        assert all(self.states[at] in TERMINAL for at in range(self.last_start, start))
        assert start == self.window.end or self.states.get(start, RecordState.AVAILABLE) not in TERMINAL
        self.last_start = start

    @invariant()
    def what_may_be_had_is_found(self) -> None:
        available = [at for at, state in self.states.items() if state is RecordState.AVAILABLE]
        inside = [at for at in available if self.window.start <= at < self.window.end]
        expected = min(inside, default=self.window.end)
        holes = [run.first for run in self.window.runs if run.state is RecordState.AVAILABLE]
        assert self.window.next_offset() == min([expected, *holes], default=expected)


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40, suppress_health_check=list(HealthCheck))


class TestWindow(Model.TestCase):  # type: ignore[name-defined,misc]
    pass


# --- the property is believed because it finds these ----------------------------------------------------------------

Patch = Callable[[pytest.MonkeyPatch], None]


def gives_what_another_holds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(acquiring, "AVAILABLE", RecordState.ACQUIRED)


def counts_nothing(patch: pytest.MonkeyPatch) -> None:
    def take(run: object, taking: Taking) -> object:
        run.state, run.member, run.locked_until = RecordState.ACQUIRED, taking.member, taking.locked_until  # type: ignore[attr-defined]
        return acquiring.Acquired(run.first, run.last, max(run.count, 1))  # type: ignore[attr-defined]

    patch.setattr(acquiring, "_take", take)


def never_gives_up(patch: pytest.MonkeyPatch) -> None:
    right = acknowledging._let_go
    patch.setattr(acknowledging, "_let_go", lambda window, which, deliveries: right(window, which, 1_000))


def believes_every_member(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(acknowledging, "_check", lambda window, member, said: None)


def forgets_where_something_was_released(patch: pytest.MonkeyPatch) -> None:
    def settle(self: Window, run: object, state: RecordState, count: int) -> None:
        run.state, run.count, run.member = state, count, ""  # type: ignore[attr-defined]
        self.changed.append(Range(run.first, run.last, state, count))  # type: ignore[attr-defined]

    patch.setattr(Window, "settle", settle)


def moves_the_start_over_what_is_held(patch: pytest.MonkeyPatch) -> None:
    def advance(self: Window) -> None:
        while self.runs and self.runs[0].state is not RecordState.AVAILABLE:
            self.start = self.runs.pop(0).last + 1

    patch.setattr(Window, "advance", advance)


def keeps_only_what_is_done(patch: pytest.MonkeyPatch) -> None:
    right = Window.settle

    def settle(self: Window, run: object, state: RecordState, count: int) -> None:
        right(self, run, state, count)  # type: ignore[arg-type]
        if state is RecordState.AVAILABLE:
            self.changed.pop()

    patch.setattr(Window, "settle", settle)


BUGS: tuple[Patch, ...] = (
    gives_what_another_holds,
    counts_nothing,
    never_gives_up,
    believes_every_member,
    forgets_where_something_was_released,
    moves_the_start_over_what_is_held,
    keeps_only_what_is_done,
)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    patience = settings(
        max_examples=150, stateful_step_count=30, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with pytest.raises((AssertionError, KeyError, AttributeError, IndexError)):
        run_state_machine_as_test(Model, settings=patience)  # type: ignore[no-untyped-call]
