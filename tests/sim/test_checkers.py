"""Each checker sees what it is there for, in a small history written by hand, and nothing in one that is well."""

from collections.abc import Callable

import pytest

from . import checkers
from .history import Answer, Commit, History, Log, Visit

P = ("events", 0)
A0, A1, A2, B0 = ("a", 0, 0), ("a", 0, 1), ("a", 0, 2), ("b", 0, 0)


def well() -> tuple[History, Log]:
    """A life in which all was as it should be, with something of everything."""
    history = History(ordered=["a"])
    history.sent = dict.fromkeys((A0, A1, A2, B0))
    history.acknowledged = {A0: (P, 0), A1: (P, 1), B0: (P, 2)}
    history.acknowledged_at = {A0: 1.0, A1: 2.0, B0: 3.0}
    history.reads["r"] = [(P, 0, A0), (P, 1, A1), (P, 2, B0)]
    history.waited = [("r", P, A1, 0.5, 2.1)]
    history.answers = [Answer("r", P, 0, 2, 1, 0), Answer("r", P, 0, 3, -1, 0)]
    history.caught_up = [("r", P, 4, 4)]
    history.dealt["g", 1] = [{"m": (P,), "n": ()}]
    history.owned["g", 1] = {"m": (P,), "n": ()}
    history.commits["g", P] = 2
    history.fetched_commits = [("g", P, 1, 2), ("g", P, -1, -1)]
    history.commits_by_generation = [Commit("g", "m", 1, 1)]
    history.groups = [("g", "Stable", ("m", "n"), ("n", "m"))]
    history.epochs = [(P, 0, 0), (P, 0, 0), (P, 2, 1), (P, 3, 1)]
    history.epoch_ends = [(P, 0, 0, 2), (P, 1, 0, 2), (P, 0, 0, 2)]
    history.producer_ids = [0, 1, 1000]
    history.visits = [Visit([A0], [A0], read=[A0]), Visit([B0], [], read=[]), Visit([A1], [A1])]
    history.starts[P] = 0
    return history, {P: [(0, A0), (1, A1), (2, B0), (3, A2)]}


WRONG: dict[Callable[..., list[str]], list[Callable[[History, Log], object]]] = {}


def wrong(checker: Callable[..., list[str]]) -> Callable[[Callable[[History, Log], object]], object]:
    """Register one way to spoil the life that was well, for one checker to see."""

    def register(spoil: Callable[[History, Log], object]) -> object:
        WRONG.setdefault(checker, []).append(spoil)
        return spoil

    return register


@wrong(checkers.lost_writes)
def _(history: History, log: Log) -> None:
    history.acknowledged[A2] = (P, 4)


@wrong(checkers.lost_writes)
def _(history: History, log: Log) -> None:
    """At that offset is something else."""
    history.acknowledged[A2] = (P, 1)


@wrong(checkers.duplicates)
def _(history: History, log: Log) -> None:
    log[P].append((4, B0))


@wrong(checkers.phantoms)
def _(history: History, log: Log) -> None:
    log[P].append((4, ("c", 0, 0)))


@wrong(checkers.reorderings)
def _(history: History, log: Log) -> None:
    log[P][0], log[P][1] = (0, A1), (1, A0)


@wrong(checkers.reorderings)
def _(history: History, log: Log) -> None:
    """A gap."""
    del log[P][1]


@wrong(checkers.holes)
def _(history: History, log: Log) -> None:
    del log[P][2]


@wrong(checkers.nonmonotonic_reads)
def _(history: History, log: Log) -> None:
    history.reads["r"].append((P, 1, A1))


@wrong(checkers.skipped_reads)
def _(history: History, log: Log) -> None:
    del history.reads["r"][1]


@wrong(checkers.dirty_reads)
def _(history: History, log: Log) -> None:
    """It was seen, and went away."""
    history.reads["r"].append((P, 4, ("c", 0, 0)))


@wrong(checkers.dirty_reads)
def _(history: History, log: Log) -> None:
    history.reads["r"][2] = (P, 2, A2)


@wrong(checkers.hung_reads)
def _(history: History, log: Log) -> None:
    history.caught_up.append(("s", P, 3, 4))


@wrong(checkers.late_reads)
def _(history: History, log: Log) -> None:
    """It was there all the time."""
    history.waited.append(("r", P, A1, 0.5, 4.5))


@wrong(checkers.reads_beyond_the_high_watermark)
def _(history: History, log: Log) -> None:
    history.answers.append(Answer("r", P, 0, 2, 2, 0))


@wrong(checkers.high_watermarks_too_high)
def _(history: History, log: Log) -> None:
    history.answers.append(Answer("r", P, 0, 5, -1, 0))


