"""What stays of a batch, rule by rule, as in Kafka's Cleaner and MemoryRecords.filterTo."""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.cleaner.keys import Keys
from kbroker.cleaner.marks import Marks
from kbroker.cleaner.sieve import Last, Rules, learn, sift
from wire.batch import Batch
from wire.records import Record, build_batch, iterate, transaction_marker

NOW = 100_000
RETENTION = 1000


class Log:
    """Batches in order, gone through as a run does it."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.end = 0

    def add(self, raw: bytearray) -> Log:
        self.batches.append(Batch.parse(raw))
        self.end = self.batches[-1].next_offset
        return self

    def data(self, *records: Record, **options: object) -> Log:
        return self.add(build_batch(records, base_offset=self.end, **options))  # type: ignore[arg-type]

    def marker(self, committed: bool, producer_id: int = 1, epoch: int = 0) -> Log:
        return self.add(
            transaction_marker(
                committed, coordinator_epoch=0, producer_id=producer_id, producer_epoch=epoch, timestamp=1,
                base_offset=self.end,
            )
        )  # fmt: skip

    def cleaned(
        self, *, now: int = NOW, end: int | None = None, last: Mapping[int, Last] | None = None, most: int = 1000
    ) -> Log:
        """A run over all of it; `end` is where it ends, and where it stops to learn."""
        end = 1 << 40 if end is None else end  # so that the last batch has nothing special about it
        marks, keys = Marks(), Keys(most)
        for batch in self.batches:
            marks.survey(batch)
        for batch in self.batches:
            if batch.base_offset < end:
                assert list(learn(batch, keys, marks, 1 << 20)) == []
        marks.begin()
        log = Log()
        for batch in self.batches:
            steps = sift(batch, keys, marks, Rules(end, now, RETENTION, last or {}, 1 << 20))
            try:
                while True:
                    next(steps)
            except StopIteration as stop:
                if stop.value is not None:
                    log.batches.append(Batch.parse(stop.value))
        log.end = self.end
        return log

    def shown(self) -> list[tuple[int, bytes | None, bytes | None]]:
        return [(r.offset, r.key, r.value) for batch in self.batches if not batch.is_control for r in iterate(batch)]

    def markers(self) -> list[int]:
        return [batch.base_offset for batch in self.batches if batch.is_control and batch.count]


def put(key: bytes | None, value: bytes | None = b"v") -> Record:
    return Record(key, value, (), 5)


def test_the_last_value_of_each_key_stays() -> None:
    log = Log().data(put(b"a", b"1"), put(b"b", b"1")).data(put(b"a", b"2"), put(b"c", b"1")).cleaned()
    assert log.shown() == [(1, b"b", b"1"), (2, b"a", b"2"), (3, b"c", b"1")]


def test_a_batch_of_which_all_stays_is_left_as_it_is() -> None:
    log = Log().data(put(b"a"), put(b"b"), compression=2)
    assert log.cleaned().batches[0].buffer == log.batches[0].buffer


def test_a_batch_of_which_nothing_stays_goes() -> None:
    assert len(Log().data(put(b"a")).data(put(b"a")).cleaned().batches) == 1


def test_a_record_without_a_key_goes() -> None:
    assert Log().data(put(None), put(b"a")).cleaned().shown() == [(1, b"a", b"v")]


def test_nothing_behind_the_end_is_touched() -> None:
    log = Log().data(put(b"a")).data(put(b"b")).data(put(None), put(b"a"), put(b"a")).cleaned(end=2)
    assert [offset for offset, _, _ in log.shown()] == [0, 1, 2, 3, 4]


def test_the_last_batch_of_a_run_stays_as_a_header() -> None:
    log = Log().data(put(b"a")).data(put(None)).cleaned(end=2)
    assert [(batch.base_offset, batch.count) for batch in log.batches] == [(0, 1), (1, 0)]


def test_a_tombstone_gets_a_horizon_and_goes_when_that_is_reached() -> None:
    log = Log().data(put(b"a", b"1")).data(put(b"a", None), put(b"b")).cleaned()
    assert log.shown() == [(1, b"a", None), (2, b"b", b"v")]
    assert log.batches[0].delete_horizon_ms == NOW + RETENTION
    assert [r.timestamp for r in iterate(log.batches[0])] == [5, 5]
    again = log.cleaned(now=NOW + RETENTION - 1)
    assert again.batches[0].buffer == log.batches[0].buffer  # the horizon is not moved
    assert log.cleaned(now=NOW + RETENTION).shown() == [(2, b"b", b"v")]


def test_a_tombstone_is_replaced_by_a_later_value_at_once() -> None:
    assert Log().data(put(b"a", None)).data(put(b"a", b"2")).cleaned().shown() == [(1, b"a", b"2")]


def test_the_last_batch_of_a_producer_stays_as_a_header() -> None:
    log = Log()
    log.data(put(b"a"), producer_id=7, producer_epoch=1, base_sequence=4)
    log.data(put(b"a"), producer_id=7, producer_epoch=1, base_sequence=5)
    log.data(put(b"a"))
    cleaned = log.cleaned(last={7: (1, 1)})
    assert [(batch.base_offset, batch.base_sequence, batch.count) for batch in cleaned.batches] == [
        (1, 5, 0), (2, -1, 1),
    ]  # fmt: skip
    assert [batch.base_offset for batch in cleaned.cleaned(last={7: (1, 99)}).batches] == [2]


def test_what_was_aborted_goes_and_hides_nothing() -> None:
    log = Log().data(put(b"a", b"before"))
    log.data(put(b"a", b"aborted"), put(b"b", b"aborted"), producer_id=1, base_sequence=0, transactional=True)
    log.marker(False)
    assert log.cleaned().shown() == [(0, b"a", b"before")]


def test_what_was_committed_counts() -> None:
    log = Log().data(put(b"a", b"before"))
    log.data(put(b"a", b"committed"), producer_id=1, base_sequence=0, transactional=True)
    log.marker(True)
    assert log.cleaned().shown() == [(1, b"a", b"committed")]


def test_transactions_of_one_producer_are_told_apart_by_their_markers() -> None:
    log = Log()
    for value, committed in ((b"1", True), (b"2", False), (b"3", True), (b"4", False)):
        log.data(put(value, value), producer_id=1, base_sequence=0, transactional=True).marker(committed)
    assert [key for _, key, _ in log.cleaned().shown()] == [b"1", b"3"]


def test_a_marker_stays_while_a_batch_of_its_transaction_is_met() -> None:
    log = Log().data(put(b"a"), producer_id=1, base_sequence=0, transactional=True).marker(True)
    for later in (NOW, NOW + RETENTION, NOW + 9 * RETENTION):
        log = log.cleaned(now=later)
        assert log.markers() == [1]


def test_a_marker_of_nothing_goes_after_its_horizon() -> None:
    log = Log().data(put(b"a"), producer_id=1, base_sequence=0, transactional=True).marker(False)
    first = log.cleaned()
    assert first.markers() == [1]  # its batch was met, and went
    second = first.cleaned(now=NOW + 1)
    assert second.batches[0].delete_horizon_ms == NOW + 1 + RETENTION
    assert second.cleaned(now=NOW + RETENTION).markers() == [1]
    assert second.cleaned(now=NOW + 1 + RETENTION).batches == []


def test_a_marker_that_alone_tells_of_a_producer_stays_as_a_header() -> None:
    log = Log().marker(True, producer_id=3, epoch=4)
    first = log.cleaned(last={3: (4, -1)})
    second = first.cleaned(now=NOW + RETENTION, last={3: (4, -1)})
    assert [(batch.count, batch.producer_epoch, batch.is_control) for batch in second.batches] == [(0, 4, True)]
    assert second.cleaned(now=NOW + 2 * RETENTION).batches == []


def test_what_cannot_be_understood_stays_as_it_is() -> None:
    broken = build_batch([put(b"a"), put(b"b")])
    broken[57:61] = (9).to_bytes(4, "big")  # a count that is not true
    log = Log().add(broken).data(put(b"a"))
    assert log.cleaned().batches[0].buffer == broken


def test_a_full_table_still_takes_the_whole_batch() -> None:
    keys = Keys(2)
    batch = Batch.parse(build_batch([put(b"%d" % i) for i in range(5)]))
    list(learn(batch, keys, Marks(), 1000))
    assert keys.is_full
    assert [keys.last(b"%d" % i) for i in range(6)] == [0, 1, 2, 3, 4, -1]


def test_many_records_are_looked_at_in_steps() -> None:
    batch = Batch.parse(build_batch([put(b"%d" % i) for i in range(1000)]))
    keys = Keys(10_000)
    assert len(list(learn(batch, keys, Marks(), 1 << 20))) == 15
    marks = Marks()
    steps = sift(batch, keys, marks, Rules(5000, NOW, RETENTION, {}, 1 << 20))
    assert len(list(steps)) == 15
