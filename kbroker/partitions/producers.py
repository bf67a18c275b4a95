"""What a partition remembers of idempotent producers, and what it decides by it (KIP-98, KIP-185, KIP-360). Pure.

A producer numbers its records per partition: the batch says the first number, the count gives the last. The partition
keeps the producer's epoch and the last five batches of it, so that a batch that is sent again is recognised. The rules,
in their order (Kafka's ProducerAppendInfo and ProducerStateEntry):

    no state, or none any more          accepted, whatever the sequence (KIP-360)
    same epoch, first and last          a duplicate: success with the old offset
      sequence of a kept batch
    lower epoch                         INVALID_PRODUCER_EPOCH: somebody newer writes under this id
    higher epoch                        must begin at 0, else OUT_OF_ORDER_SEQUENCE_NUMBER
    same epoch                          must begin after the last one (2147483647 is followed by 0),
                                        else OUT_OF_ORDER_SEQUENCE_NUMBER; also what is older than the five
    outside of a transaction            INVALID_TXN_STATE while the producer has one open here

A marker ends a transaction and gives the producer its epoch: in a higher one the sequence begins at 0 again (KIP-890).

A batch is decided on when it comes and is true only when its write is done. Between the two it is pending: it counts
for what comes after it (clients send five requests without waiting), it is not part of what a checkpoint saves, and a
duplicate of it carries the write that is under way, to wait for. If a write fails the whole object is thrown away and
made again from the log.

What was lost or turned away by a fault of ours comes again, but what the client has sent behind it may come before.
From a producer that nobody knows any more that would be taken, and what it had to follow refused for ever. So the first
of such batches is `owed`: until it is there nothing else of that epoch is accepted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from wire.batch import CONTROL, MAX_SEQUENCE, TRANSACTIONAL, Batch
from wire.errors import ErrorCode, KafkaError

KEPT_BATCHES = 5
MOST_OWED = 1000
NO_EPOCH = -1
NO_SEQUENCE = -1
NO_TIMESTAMP = -1


class Entry:
    """One batch of a producer. `write` is what the partition waits for as long as the batch is pending."""

    __slots__ = ("epoch", "first_sequence", "last_offset", "last_sequence", "max_timestamp", "offset_delta", "write")

    def __init__(
        self,
        epoch: int,
        first_sequence: int,
        last_sequence: int,
        last_offset: int,
        offset_delta: int,
        max_timestamp: int,
        write: object = None,
    ) -> None:
        self.epoch = epoch
        self.first_sequence = first_sequence
        self.last_sequence = last_sequence
        self.last_offset = last_offset
        self.offset_delta = offset_delta
        self.max_timestamp = max_timestamp
        self.write = write

    @property
    def base_offset(self) -> int:
        return self.last_offset - self.offset_delta

    def values(self) -> tuple[int, int, int, int, int]:
        """What a checkpoint keeps; the epoch is the producer's."""
        return self.first_sequence, self.last_sequence, self.last_offset, self.offset_delta, self.max_timestamp


