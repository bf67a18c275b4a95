"""A partition: one log, and its only writer.

    stage -> [engine.append] -> settle      a batch gets its place, is written, is true
    ----------- pending ------> applied     producer state, high watermark, waiters: only at settle

`end` is where the next batch goes and moves when a batch is staged; everything that others may see moves when the write
is done. Writes may be under way one behind another: they settle in order, and one that is written proves that those
before it are.

When a write fails nothing behind it can land. The partition closes: it refuses writes with KAFKA_STORAGE_ERROR (which
clients retry), waits until all that is under way has been answered, throws its state away, and opens again from the
engine's true end, its last note and the headers behind it. Opening after a start is the same code (recovery.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from storage.engine import Appended, Buffer, Engine, Outcome, StorageError, UnknownLog
from wire.batch import LOG_APPEND_TIME, TRANSACTIONAL, Batch
from wire.errors import ErrorCode, KafkaError, ProtocolError

from . import checkpoint
from .epochs import EpochTable
from .producers import Duplicate, Producers, Refused
from .readable import Readable
from .recovery import Recovered, recover, tail
from .replicas import Replicas
from .rewrite import as_stored
from .staging import LOST, PENDING, WRITTEN, Staging
from .topics import Settings, log_options
from .undecided import Admission, Undecided
from .validate import Rules, validate
from .waiters import Waiters

if TYPE_CHECKING:
    from kbroker.world import World

    from .packing import Packing

log = logging.getLogger("kbroker.partitions")

NOTE_BYTES = 16 << 20
NOTE_BATCHES = 4096


class Partition(Readable):
    """See the package for what it offers; what others read are plain attributes, and only this class sets them."""

    def __init__(
        self,
        name: str,
        log_name: str,
        engine: Engine,
        world: World,
        config: Settings,
        replicas: Replicas,
        leader_epoch: int = 0,
        producer_expiration_ms: int = 86_400_000,
        every_record: bool = False,
    ) -> None:
        self.name = name
        self.log = log_name
        self.engine = engine
        self.gather = engine.gather
        self.world = world
        self.replicas = replicas
        self.leader_epoch = leader_epoch
        self.epochs = EpochTable()
        self.producers = Producers(producer_expiration_ms)
        self.undecided = Undecided()
        self.waiters = Waiters()
        self.every_record = every_record
        self.rules = Rules.of(config, every_record)
        self.lacks_replicas = replicas.fewer_in_sync_than(self.rules.min_in_sync)  # than acks=all asks for
        self.log_start = self.end = self.noted = 0
        self.is_open = self.is_dropped = False
        self.is_loading = True
        self._lost_above: int | None = None
        self.packing: Packing | None = None
        self._told_closed, self._told_lost = False, -1  # and where the log ended when a lost write was told of
        self._options = log_options(config)
        self._pending: deque[Staging] = deque()
        self._unnoted_bytes = self._unnoted_batches = 0
        self._when_open: list[Callable[[], object]] = []
        self.when_grown: Callable[[], object] | None = None
        self._opening: asyncio.Future[None] = world.future()
        self._opening.add_done_callback(_heard)
        self._open()

    @property
    def high_watermark(self) -> int:
        return self.replicas.high_watermark

    @property
    def last_stable_offset(self) -> int:
        """The end for readers of committed records: where the first open transaction begins, or the high watermark."""
        return self.undecided.stable(self.replicas.high_watermark, self.log_start)

    def bound(self, read_committed: bool) -> int:
        """Up to where a consumer may read."""
        return self.last_stable_offset if read_committed else self.replicas.high_watermark

    def configure(self, config: Settings) -> None:
        """The topic's config is this from now on."""
        self.rules = Rules.of(config, self.every_record)
        self.lacks_replicas = self.replicas.fewer_in_sync_than(self.rules.min_in_sync)
        options = log_options(config)
        if options != self._options:
            self._options = options
            self.engine.configure(self.log, options).add_done_callback(self._logged)

    def lead(self, leader: int, leader_epoch: int, assigned: Sequence[int], in_sync: Sequence[int]) -> None:
        """Who leads, in which epoch, and who follows. After another leader or epoch whoever waits looks again."""
        same = leader == self.replicas.leader and leader_epoch == self.leader_epoch
        moved = self.replicas.lead(leader, assigned, in_sync)
        self.lacks_replicas = self.replicas.fewer_in_sync_than(self.rules.min_in_sync)
        if not same:
            self.leader_epoch = leader_epoch
            if (mark := self.replicas.mark(leader)) < self.replicas.end:  # what is under way may still be written
                self._cut(mark)
            elif self.is_open:
                self.epochs.assign(leader_epoch, self.end)
        if moved:
            self.waiters.moved(self.high_watermark, 0)
        if not same:
            self.waiters.changed()

    def stand(self, away: Collection[int]) -> None:
        """These nodes are away: what they have of the log stays as it is until they are back."""
        self.replicas.stand(away)
        self.waiters.moved(self.high_watermark, 0)

    def _cut(self, end: int) -> None:
        """Somebody leads who has only what is below `end`: the rest of the log is lost. Once nothing is under way."""
        log.warning("partition %s loses what is above %d: its leader never had it", self.name, end)
        if self.is_open:
            self._close_for_now()
        self._lost_above = end
        self._open_when_drained()

    def release(self, node_id: int) -> None:
        """A follower that was held (`replicas.hold`) catches up; who waited for it is answered."""
        self.replicas.release(node_id)
        self.waiters.moved(self.high_watermark, 0)

    def _logged(self, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("partition %s: %s", self.name, error)

    # --- opening ------------------------------------------------------------------------------------------------------

    def ready(self) -> asyncio.Future[None]:
        """Done when the partition is open; KafkaError when it cannot be. Asking again tries again."""
        if self._opening.done() and not self.is_open and not self.is_dropped:
            self._close_for_now()
            self._open()
        return self._opening

    def when_open(self, callback: Callable[[], object]) -> None:
        """Call, in order, once the partition is open or cannot be opened; at once if nothing is under way to open
        it."""
        if self._opening.done():
            callback()
        else:
            self._when_open.append(callback)

    def _close_for_now(self) -> None:
        self.is_open = False
        self._opening = self.world.future()
        self._opening.add_done_callback(_heard)

    def _open(self) -> None:
        """Once nothing is under way any more."""
        if self._lost_above is not None:
            end, self._lost_above = self._lost_above, None
            self.engine.cut(self.log, end).add_done_callback(self._when_cut)
            return
        try:
            try:
                self.engine.bounds(self.log)
            except UnknownLog:
                self.engine.create([(self.log, self._options)]).add_done_callback(self._logged)
            state = recover(self.engine, self.log, self.producers.expiration_ms)
        except Exception as error:
            self._not_opened(error)
            return
        if state.replayed == state.end:
            self._opened(state)
        else:
            self.world.spawn(self._read_tail(state))

    def _when_cut(self, done: asyncio.Future[int]) -> None:
        if done.cancelled() or (error := done.exception()) is None:
            self._open()
        else:
            self._not_opened(error if isinstance(error, Exception) else StorageError(str(error)))

    async def _read_tail(self, state: Recovered) -> None:
        try:
            await tail(self.engine, self.log, state, self.world.time_ms())
        except Exception as error:
            self._not_opened(error)
        else:
            self._opened(state)

    def _opened(self, state: Recovered) -> None:
        state.producers.owed = self.producers.owed
        self.epochs, self.producers, self.undecided = state.epochs, state.producers, state.undecided
        self.log_start, self.end, self.noted = state.start, state.end, state.noted
        self._unnoted_bytes, self._unnoted_batches = state.size, state.batches
        self.epochs.forget_below(state.start)
        self.undecided.forget_below(state.start)
        self.epochs.assign(self.leader_epoch, state.end)
        self.replicas.reset(state.end)
        self.is_open = not self.is_dropped
        self.is_loading = False
        if self._told_closed:
            log.warning("partition %s is open again", self.name)
        self._told_closed = False
        self._tell(None)
        self.waiters.moved(self.high_watermark, 0)
        self.waiters.changed()

    def _not_opened(self, error: Exception) -> None:
        if not self._told_closed:  # every request tries again: once is enough until it is open
            log.error("partition %s cannot be opened: %s", self.name, error)
        self._told_closed = True
        self.is_loading = False
        self._tell(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"the log of {self.name} cannot be read"))

    def _tell(self, error: KafkaError | None) -> None:
        if not self._opening.done():
            if error is None:
                self._opening.set_result(None)
            else:
                self._opening.set_exception(error)
        waiting, self._when_open = self._when_open, []
        for callback in waiting:
            callback()

    def must_be_open(self) -> None:
        """Raises KafkaError if it is not. One that could not be opened tries again for the next who asks."""
        if self.is_open:
            return
        if self.is_dropped:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{self.name} has been deleted")
        self.ready()
        if not self.is_open:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"the log of {self.name} is not open")

    # --- writing ------------------------------------------------------------------------------------------------------

    def stage(
        self,
        records: Buffer | None,
        zstd_allowed: bool = True,
        admission: Admission | None = None,
        packed: Batch | None = None,
    ) -> Staging | Duplicate:
        """The produce path: check the one batch in `records`, give it its place and stamp it. The caller hands the
        Staging to `Partitions.write` before anything else happens. Raises KafkaError, and then nothing has changed. A
        first batch of a transaction comes with its admission, unless nobody asks for one; what was to be packed anew
        and is large with what packing.py made of it."""
        if not self.is_open:
            try:
                self.must_be_open()
            except KafkaError:
                self._turned_away(records)
                raise
        now_ms = self.world.time_ms()
        batch = validate(records, self.rules, now_ms, zstd_allowed)
        if batch.producer_id >= 0:
            decision = self.producers.check(batch, now_ms)
            if type(decision) is Duplicate:
                return decision
            if admission is not None and not self.is_ongoing(batch.producer_id, batch.producer_epoch):
                self.undecided.check(batch, admission)
            if type(decision) is Refused:
                raise KafkaError(decision.code, decision.reason)
        if self.rules.rewrites or batch.attributes & LOG_APPEND_TIME or batch.buffer.readonly:
            batch = as_stored(batch, self.rules, now_ms, packed)
        staging = self._place(batch, now_ms)
        if self.rules.log_append_time:
            staging.log_append_time = now_ms
        return staging

    def write(self, staging: Staging) -> None:
        """Give a staged write to the engine, in the order of staging. What the engine answers at once is settled when
        this returns."""
        try:
            self.engine.submit(staging)
        except Exception as error:  # it broke its promise; whoever waits hears of it all the same
            self.settle(staging, error)

    def append(self, batches: Sequence[bytearray]) -> asyncio.Future[int]:
        """What this broker itself writes: whole, writable batches, stamped here. The base offset of the first, once all
        of them are durable; KafkaError(KAFKA_STORAGE_ERROR) when the write is lost."""
        answer: asyncio.Future[int] = self.world.future()
        self.put(batches, lambda staging: staging.tell(answer))
        return answer

    def put(self, batches: Sequence[bytearray], settled: Callable[[Staging], object]) -> None:
        """The same for who needs no future, which costs a turn of the loop: told when the write is done or lost."""
        self.must_be_open()
        first, *more = [Batch.parse(batch) for batch in batches]
        staging = self._place(first, self.world.time_ms(), more)
        staging.when_settled(settled)
        self.write(staging)

    def _place(self, batch: Batch, now_ms: int, more: Sequence[Batch] = ()) -> Staging:
        """The batch gets its offset, and `more` get those behind it."""
        staging = Staging(self, batch)
        if batch.producer_id >= 0:
            self._follow(staging, batch, staging.expected_end, now_ms)
        for batch in more:
            offset = staging.add(batch)
            if batch.producer_id >= 0:
                self._follow(staging, batch, offset, now_ms)
        self.end = staging.end
        self._pending.append(staging)
        return staging

    def _follow(self, staging: Staging, batch: Batch, offset: int, now_ms: int) -> None:
        """What is known of producers and transactions."""
        staging.entries.append((batch.producer_id, self.producers.begin(batch, offset, now_ms, staging)))
        if batch.attributes & TRANSACTIONAL and (ended := self.undecided.follow(batch, offset)) is not None:
            self.producers.marked(batch.producer_id, ended.coordinator_epoch)
            staging.ends_transactions = True

    def settle(self, staging: Staging, outcome: Outcome | BaseException) -> None:
        """The engine has answered a write: true now, or lost. One that is true proves that those before it are."""
        if type(outcome) is Appended:
            while staging.state == PENDING:
                self._settle_first()
        elif staging.state == PENDING:
            self._lost(staging, outcome)

    def _settle_first(self) -> None:
        """The oldest write under way is there."""
        staging = self._pending.popleft()
        for producer_id, entry in staging.entries:
            self.producers.settle(producer_id, entry)
        self._unnoted_bytes += staging.size
        self._unnoted_batches += len(staging.batches)
        moved = self.replicas.written(staging.end)
        if self._unnoted_bytes >= NOTE_BYTES or self._unnoted_batches >= NOTE_BATCHES:
            self.note()
        if (tell := self.when_grown) is not None:
            self.when_grown = None  # once is enough until somebody has looked
            tell()
        staging.settled(WRITTEN)
        if moved:
            self.waiters.moved(self.replicas.high_watermark, 0 if staging.ends_transactions else staging.size)
        if not self.is_open:
            self._open_when_drained()

    def _turned_away(self, records: Buffer | None) -> None:
        """The producer will send this batch again, and nothing that it has sent behind it may go before it."""
        try:
            batch = Batch.parse(records or b"")
        except ProtocolError:
            return
        if batch.producer_id >= 0:
            self.producers.owe(batch.producer_id, batch.producer_epoch, batch.base_sequence)

    def _lost(self, staging: Staging, outcome: object) -> None:
        if self.is_open:
            if self._told_lost != self.replicas.end:  # clients try again and again: once is enough until one succeeds
                self._told_lost, why = self.replicas.end, getattr(outcome, "error", outcome)
                log.error("a write to partition %s failed, it opens again from its log: %s", self.name, why)
            self._close_for_now()
            self.waiters.closed()
        self._pending.remove(staging)
        for producer_id, entry in staging.entries:
            if entry.first_sequence >= 0:
                self.producers.owe(producer_id, entry.epoch, entry.first_sequence)
        self._open_when_drained()
        staging.settled(LOST)

    def _open_when_drained(self) -> None:
        """After a lost write: everything that was under way has been answered."""
        if not self.is_open and not self.is_dropped and not self._pending:
            self._open()

    # --- the front, notes, the end ------------------------------------------------------------------------------------

    def delete_records(self, offset: int) -> asyncio.Future[int]:
        """Forget what is below the offset (-1: the high watermark). The new log start, which never goes back."""
        self.must_be_open()
        target = self.high_watermark if offset == -1 else offset
        if not 0 <= target <= self.high_watermark:
            message = f"{self.name} ends at {self.high_watermark}: nothing can be deleted up to {offset}"
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, message)
        answer: asyncio.Future[int] = self.world.future()
        if target <= self.log_start:
            answer.set_result(self.log_start)
            return answer
        if target > self.noted:
            self.note()  # what producers are known by goes with their batches
        self.log_start = target
        self.epochs.forget_below(target)
        self.undecided.forget_below(target)
        self.waiters.changed()

        def trimmed(done: asyncio.Future[None]) -> None:
            if answer.done():
                return
            if done.exception() is None:
                answer.set_result(target)
            else:
                answer.set_exception(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(done.exception())))

        self.engine.trim(self.log, target).add_done_callback(trimmed)
        return answer

    def note(self) -> asyncio.Future[None]:
        """Save what a start would otherwise have to read: all that is true at the end of what is written."""
        self.producers.forget_expired(self.world.time_ms())
        self.noted = self.replicas.end
        self._unnoted_bytes = self._unnoted_batches = 0
        data = checkpoint.encode(self.noted, self.epochs, self.producers, self.undecided)
        saving = self.engine.checkpoint(self.log, self.noted, checkpoint.NAME, data)
        saving.add_done_callback(self._logged)
        return saving

    def close(self) -> asyncio.Future[None] | None:
        """A clean stop, after the last write was answered: the note that lets the next start read nothing."""
        if not self.is_open or self.noted == self.replicas.end:
            return None
        return self.note()

    def drop(self) -> None:
        """The topic is deleted: whoever waits finds out."""
        self.is_open = self.is_loading = False
        self.is_dropped = True
        self._tell(KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{self.name} has been deleted"))
        self.waiters.changed()


def _heard(done: asyncio.Future[Any]) -> None:
    """Nobody need be waiting: the exception has been logged."""
    if not done.cancelled():
        done.exception()