@wrong(checkers.deletions_undone)
def _(history: History, log: Log) -> None:
    """An answer from before the start that was acknowledged already."""
    history.answers.append(Answer("r", P, 0, 4, -1, 1))


@wrong(checkers.deletions_undone)
def _(history: History, log: Log) -> None:
    history.deleted[P] = history.deleting[P] = 1


@wrong(checkers.deletions_too_far)
def _(history: History, log: Log) -> None:
    history.starts[P] = 1


@wrong(checkers.ghosts)
def _(history: History, log: Log) -> None:
    history.visits[1].read = [A0]


@wrong(checkers.lost_visits)
def _(history: History, log: Log) -> None:
    history.visits[0].read = []


@wrong(checkers.double_owners)
def _(history: History, log: Log) -> None:
    history.owned["g", 1]["n"] = (P,)


@wrong(checkers.wrong_assignments)
def _(history: History, log: Log) -> None:
    """That of another generation."""
    history.owned["g", 2] = {"m": (P,)}
    history.dealt["g", 2] = [{"m": (), "n": (P,)}]


@wrong(checkers.wrong_assignments)
def _(history: History, log: Log) -> None:
    """Nobody has dealt."""
    history.owned["g", 2] = {"m": (P,)}


@wrong(checkers.lost_commits)
def _(history: History, log: Log) -> None:
    history.fetched_commits.append(("g", P, 2, 1))


@wrong(checkers.zombie_commits)
def _(history: History, log: Log) -> None:
    history.commits_by_generation.append(Commit("g", "m", 1, 2))


@wrong(checkers.dead_members)
def _(history: History, log: Log) -> None:
    history.groups.append(("g", "Stable", ("m", "n", "dead"), ("m", "n")))


@wrong(checkers.dead_members)
def _(history: History, log: Log) -> None:
    """It waits for somebody for ever."""
    history.groups.append(("g", "PreparingRebalance", ("m", "n"), ("m", "n")))


@wrong(checkers.stale_epochs)
def _(history: History, log: Log) -> None:
    history.epochs.append((P, 2, 1))


@wrong(checkers.stale_epochs)
def _(history: History, log: Log) -> None:
    """Not raised by a crash."""
    history.epochs.append((P, 3, 2))


@wrong(checkers.epochs_rewritten)
def _(history: History, log: Log) -> None:
    history.epoch_ends.append((P, 0, 0, 3))


@wrong(checkers.producer_ids_given_twice)
def _(history: History, log: Log) -> None:
    history.producer_ids.append(1)


@wrong(checkers.broken_answers)
def _(history: History, log: Log) -> None:
    history.broken.append("out of range within the log")


CASES = [(checker, spoil) for checker, spoils in WRONG.items() for spoil in spoils]


def test_nothing_is_wrong_with_a_life_that_was_well() -> None:
    assert checkers.violations(*well()) == []


@pytest.mark.parametrize(("checker", "spoil"), CASES, ids=[checker.__name__ for checker, _ in CASES])
def test_a_checker_sees_what_it_is_there_for(
    checker: Callable[..., list[str]], spoil: Callable[[History, Log], object]
) -> None:
    history, log = well()
    spoil(history, log)
    found = checker(history, log)
    assert found and all(isinstance(what, str) for what in found)
    assert f"{checker.__name__}: {found[0]}" in checkers.violations(history, log)


def test_every_checker_has_a_history_that_violates_it() -> None:
    assert set(WRONG) == {*checkers.OF_THE_LOG, *checkers.OF_THE_HISTORY}


def test_what_was_deleted_on_request_is_not_missed() -> None:
    history, log = well()
    history.deleting[P] = history.deleted[P] = history.starts[P] = 2
    del log[P][:2], history.answers[:]
    history.epoch_ends = [(P, 0, 0, 2), (P, 0, 0, 1)]
    assert checkers.violations(history, log) == []


def test_a_deletion_that_was_never_answered_may_have_happened_or_not() -> None:
    history, log = well()
    history.deleting[P] = 2
    assert checkers.violations(history, log) == []
    history.starts[P] = 2
    del log[P][:2]
    assert checkers.violations(history, log) == []


def test_a_careless_producers_order_is_not_promised() -> None:
    history, log = well()
    history.ordered.clear()
    log[P][0], log[P][3] = (0, A2), (3, A0)
    assert checkers.reorderings(history, log) == []


def test_what_was_never_answered_may_come_late_into_a_topic() -> None:
    history, log = well()
    history.visits[0].unknown = [A0]
    history.visits[1].read = [A0]
    assert checkers.ghosts(history, log) == []


def test_of_a_life_that_was_broken_off_the_log_is_not_judged() -> None:
    history, _ = well()
    assert checkers.violations(history, None) == []
