"""Planted bugs in transactions, each for one life: the checkers of `transactions.py` are believed when they catch them.

python -m tests.sim.transaction_mutants [NAME...]     lives until each is found, and prints by what and when
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import kbroker.groups.offsets.transactional as transactional
import kbroker.transactions.decisions as decisions
from kbroker.machine import Effects
from kbroker.partitions.producers import ACCEPTED, Producers, Refused
from kbroker.partitions.undecided import Undecided
from kbroker.transactions.coordinator import Transactions
from kbroker.transactions.events import MarkersWritten
from kbroker.transactions.machine import TransactionsMachine
from kbroker.transactions.markers import Delivery
from wire.errors import ErrorCode

from .life import live_through
from .patches import Patches
from .transactions import TransactionLife

MOST_SEEDS = 200

Mutant = Callable[[Patches], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(plant: Mutant) -> Mutant:
    MUTANTS[plant.__name__] = plant
    return plant


def find(name: str, seeds: Sequence[int]) -> tuple[int, str] | None:
    """The first seed that shows it, and what was said first; None if none does."""
    for seed in seeds:
        if violations := live_through(seed, MUTANTS[name], TransactionLife).violations:
            return seed, violations[0]
    return None


@mutant
def a_marker_is_skipped(patches: Patches) -> None:
    """Of those that go to several partitions, the last one."""

    def lazy(self: Any, place: Any) -> None:
        places = sorted(self._order.partitions)
        if len(places) > 1 and place == places[-1]:
            self._stands()
        else:
            write(self, place)

    write = patches.set(Delivery, "_write", lazy)


@mutant
def markers_are_forgotten_at_a_restart(patches: Patches) -> None:
    def forgetful(self: Any, event: Any, turn: Any) -> None:
        loaded(self, event, turn)
        turn.effects = Effects(timers=turn.effects.timers)
        self._sending.clear()

    loaded = patches.set(TransactionsMachine, "_loaded", forgetful)


@mutant
def the_next_transaction_begins_before_the_markers_stand(patches: Patches) -> None:
    def hasty(self: Any) -> None:
        self._tell(MarkersWritten(self._order.transactional_id, self._order.attempt))
        self._world.later(0.3, start, self)

    start = patches.set(Delivery, "start", hasty)


@mutant
def a_stale_epoch_may_write(patches: Patches) -> None:
    def lax(transaction: Any, producer: Any) -> None:
        check(transaction, producer._replace(epoch=transaction.epoch))

    def any_epoch(self: Any, batch: Any, now_ms: int) -> Any:
        decision = judge(self, batch, now_ms)
        stale = isinstance(decision, Refused) and decision.code is ErrorCode.INVALID_PRODUCER_EPOCH
        return ACCEPTED if stale else decision

    check = patches.set(decisions, "_check_producer", lax)
    judge = patches.set(Producers, "check", any_epoch)


@mutant
def the_coordinator_ends_for_a_stale_epoch(patches: Patches) -> None:
    def lax(transaction: Any, producer: Any, committed: bool, raises_epochs: bool) -> Any:
        return ending(transaction, producer._replace(epoch=transaction.epoch), committed, raises_epochs)

    ending = patches.set(decisions, "_ending", lax)


@mutant
def the_last_stable_offset_is_one_too_high(patches: Patches) -> None:
    def high(self: Any, high_watermark: int, log_start: int) -> int:
        return min(high_watermark, stable(self, high_watermark, log_start) + 1)

    stable = patches.set(Undecided, "stable", high)


@mutant
def a_marker_frees_before_it_is_written(patches: Patches) -> None:
    def early(self: Any, batch: Any, offset: int) -> Any:
        ended = follow(self, batch, offset)
        self._ending.clear()
        return ended

    follow = patches.set(Undecided, "follow", early)


@mutant
def aborted_transactions_are_not_told(patches: Patches) -> None:
    patches.set(Undecided, "aborted_between", lambda self, start, end: [])


@mutant
def only_aborted_transactions_that_began_in_the_answer_are_told(patches: Patches) -> None:
    def short(self: Any, start: int, end: int) -> Any:
        return [each for each in between(self, start, end) if each.first >= start]

    between = patches.set(Undecided, "aborted_between", short)


@mutant
def a_note_forgets_what_is_open(patches: Patches) -> None:
    def forgetful(self: Any, end: int) -> Any:
        return [], at(self, end)[1]

    at = patches.set(Undecided, "at", forgetful)


@mutant
def a_note_forgets_what_was_aborted(patches: Patches) -> None:
    def forgetful(self: Any, end: int) -> Any:
        return at(self, end)[0], []

    at = patches.set(Undecided, "at", forgetful)


@mutant
def offsets_are_committed_outside_of_the_transaction(patches: Patches) -> None:
    def outside(group: Any, event: Any, turn: Any) -> Any:
        response = commit(group, event, turn)
        turn.producer = None
        return response

    commit = patches.set(transactional, "commit", outside)


@mutant
def transactions_have_all_the_time(patches: Patches) -> None:
    patches.set(TransactionsMachine, "_timed_out", lambda self, event, turn: None)


@mutant
def a_restart_forgets_the_time_of_transactions(patches: Patches) -> None:
    def forgetful(self: Any, event: Any, turn: Any) -> None:
        loaded(self, event, turn)
        turn.effects.timers.clear()

    loaded = patches.set(TransactionsMachine, "_loaded", forgetful)


@mutant
def a_coordinator_waits_for_a_request(patches: Patches) -> None:
    """After a start, before it reads its log."""
    patches.set(Transactions, "resume", lambda self: None)


@mutant
def fencing_does_not_raise_the_epoch(patches: Patches) -> None:
    def tame(transaction: Any, fresh_id: Any, now: int) -> Any:
        decided = fence(transaction, fresh_id, now)
        return decided._replace(transaction=decided.transaction._replace(epoch=transaction.epoch, raises_epochs=False))

    def same(transaction: Any, *arguments: Any) -> Any:
        decided = init(transaction, *arguments)
        if decided.transaction.producer_id == transaction.producer_id:
            return decided._replace(transaction=decided.transaction._replace(epoch=transaction.epoch))
        return decided

    fence = patches.set(decisions, "fence", tame)
    init = patches.set(decisions, "init", same)


def main(names: list[str]) -> int:
    missed = 0
    print("| planted bug | found by | at seed |\n|---|---|---|")
    for name in names or list(MUTANTS):
        found = find(name, range(1, MOST_SEEDS + 1))
        seed, by = found or ("-", "nobody")
        missed += found is None
        print(f"| {name.replace('_', ' ')} | {by[:90]} | {seed} |", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
