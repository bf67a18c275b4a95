"""The rules of KIP-98 for one partition, told one by one, and then against a literal model of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kbroker.partitions import checkpoint
from kbroker.partitions.epochs import EpochTable
from kbroker.partitions.producers import KEPT_BATCHES, Accepted, Decision, Duplicate, Entry, Producers, Refused
from kbroker.partitions.undecided import Undecided
from wire.batch import CONTROL, MAX_SEQUENCE, TRANSACTIONAL, Batch
from wire.errors import ErrorCode

OUT_OF_ORDER = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
OLD_EPOCH = ErrorCode.INVALID_PRODUCER_EPOCH
DAY_MS = 86_400_000


def header(first: int, count: int = 1, *, epoch: int = 0, producer_id: int = 9, base_offset: int = 0) -> Batch:
    """A batch as far as the rules look at it."""
    batch = Batch()
    batch.producer_id, batch.producer_epoch, batch.base_sequence = producer_id, epoch, first
    batch.last_offset_delta, batch.count = count - 1, count
    batch.base_offset, batch.max_timestamp = base_offset, base_offset * 10
    batch.attributes = 0 if first >= 0 else TRANSACTIONAL | CONTROL
    return batch


class Log:
    """Producers and the offsets that a partition would give."""

    def __init__(self) -> None:
        self.producers = Producers(DAY_MS)
        self.end = 0
        self.now = 0

    def check(self, batch: Batch) -> Decision:
        return self.producers.check(batch, self.now)

    def begin(self, batch: Batch) -> Entry:
        assert isinstance(self.check(batch), Accepted)
        entry = self.producers.begin(batch, self.end, self.now, "write")
        self.end += batch.count
        return entry

    def write(self, batch: Batch) -> Entry:
        entry = self.begin(batch)
        self.producers.settle(batch.producer_id, entry)
        return entry


def code(decision: Decision) -> Any:
    return decision.code if isinstance(decision, Refused) else type(decision)


def test_a_producer_that_nobody_knows_may_begin_with_any_sequence() -> None:
    log = Log()
    log.write(header(17, 2, epoch=3))
    assert code(log.check(header(19, epoch=3))) is Accepted


def test_a_producer_that_nobody_knows_may_have_no_epoch() -> None:
    assert Log().check(header(0, epoch=-1)) is Log().check(header(0))


def test_what_was_lost_by_a_fault_of_ours_comes_again_before_all_that_was_sent_behind_it() -> None:
    log = Log()
    log.producers.owe(9, 0, 4)
    log.producers.owe(9, 0, 6)
    assert code(log.check(header(6))) == OUT_OF_ORDER
    assert code(log.check(header(4))) is Accepted
    assert code(log.check(header(7, producer_id=10))) is Accepted, "the others do not mind"
    assert code(log.check(header(3, epoch=1))) is Accepted, "nor does the producer, once it begins anew"
    log.write(header(4, 2))
    assert log.producers.owed == {}
    assert code(log.check(header(6))) is Accepted


def test_what_is_owed_is_bounded() -> None:
    log = Log()
    for producer_id in range(3000):
        log.producers.owe(producer_id, 0, 0)
    assert len(log.producers.owed) == 1000


def test_a_sequence_follows_the_one_before_it() -> None:
    log = Log()
    log.write(header(0, 3))
    assert code(log.check(header(3))) is Accepted
    assert code(log.check(header(4))) == OUT_OF_ORDER
    assert code(log.check(header(2))) == OUT_OF_ORDER


def test_after_the_greatest_sequence_comes_0_and_a_batch_may_lie_across() -> None:
    log = Log()
    log.write(header(MAX_SEQUENCE, 1))
    assert code(log.check(header(0))) is Accepted
    across = Log()
    across.write(header(MAX_SEQUENCE - 1, 4))
    assert code(across.check(header(2))) is Accepted
    assert code(across.check(header(MAX_SEQUENCE - 1, 4))) is Duplicate


def test_each_of_the_last_five_batches_is_recognised_and_the_sixth_is_not() -> None:
    log = Log()
    for sequence in range(6):
        log.write(header(sequence))
    for sequence in range(1, 6):
        decision = log.check(header(sequence))
        assert isinstance(decision, Duplicate) and decision.entry.base_offset == sequence
    assert code(log.check(header(0))) == OUT_OF_ORDER


def test_a_duplicate_has_the_same_first_and_last_sequence() -> None:
    log = Log()
    log.write(header(0, 3))
    assert code(log.check(header(0, 3))) is Duplicate
    assert code(log.check(header(0, 2))) == OUT_OF_ORDER


def test_a_fenced_producer_cannot_write() -> None:
    log = Log()
    log.write(header(0, epoch=4))
    assert code(log.check(header(1, epoch=3))) == OLD_EPOCH
    assert code(log.check(header(0, epoch=3))) == OLD_EPOCH


def test_a_new_epoch_begins_at_0() -> None:
    log = Log()
    log.write(header(0, 5, epoch=4))
    assert code(log.check(header(5, epoch=5))) == OUT_OF_ORDER
    assert code(log.check(header(0, epoch=5))) is Accepted
    log.write(header(0, epoch=5))
    assert code(log.check(header(0, 5, epoch=4))) == OLD_EPOCH, "batches of the old epoch are no duplicates any more"


def test_a_batch_under_way_counts_and_its_duplicate_carries_the_write() -> None:
    log = Log()
    entry = log.begin(header(0, 2))
    assert code(log.check(header(2))) is Accepted
    decision = log.check(header(0, 2))
    assert isinstance(decision, Duplicate) and decision.entry is entry and decision.entry.write == "write"
    log.producers.settle(9, entry)
    settled = log.check(header(0, 2))
    assert isinstance(settled, Duplicate) and settled.entry.write is None


def test_what_is_under_way_is_not_in_a_note() -> None:
    log = Log()
    log.write(header(0))
    log.begin(header(1))
    log.begin(header(0, producer_id=10))
    restored = checkpoint.decode(checkpoint.encode(1, EpochTable(), log.producers, Undecided()), DAY_MS)
    assert restored is not None
    assert list(restored[1].table) == [9]
    assert [entry.values() for entry in restored[1].table[9].kept] == [(0, 0, 0, 0, 0)]


@pytest.mark.parametrize(("idle_ms", "expected"), [(DAY_MS - 1, OUT_OF_ORDER), (DAY_MS, Accepted)])
def test_an_idle_producer_is_forgotten_after_a_day(idle_ms: int, expected: Any) -> None:
    log = Log()
    log.write(header(0))
    log.now = idle_ms
    assert code(log.check(header(7))) == expected
    log.producers.forget_expired(log.now)
    assert (9 in log.producers.table) == (expected == OUT_OF_ORDER)


def test_a_marker_gives_the_producer_its_epoch_and_the_next_sequence_is_0() -> None:
    log = Log()
    log.write(header(0, 3, epoch=1))
    marker = header(-1, epoch=2)
    log.producers.replay(marker, 0)
    assert code(log.check(header(3, epoch=1))) == OLD_EPOCH
    assert code(log.check(header(3, epoch=2))) == OUT_OF_ORDER
    assert code(log.check(header(0, epoch=2))) is Accepted


class Model:
    """Section 7 of the facts, word by word, over a plain list of everything that was ever accepted."""

    def __init__(self) -> None:
        self.accepted: list[tuple[int, int, int, int]] = []  # epoch, first, last, base offset

    def decide(self, epoch: int, first: int, count: int) -> Any:
        last = (first + count - 1) % (MAX_SEQUENCE + 1)
        if not self.accepted:
            return Accepted
        stored = self.accepted[-1][0]
        if epoch < stored:
            return OLD_EPOCH
        if epoch > stored:
            return Accepted if first == 0 else OUT_OF_ORDER
        kept = [one for one in self.accepted if one[0] == epoch][-KEPT_BATCHES:]
        for _, kept_first, kept_last, base_offset in kept:
            if (kept_first, kept_last) == (first, last):
                return (Duplicate, base_offset)
        return Accepted if first == (kept[-1][2] + 1) % (MAX_SEQUENCE + 1) else OUT_OF_ORDER


class ProducersMatchTheModel(RuleBasedStateMachine):
    """Batches are sent in and out of order, settle later, and the state is saved and read again at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.model = Model()
        self.under_way: list[tuple[Entry, Batch]] = []
        self.replayed: list[Batch] = []

    def _next(self) -> int:
        return (self.model.accepted[-1][2] + 1) % (MAX_SEQUENCE + 1) if self.model.accepted else 0

    @rule(
        skip=st.sampled_from([0, 0, 0, 1, -1, -2, -3, -8]),
        count=st.integers(1, 3),
        bump=st.sampled_from([0, 0, 0, 1, -1]),
    )
    def send(self, skip: int, count: int, bump: int) -> None:
        epoch = max(0, (self.model.accepted[-1][0] if self.model.accepted else 0) + bump)
        first = 0 if bump > 0 and skip == 0 else (self._next() + skip) % (MAX_SEQUENCE + 1)
        self._send(epoch, first, count)

    @rule(data=st.data())
    @precondition(lambda self: self.model.accepted)
    def send_again(self, data: st.DataObject) -> None:
        epoch, first, last, _ = data.draw(st.sampled_from(self.model.accepted[-8:]))
        self._send(epoch, first, (last - first) % (MAX_SEQUENCE + 1) + 1)

    @rule()
    @precondition(lambda self: not self.model.accepted)
    def begin_near_the_wrap(self) -> None:
        self._send(0, MAX_SEQUENCE - 2, 2)

    def _send(self, epoch: int, first: int, count: int) -> None:
        batch = header(first, count, epoch=epoch, base_offset=self.log.end)
        expected = self.model.decide(epoch, first, count)
        decision = self.log.check(batch)
        if isinstance(expected, tuple):
            assert isinstance(decision, Duplicate) and decision.entry.base_offset == expected[1]
            assert (decision.entry.write is None) == all(entry is not decision.entry for entry, _ in self.under_way)
            return
        assert code(decision) == expected
        if expected is Accepted:
            self.model.accepted.append((epoch, first, batch.last_sequence, self.log.end))
            self.under_way.append((self.log.begin(batch), batch))

    @rule()
    @precondition(lambda self: self.under_way)
    def settle_one(self) -> None:
        entry, batch = self.under_way.pop(0)
        self.log.producers.settle(9, entry)
        self.replayed.append(batch)

    @rule()
    @precondition(lambda self: self.under_way)
    def lose_what_is_under_way(self) -> None:
        """A failed write: the state is made again from a note and the log."""
        lost = len(self.under_way)
        self.under_way.clear()
        del self.model.accepted[-lost:]
        self.reopen_from_a_note()

    @rule()
    @precondition(lambda self: not self.under_way)
    def reopen_from_a_note(self) -> None:
        restored = checkpoint.decode(checkpoint.encode(0, EpochTable(), self.log.producers, Undecided()), DAY_MS)
        assert restored is not None
        self.log.producers = restored[1]

    @invariant()
    def a_replay_of_the_log_knows_the_same(self) -> None:
        replayed = Producers(DAY_MS)
        for batch in self.replayed:
            replayed.replay(batch, 0)
        ours = self.log.producers.table.get(9)
        theirs = replayed.table.get(9)
        if theirs is None:
            assert ours is None or not ours.kept
        else:
            assert ours is not None and ours.epoch == theirs.epoch
            assert [one.values() for one in ours.kept] == [one.values() for one in theirs.kept]


TestProducersMatchTheModel = ProducersMatchTheModel.TestCase
TestProducersMatchTheModel.settings = settings(max_examples=60, stateful_step_count=40)
