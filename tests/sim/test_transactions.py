"""Lives with transactions: nothing may be wrong, everything must happen, and planted bugs are found."""

from collections import Counter

import pytest

from kbroker.machine import Producer
from tests.conftest import Planted

from .life import live_through
from .transaction_mutants import MUTANTS, find
from .transactions import (
    RECORDS,
    Story,
    Transaction,
    TransactionLife,
    aborted_reads,
    different_views,
    doubled_records,
    fenced_writes,
    hanging_transactions,
    lost_commits,
    miscounts,
    torn_transactions,
)

SEEDS = range(1, 26)
SOON = 12
"""Seeds; each of these is found in the first few of them as this is written."""
FOUND_LATE = {"a_marker_frees_before_it_is_written", "the_coordinator_ends_for_a_stale_epoch"}
"""The table of docs/simulation.md has them; it is made with up to 200 seeds."""

SEEN: Counter[str] = Counter()
PLACE = ("events", 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_in_a_life(seed: int) -> None:
    report = live_through(seed, None, TransactionLife)
    SEEN.update(report.hits)
    assert report.violations == []


def test_the_lives_had_everything_in_them() -> None:
    """A fault that never strikes proves nothing."""
    if not SEEN:
        pytest.skip("no lives were lived in this run")
    rare = {
        "committed", "aborted", "transaction left open", "copier forgot its transaction", "rival vanished",
        "power lost", "process killed", "stopped and started", "time jumped", "disk stalled", "leader moved",
        "coordinator lost", "machine thrown away", "log compacted", "producers noted",
        "InitProducerIdResponse CONCURRENT_TRANSACTIONS", "EndTxnResponse CONCURRENT_TRANSACTIONS",
        "instance over: Produce INVALID_PRODUCER_EPOCH", "instance over: EndTxnResponse PRODUCER_FENCED",
        "instance over: EndTxnResponse INVALID_TXN_STATE", "instance over: AddPartitionsToTxnResponse PRODUCER_FENCED",
        "instance over: TxnOffsetCommitResponse INVALID_PRODUCER_EPOCH",
    }  # fmt: skip
    assert sorted(what for what in rare if not SEEN[what]) == []


def test_a_seed_is_the_same_life_every_time() -> None:
    assert len({live_through(5, None, TransactionLife).digest for _ in range(2)}) == 1


@pytest.mark.parametrize("name", sorted(set(MUTANTS) - FOUND_LATE))
def test_a_planted_bug_is_found(name: str, planted: Planted) -> None:
    found = find(name, range(1, SOON + 1))
    assert found is not None
    seed, violation = found
    planted(name, violation.partition(": ")[0].replace("_", " "), seed)


# --- checkers ---------------------------------------------------------------------------------------------------------


def story(*transactions: Transaction) -> Story:
    return Story(transactions={each.name: each for each in transactions})


def transaction(name: str, committed: bool | None = None, at: float = 0.0, epoch: int = 0) -> Transaction:
    """With two records; asked to end so at that time, or not at all."""
    made = Transaction(name, name.partition(".")[0], Producer(7, epoch), [(name, 0, 0), (name, 0, 1)])
    if committed is not None:
        made.end, made.answered = (committed, at), True
    return made


def show(told: Story, *values: tuple[str, int, int]) -> Story:
    told.final = [(PLACE, offset, value) for offset, value in enumerate(values)]
    return told


@pytest.mark.parametrize("end", [None, False])
def test_what_was_not_to_be_committed_must_not_be_seen(end: bool | None) -> None:
    one = transaction("a.1", end)
    assert len(aborted_reads(show(story(one), one.values[0]))) == 1
    assert aborted_reads(show(story(transaction("a.1", True)), one.values[0])) == []


def test_what_was_committed_must_be_there_and_whole() -> None:
    one = transaction("a.1", True)
    assert len(lost_commits(show(story(one), one.values[0]))) == 1
    assert len(torn_transactions(show(story(one), one.values[0]))) == 1
    assert lost_commits(show(story(one), *one.values)) == torn_transactions(show(story(one), *one.values)) == []


def test_who_was_fenced_before_it_asked_must_not_have_committed() -> None:
    one = transaction("a.1", True, at=5.0)
    told = show(story(one), *one.values)
    told.takeovers = [("a", Producer(7, 0), 1.0), ("a", Producer(7, 1), 6.0), ("b", Producer(7, 9), 2.0)]
    assert fenced_writes(told) == []
    told.takeovers.append(("a", Producer(7, 2), 4.0))
    assert len(fenced_writes(told)) == 1


def test_each_input_is_copied_once_and_the_offset_says_so() -> None:
    one = Transaction("copy0.1", "copy0", Producer(7, 0))
    told = show(story(one), *[("copy0.1", partition, offset) for partition in range(2) for offset in range(RECORDS)])
    told.offsets = {0: RECORDS, 1: RECORDS}
    assert miscounts(told) == doubled_records(told) == []
    told.offsets[0] = RECORDS - 1
    assert len(miscounts(told)) == 2
    told.offsets[0] = RECORDS
    told.final.append((PLACE, 99, ("copy0.1", 0, 3)))
    assert len(miscounts(told)) == len(doubled_records(told)) == 1


def test_all_readers_have_to_see_the_same() -> None:
    one = transaction("a.1", True)
    told = show(story(one), *one.values)
    told.ends = [("r", PLACE, 1, 2, 2)]
    told.reads["r"] = told.final[:1]
    assert different_views(told) == []
    told.ends = [("r", PLACE, 2, 2, 2)]
    assert len(different_views(told)) == 1


def test_in_the_end_nothing_is_undecided() -> None:
    told = Story(ends=[("r", PLACE, 2, 2, 3)])
    assert len(hanging_transactions(told)) == 1
