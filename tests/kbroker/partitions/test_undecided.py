"""What readers of committed records may see, and what they are told to skip: rules, and a model beside them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.partitions.undecided import Aborted, Undecided
from wire.batch import Batch
from wire.errors import ErrorCode, KafkaError
from wire.records import Record, build_batch, transaction_marker


def data(producer_id: int, epoch: int = 0, sequence: int = 0) -> Batch:
    records = [Record(b"k", b"v")]
    return Batch.parse(
        build_batch(records, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence, transactional=True)
    )


def marker(producer_id: int, committed: bool = True) -> Batch:
    return Batch.parse(
        transaction_marker(committed, coordinator_epoch=3, producer_id=producer_id, producer_epoch=0, timestamp=1)
    )


def test_the_first_open_transaction_holds_the_last_stable_offset() -> None:
    undecided = Undecided()
    assert undecided.stable(9, 0) == 9
    undecided.follow(data(1), 2)
    undecided.follow(data(2), 3)
    undecided.follow(data(1), 4)
    assert undecided.stable(9, 0) == 2
    assert undecided.follow(marker(1), 5) == (True, 3)
    assert undecided.stable(9, 0) == 3
    undecided.follow(marker(2), 6)
    assert undecided.stable(9, 0) == 9


def test_a_marker_frees_nothing_before_the_high_watermark_has_passed_it() -> None:
    undecided = Undecided()
    undecided.follow(data(1), 2)
    undecided.follow(marker(1), 5)
    assert [undecided.stable(high_watermark, 0) for high_watermark in (1, 3, 5, 6)] == [1, 2, 2, 6]


def test_it_never_lies_before_the_start_of_the_log() -> None:
    undecided = Undecided([(1, 2)])
    assert undecided.stable(9, 4) == 4


def test_only_aborted_stretches_are_told_and_only_those_that_overlap() -> None:
    undecided = Undecided()
    undecided.follow(data(1), 0)
    undecided.follow(marker(1, committed=False), 2)
    undecided.follow(data(1), 3)
    undecided.follow(marker(1), 4)
    undecided.follow(data(2), 5)
    undecided.follow(data(3), 6)
    undecided.follow(marker(3, committed=False), 7)
    undecided.follow(marker(2, committed=False), 8)
    assert undecided.aborted == [Aborted(1, 0, 2, 3), Aborted(3, 6, 7, 5), Aborted(2, 5, 8, 9)]
    assert undecided.aborted_between(0, 9) == undecided.aborted
    assert undecided.aborted_between(3, 9) == undecided.aborted[1:]
    assert undecided.aborted_between(3, 5) == []
    assert undecided.aborted_between(8, 9) == [Aborted(2, 5, 8, 9)]
    undecided.forget_below(8)
    assert undecided.aborted == [Aborted(2, 5, 8, 9)]


def test_a_marker_without_a_transaction_ends_nothing() -> None:
    undecided = Undecided()
    undecided.follow(marker(1, committed=False), 0)
    assert (undecided.stable(1, 0), undecided.aborted) == (1, [])


def test_an_admission_is_good_until_a_marker_comes() -> None:
    undecided = Undecided()
    admission = undecided.admission(1, 0, 0)
    assert undecided.admission(1, 0, 5) is admission, "what is on its way at the same time shares it"
    undecided.check(data(1), admission)
    undecided.follow(marker(1), 0)
    with pytest.raises(KafkaError) as refused:
        undecided.check(data(1), admission)
    assert refused.value.code is ErrorCode.INVALID_TXN_STATE


def test_no_later_batch_goes_first() -> None:
    undecided = Undecided()
    admission = undecided.admission(1, 0, 3)
    undecided.admission(1, 0, 0)
    with pytest.raises(KafkaError) as refused:
        undecided.check(data(1, sequence=3), admission)
    assert refused.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    undecided.check(data(1, sequence=0), admission)


def test_only_the_newest_epoch_says_what_goes_first() -> None:
    undecided = Undecided()
    admission = undecided.admission(1, 4, 0)
    assert undecided.admission(1, 5, 7) is admission
    undecided.admission(1, 4, 0)
    undecided.check(data(1, epoch=5, sequence=7), admission)


batches = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.integers(1, 4), st.just(False)),
        st.tuples(st.just("marker"), st.integers(1, 4), st.booleans()),
    ),
    max_size=30,
)


@settings(max_examples=200)
@given(batches, st.data())
def test_it_says_what_reading_the_whole_log_would_say(log: list[tuple[str, int, bool]], dice: Any) -> None:
    undecided = Undecided()
    for offset, (kind, producer_id, committed) in enumerate(log):
        undecided.follow(data(producer_id) if kind == "data" else marker(producer_id, committed), offset)
    high_watermark = dice.draw(st.integers(0, len(log)))
    start = dice.draw(st.integers(0, len(log)))
    end = dice.draw(st.integers(start, max(start, high_watermark)))

    opened: dict[int, int] = {}
    aborted = []
    for offset, (kind, producer_id, committed) in enumerate(log[:high_watermark]):
        if kind == "data":
            opened.setdefault(producer_id, offset)
        elif producer_id in opened:
            first = opened.pop(producer_id)
            if not committed:
                aborted.append((producer_id, first, offset))
    stable = min([high_watermark, *opened.values()])
    assert undecided.stable(high_watermark, 0) == stable
    if end <= stable:
        told = {each[:3] for each in undecided.aborted_between(start, end)}
        assert told == {each for each in aborted if each[2] >= start and each[1] < end}
    before, ended = undecided.at(high_watermark)
    assert dict(before) == opened
    assert [each[:3] for each in ended] == aborted
