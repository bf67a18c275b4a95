"""Planted bugs: a checker is believed after it has caught some.

A mutant changes one decision of the house for one life, as a careless hand might have written it. Each has to be found
by some checker (or by an assertion of a client, or by what the broker itself did not foresee) within MOST_SEEDS lives.
`find` lives seed after seed until it is; `test_mutants.py` does so for those that are found soon, `make lives` for all
of them, and prints the table that stands in docs/simulation.md.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import kbroker.catalog.machine as catalog
import kbroker.groups.classic.join as joining
import kbroker.groups.classic.rebalance as rebalance
import kbroker.groups.classic.sync as syncing
import kbroker.groups.machine as machine
import kbroker.groups.offsets.commit as commit
import kbroker.handlers.fetch as fetch
import kbroker.handlers.produce as produce
import kbroker.partitions.partition as partition
import kbroker.partitions.recovery as recovery
import kbroker.runtime as runtime
import storage.disk.engine as engine
import storage.disk.log as disk_log
import storage.disk.recovery as disk_recovery
from kbroker.cleaner.keys import Keys
from kbroker.partitions.epochs import EpochTable
from kbroker.partitions.producers import ACCEPTED, Duplicate, Producers, Refused
from kbroker.partitions.registry import Partitions
from kbroker.partitions.replicas import Replicas
from kbroker.partitions.staging import LOST, Staging
from kbroker.partitions.waiters import Waiters
from kbroker.server.connection import Connection
from kbroker.server.sessions import FetchSessions, Interest
from storage.engine import Appended, Write
from storage.placing import measure
from wire.errors import ErrorCode

from .checkers import OF_THE_HISTORY, OF_THE_LOG
from .life import live_through
from .patches import Patches

MOST_SEEDS = 200

Mutant = Callable[[Patches], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(plant: Mutant) -> Mutant:
    MUTANTS[plant.__name__] = plant
    return plant


def find(name: str, seeds: Sequence[int]) -> tuple[int, str] | None:
    """The first seed that shows it, and what was said first; None if none does."""
    for seed in seeds:
        if violations := live_through(seed, MUTANTS[name]).violations:
            return seed, violations[0]
    return None


# --- writes -----------------------------------------------------------------------------------------------------------


@mutant
def produce_is_answered_before_its_append(patches: Patches) -> None:
    def hasty(self: partition.Partition, staging: Staging) -> None:
        copies = [bytes(batch) for batch in staging.batches]
        self.engine.append([Write(self.log, staging.base_offset, copies)])
        measure(staging)
        self.settle(staging, Appended(staging.base_offset, staging.end))

    patches.set(partition.Partition, "write", hasty)


@mutant
def a_failed_write_is_taken_for_done(patches: Patches) -> None:
    def careless(self: Staging, outcome: Any) -> None:
        self.partition.settle(self, Appended(self.base_offset, self.end))

    patches.set(Staging, "answered", careless)


@mutant
def a_partition_goes_on_after_a_lost_write(patches: Patches) -> None:
    """It answers the failure, and keeps what it believed of producers and offsets."""

    def stubborn(self: Any, staging: Any, outcome: object) -> None:
        self._pending.remove(staging)
        for producer_id, entry in staging.entries:
            self.producers.settle(producer_id, entry)
        self.end = self.engine.bounds(self.log).end
        staging.settled(LOST)

    patches.set(partition.Partition, "_lost", stubborn)


@mutant
def a_sequence_gap_is_accepted(patches: Patches) -> None:
    def lax(self: Producers, batch: Any, now_ms: int) -> Any:
        decision = check(self, batch, now_ms)
        return ACCEPTED if isinstance(decision, Refused) else decision

    check = patches.set(Producers, "check", lax)


@mutant
def what_was_lost_is_not_owed(patches: Patches) -> None:
    patches.set(Producers, "owe", lambda self, producer_id, epoch, sequence: None)


@mutant
def a_batch_sent_again_while_pending_is_written_twice(patches: Patches) -> None:
    def forgetful(self: Producers, batch: Any, now_ms: int) -> Any:
        decision = check(self, batch, now_ms)
        pending = isinstance(decision, Duplicate) and decision.entry.write is not None
        return ACCEPTED if pending else decision

    check = patches.set(Producers, "check", forgetful)


@mutant
def a_duplicate_is_answered_before_the_first_is_written(patches: Patches) -> None:
    def hasty(self: Any, partition: Any, duplicate: Duplicate) -> None:
        self.base_offset = duplicate.entry.base_offset
        self._finish()

    patches.set(produce._Part, "_told_before", hasty)


@mutant
def a_duplicate_is_answered_with_its_last_offset(patches: Patches) -> None:
    def wrong(self: Any, partition: Any, next_offset: int) -> None:
        if self._partition.replicas.end > next_offset:
            self.base_offset = next_offset - 1
        written(self, partition, next_offset)

    written = patches.set(produce._Part, "_written", wrong)


@mutant
def a_buffer_is_given_back_before_its_write(patches: Patches) -> None:
    def early(self: Connection, frame: Any, now: float) -> None:
        start(self, frame, now)
        self.server.pool.put(frame)

    start = patches.set(Connection, "_start", early)


# --- what readers see -------------------------------------------------------------------------------------------------


@mutant
def the_high_watermark_is_one_too_high(patches: Patches) -> None:
    def eager(self: Replicas, end: int) -> bool:
        moved = written(self, end)
        self.high_watermark += moved
        return moved

    written = patches.set(Replicas, "written", eager)


@mutant
def readers_see_what_is_not_replicated(patches: Patches) -> None:
    patches.set(partition.Partition, "bound", lambda self, read_committed: self.replicas.end)


@mutant
def readers_see_what_is_not_synced(patches: Patches) -> None:
    def early(self: Any, run_of: Any, run: Any) -> None:
        landed(self, run_of, run)
        for owner in OPEN:
            if owner.log == self.name and self.written > owner.replicas.end:
                owner.replicas.written(self.written)

    OPEN: list[Any] = []

    def opened(self: Any, state: Any) -> None:
        OPEN.append(self)
        really(self, state)

    landed = patches.set(disk_log.DiskLog, "_landed", early)
    really = patches.set(partition.Partition, "_opened", opened)


@mutant
def a_parked_fetch_is_not_woken(patches: Patches) -> None:
    patches.set(Waiters, "watch", lambda self, key, moved: None)


@mutant
def a_parked_fetch_waits_for_ever(patches: Patches) -> None:
    patches.set(fetch._Fetching, "_waited", lambda self: None)


@mutant
def a_fetch_session_does_not_hear_of_new_positions(patches: Patches) -> None:
    patches.set(Interest, "ask_like", lambda self, other: None)


@mutant
def a_fetch_session_forgets_a_partition(patches: Patches) -> None:
    """Who got records goes to the end of the order, or falls off it."""

    def lossy(self: FetchSessions, request: Any, by_id: bool, now_s: float, view: object) -> Any:
        session = self._sessions.get(request.session_id)
        if session is not None and len(session.interests) > 2 and session.epoch % 7 == 0:
            session.forget(next(iter(session.interests)))
        return go_on(self, request, by_id, now_s, view)

    go_on = patches.set(FetchSessions, "_go_on", lossy)


# --- restarts ---------------------------------------------------------------------------------------------------------


@mutant
def producers_are_forgotten_at_a_restart(patches: Patches) -> None:
    def forgetful(state: Any, batch: Any, now_ms: int) -> None:
        if batch.leader_epoch > state.epochs.latest():
            state.epochs.assign(batch.leader_epoch, batch.base_offset)

    patches.set(recovery, "_replay", forgetful)


@mutant
def a_note_says_that_it_is_newer_than_it_is(patches: Patches) -> None:
    """It is taken of the staged end: what is replayed begins behind batches that it does not know."""

    def premature(self: Any) -> Any:
        self.replicas.end, end = self.end, self.replicas.end
        try:
            return note(self)
        finally:
            self.replicas.end = end

    note = patches.set(partition.Partition, "note", premature)


@mutant
def epochs_are_forgotten_at_a_restart(patches: Patches) -> None:
    def blank(engine: Any, log: str, expiration_ms: int) -> Any:
        state = recover(engine, log, expiration_ms)
        state.epochs = EpochTable()
        return state

    recover = patches.set(partition, "recover", blank)


@mutant
def a_crash_does_not_raise_the_leader_epoch(patches: Patches) -> None:
    def apply_node(self: catalog.CatalogMachine, node_id: int, value: Any) -> None:
        self.nodes[node_id] = value

    patches.set(catalog.CatalogMachine, "_apply_node", apply_node)


@mutant
def producer_ids_are_given_again_after_a_restart(patches: Patches) -> None:
    def forgetful(self: catalog.CatalogMachine, event: Any, rng: Any) -> Any:
        effects = next_producer_id(self, event, rng)
        if effects.batches:
            self.next_block += catalog.BLOCK
            effects.batches.clear()
        return effects

    next_producer_id = patches.set(catalog.CatalogMachine, "_next_producer_id", forgetful)


@mutant
def a_torn_tail_is_believed(patches: Patches) -> None:
    """Where the header is whole, the rest is taken for it."""
    patches.set(disk_recovery, "verify_crc", lambda batch: True)


@mutant
def what_recovery_shows_may_still_be_lost(patches: Patches) -> None:
    patches.set(disk_recovery._Recovery, "_sync", lambda self, segments: None)


@mutant
def an_append_is_answered_before_it_is_synced(patches: Patches) -> None:
    def hasty(self: Any) -> Any:
        sync = begin(self)
        for write in self._covered:
            write.answered(Appended(write.expected_end, write.end))
        self._covered = []
        return sync

    begin = patches.set(disk_log.DiskLog, "begin", hasty)


# --- what is deleted --------------------------------------------------------------------------------------------------


@mutant
def a_deletion_is_answered_before_it_is_durable(patches: Patches) -> None:
    def hasty(self: engine.DiskEngine, log: str, start: int) -> Any:
        trim(self, log, start)
        return engine.done(None)

    trim = patches.set(engine.DiskEngine, "trim", hasty)


@mutant
def a_deletion_is_forgotten_at_a_restart(patches: Patches) -> None:
    patches.set(engine.DiskEngine, "trim", lambda self, log, start: engine.done(None))


@mutant
def a_topic_made_again_finds_what_was_there_before(patches: Patches) -> None:
    """Its id is made of its name, and nobody clears up."""

    def named(self: catalog.CatalogMachine, new: Any, taken: Any, start: int, rng: Any) -> Any:
        topic = new_topic(self, new, taken, start, rng)
        topic.id = new.name.encode()[:16].ljust(16, b".")
        return topic

    new_topic = patches.set(catalog.CatalogMachine, "_new_topic", named)
    patches.set(Partitions, "drop", lambda self, topic: None)


@mutant
def compaction_drops_the_last_value_of_a_key(patches: Patches) -> None:
    def wrong(self: Keys, key: bytes) -> int:
        return last(self, key) + 1

    last = patches.set(Keys, "last", wrong)


# --- groups -----------------------------------------------------------------------------------------------------------


@mutant
def a_commit_is_answered_before_its_append(patches: Patches) -> None:
    def hasty(self: Any, effects: Any, rested_on: int) -> None:
        take(self, effects, rested_on)
        if self._error is ErrorCode.NOT_COORDINATOR:
            outbox = [(0, future, content) for _, future, content in self._outbox]
            self._outbox.clear()
            self._outbox.extend(outbox)

    take = patches.set(runtime.Runtime, "_take", hasty)


@mutant
def a_commit_of_an_older_generation_is_accepted(patches: Patches) -> None:
    def lax(state: Any, own: Any, generation: int, asked: int, anonymous: bool, member: ErrorCode) -> ErrorCode:
        return check(state, own, generation, generation, anonymous, member)

    check = patches.set(commit, "check_commit", lax)


@mutant
def a_sync_of_an_older_generation_is_answered(patches: Patches) -> None:
    def lax(member: Any, generations: Any, types: Any, names: Any) -> ErrorCode:
        return check(member, (generations[1], generations[1]), types, names)

    check = patches.set(syncing, "check_sync", lax)


@mutant
def members_keep_the_assignment_of_the_generation_before(patches: Patches) -> None:
    """Until the leader has sent the new one, whoever asks is given the old one."""

    def eager(group: Any, event: Any, turn: Any) -> None:
        member = group.members.get(event.request.member_id)
        if member is not None and member.assignment and group.leader != member.id:
            turn.answer(event.ticket, syncing._assigned(group, member))
        else:
            sync(group, event, turn)

    sync = patches.set(machine, "sync", eager)


@mutant
def the_leaders_own_partitions_go_to_all(patches: Patches) -> None:
    def generous(group: Any, request: Any, turn: Any) -> None:
        for each in request.assignments:
            each.assignment = request.assignments[0].assignment
        distribute(group, request, turn)

    distribute = patches.set(syncing, "_distribute", generous)


@mutant
def sessions_never_expire(patches: Patches) -> None:
    patches.set(rebalance, "arm", lambda group, member, turn: None)


@mutant
def a_restart_forgets_the_session_timers(patches: Patches) -> None:
    patches.set(machine, "touch", lambda group, member, turn: None)


@mutant
def a_static_member_that_returns_does_not_fence_its_old_self(patches: Patches) -> None:
    def careless(group: Any, event: Any, old: Any, member_id: str, turn: Any) -> None:
        return_static(group, event, old, member_id, turn)
        group.members[old.id] = old

    return_static = patches.set(joining, "_return_static", careless)


def finder(violation: str) -> str:
    """Which checker has found it, or what else: an assertion of a client, or what the broker did not foresee."""
    kind, _, text = violation.partition(": ")
    if kind in [checker.__name__ for checker in (*OF_THE_LOG, *OF_THE_HISTORY)]:
        return kind.replace("_", " ")
    return f"{kind}: {text[:60]}".replace("|", "/")


def main(names: list[str]) -> int:
    """Plant each, live until it is found, and print the table of docs/simulation.md."""
    missed = 0
    print("| planted bug | found by | at seed |\n|---|---|---|")
    for name in names or list(MUTANTS):
        found = find(name, range(1, MOST_SEEDS + 1))
        seed, by = found or ("-", "nobody")
        missed += found is None
        print(f"| {name.replace('_', ' ')} | {finder(by)} | {seed} |", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