class Producer:
    """One producer id in one partition. `kept` has the applied batches of `epoch` only, `pending` may have newer
    epochs. `in_transaction`, `coordinator_epoch` (of the last marker) and `timestamp` (of the last batch) say what
    will be true when the pending ones are written."""

    __slots__ = ("coordinator_epoch", "epoch", "in_transaction", "kept", "pending", "seen_ms", "timestamp")

    def __init__(self, epoch: int, seen_ms: int, kept: Iterable[Entry] = ()) -> None:
        self.epoch = epoch
        self.seen_ms = seen_ms
        self.in_transaction = False
        self.coordinator_epoch = NO_EPOCH
        self.timestamp = NO_TIMESTAMP
        self.kept: deque[Entry] = deque(kept, KEPT_BATCHES)
        self.pending: deque[Entry] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing under way, and no transaction open: then it may expire."""
        return not self.pending and not self.in_transaction

    def window(self) -> list[Entry]:
        """The last five batches of the newest epoch, the pending ones included."""
        epoch = self.newest_epoch
        both = (*self.kept, *self.pending)
        return [entry for entry in both if entry.epoch == epoch and entry.first_sequence >= 0][-KEPT_BATCHES:]

    @property
    def newest_epoch(self) -> int:
        return self.pending[-1].epoch if self.pending else self.epoch

    @property
    def last_sequence(self) -> int:
        """Of the newest epoch; -1 when nothing was written in it."""
        window = self.window()
        return window[-1].last_sequence if window else NO_SEQUENCE


class Accepted:
    """The batch is the next one."""

    __slots__ = ()


class Duplicate:
    """The batch is already there, or on its way."""

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        self.entry = entry


class Refused:
    """The batch must not be written."""

    __slots__ = ("code", "reason")

    def __init__(self, code: ErrorCode, reason: str) -> None:
        self.code = code
        self.reason = reason


Decision = Accepted | Duplicate | Refused
ACCEPTED = Accepted()


class Producers:
    """All producers of one partition. One that was idle for `expiration_ms` is as unknown as one that never was."""

    __slots__ = ("expiration_ms", "owed", "table")

    def __init__(self, expiration_ms: int) -> None:
        self.expiration_ms = expiration_ms
        self.table: dict[int, Producer] = {}
        self.owed: dict[int, tuple[int, int]] = {}  # producer id -> epoch and first sequence

    def find(self, producer_id: int, now_ms: int) -> Producer | None:
        """What is known of the producer, and still counts."""
        producer = self.table.get(producer_id)
        if producer is not None and now_ms - producer.seen_ms >= self.expiration_ms and producer.is_idle:
            return None
        return producer

    def check(self, batch: Batch, now_ms: int) -> Decision:
        """The decision on a batch that has a producer id; nothing changes by asking."""
        producer = self.find(batch.producer_id, now_ms)
        if producer is None:
            return self._check_owed(batch)
        decision = _check_sequence(producer, batch)
        if producer.in_transaction and decision is ACCEPTED and not batch.is_transactional:
            message = f"producer {batch.producer_id} has a transaction open here, and the batch is not part of it"
            return Refused(ErrorCode.INVALID_TXN_STATE, message)
        return decision

    def check_marker(self, producer_id: int, epoch: int, coordinator_epoch: int, raises_epochs: bool) -> None:
        """May this marker be written? A marker of transaction version 2 brings the epoch that comes after the one in
        which its transaction was written (KIP-890, KIP-1228). Raises KafkaError."""
        producer = self.table.get(producer_id)
        if producer is None:
            return
        newest = producer.newest_epoch
        if epoch < newest or (raises_epochs and epoch == newest and producer.in_transaction):
            message = f"producer {producer_id} has epoch {newest} here, and the marker has {epoch}"
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, message)
        if coordinator_epoch < producer.coordinator_epoch:
            message = f"coordinator epoch {producer.coordinator_epoch} was here, and the marker has {coordinator_epoch}"
            raise KafkaError(ErrorCode.TRANSACTION_COORDINATOR_FENCED, message)

    def _check_owed(self, batch: Batch) -> Decision:
        """Nobody knows the producer; but perhaps we owe it a batch."""
        owed = self.owed.get(batch.producer_id)
        if owed is None or owed[0] != batch.producer_epoch or owed[1] == batch.base_sequence:
            return ACCEPTED
        return _out_of_order(batch, owed[1])

    def owe(self, producer_id: int, epoch: int, sequence: int) -> None:
        """A batch was lost or turned away, not by a fault of the producer. The oldest of an epoch counts."""
        if self.owed.get(producer_id, (NO_EPOCH, 0))[0] != epoch:
            self.owed[producer_id] = epoch, sequence
            if len(self.owed) > MOST_OWED:
                del self.owed[next(iter(self.owed))]

    def begin(self, batch: Batch, base_offset: int, now_ms: int, write: object) -> Entry:
        """An accepted batch gets its place and is pending from here on."""
        producer = self.find(batch.producer_id, now_ms)
        if producer is None:
            producer = self.table[batch.producer_id] = Producer(NO_EPOCH, now_ms)
        if batch.attributes & CONTROL:
            last_sequence = producer.last_sequence if batch.producer_epoch == producer.newest_epoch else NO_SEQUENCE
            entry = Entry(batch.producer_epoch, NO_SEQUENCE, last_sequence, base_offset, 0, batch.max_timestamp, write)
        else:
            entry = _entry_of(batch, base_offset, write)
            if self.owed:
                self.owed.pop(batch.producer_id, None)
        producer.pending.append(entry)
        _saw(producer, batch, now_ms)
        return entry

    def settle(self, producer_id: int, entry: Entry) -> None:
        """The oldest pending batch of a producer is written."""
        producer = self.table[producer_id]
        first = producer.pending.popleft()
        assert first is entry, "batches of a producer settle in the order in which they began"
        entry.write = None
        if entry.first_sequence != NO_SEQUENCE:
            _keep(producer, entry)
        elif entry.epoch > producer.epoch:
            _begin_epoch(producer, entry.epoch)

    def replay(self, batch: Batch, now_ms: int) -> None:
        """A batch found in the log: it was accepted once, so it is not judged again. A control batch ends a
        transaction: it has no sequence, and gives the producer its epoch."""
        producer = self.table.get(batch.producer_id)
        if producer is None:
            producer = self.table[batch.producer_id] = Producer(NO_EPOCH, now_ms)
        _saw(producer, batch, now_ms)
        if batch.base_sequence != NO_SEQUENCE:
            _keep(producer, _entry_of(batch, batch.base_offset, None))
        elif batch.producer_epoch > producer.epoch:
            _begin_epoch(producer, batch.producer_epoch)

    def marked(self, producer_id: int, coordinator_epoch: int) -> None:
        """The marker just written or found came from this coordinator."""
        self.table[producer_id].coordinator_epoch = coordinator_epoch

    def forget_expired(self, now_ms: int) -> None:
        for producer_id in list(self.table):
            if self.find(producer_id, now_ms) is None:
                del self.table[producer_id]


def _check_sequence(producer: Producer, batch: Batch) -> Decision:
    kept = producer.pending or producer.kept
    newest = kept[-1] if kept else None
    epoch = producer.epoch if newest is None else newest.epoch
    first = batch.base_sequence
    if batch.producer_epoch == epoch:
        expected = 0 if newest is None else (newest.last_sequence + 1) & MAX_SEQUENCE
        if first == expected:
            return ACCEPTED
        last = batch.last_sequence
        for entry in producer.window():
            if entry.first_sequence == first and entry.last_sequence == last:
                return Duplicate(entry)
    elif batch.producer_epoch < epoch:
        return Refused(
            ErrorCode.INVALID_PRODUCER_EPOCH,
            f"producer {batch.producer_id} has epoch {epoch} here, and the batch has {batch.producer_epoch}",
        )
    elif first == 0:
        return ACCEPTED
    else:
        expected = 0
    return _out_of_order(batch, expected)


def _out_of_order(batch: Batch, expected: int) -> Refused:
    return Refused(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        f"producer {batch.producer_id} sends sequence {batch.base_sequence}, and {expected} is next",
    )


def _entry_of(batch: Batch, base_offset: int, write: object) -> Entry:
    delta = batch.last_offset_delta
    last_sequence = (batch.base_sequence + delta) & MAX_SEQUENCE
    return Entry(
        batch.producer_epoch, batch.base_sequence, last_sequence, base_offset + delta, delta, batch.max_timestamp, write
    )


def _saw(producer: Producer, batch: Batch, now_ms: int) -> None:
    producer.seen_ms = now_ms
    producer.timestamp = batch.max_timestamp
    if batch.attributes & TRANSACTIONAL:
        producer.in_transaction = not batch.is_control


def _keep(producer: Producer, entry: Entry) -> None:
    if entry.epoch != producer.epoch:
        _begin_epoch(producer, entry.epoch)
    producer.kept.append(entry)


def _begin_epoch(producer: Producer, epoch: int) -> None:
    producer.epoch = epoch
    producer.kept.clear()
