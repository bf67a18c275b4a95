"""Transactional batches and markers in a partition: what is taken, what is refused, what it shows then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kbroker.machine import Marker, Producer
from kbroker.partitions import Partition
from kbroker.partitions.producers import Duplicate
from wire.batch import batches
from wire.errors import ErrorCode, KafkaError
from wire.records import COMMIT, control_type, iterate

from .support import TestEngine, TestWorld, batch, marked, partition, produce, run, turns


def transact(one: Partition, producer: tuple[int, int, int], count: int = 1) -> Any:
    return produce(one, batch(count, producer=producer, transactional=True))


def refusal(do: Any) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        do()
    return refused.value.code


async def mark(one: Partition, producer: int, epoch: int, committed: bool = True, *, coordinator: int = 0,
               raises: bool = False) -> None:  # fmt: skip
    await marked(one, Marker(Producer(producer, epoch), committed, coordinator), raises)


def test_a_marker_is_a_control_batch_of_one_record_as_kafka_writes_it() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 2, 0))
        await mark(one, 7, 2, coordinator=5)
        (last,) = list(batches((await one.read(1, 1000)).buffers[-1]))
        assert (last.is_control, last.is_transactional, last.base_sequence, last.count) == (True, True, -1, 1)
        assert (last.producer_id, last.producer_epoch, last.base_offset) == (7, 2, 1)
        (record,) = iterate(last)
        assert control_type(record) == COMMIT
        assert record.value == bytes.fromhex("000000000005")

    run(test)


def test_in_version_1_the_epoch_and_the_sequence_go_on_after_a_marker() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 0, 0), 2)
        await mark(one, 7, 0)
        assert refusal(lambda: transact(one, (7, 0, 0))) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        transact(one, (7, 0, 2))
        assert isinstance(transact(one, (7, 0, 0), 2), Duplicate), "batches from before are still known"

    run(test)


def test_in_version_2_the_marker_brings_the_next_epoch_and_the_sequence_begins_again() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 0, 0), 2)
        await mark(one, 7, 1, raises=True)
        assert refusal(lambda: transact(one, (7, 0, 2))) is ErrorCode.INVALID_PRODUCER_EPOCH
        assert refusal(lambda: transact(one, (7, 1, 2))) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        transact(one, (7, 1, 0))

    run(test)


def test_the_same_is_true_while_the_marker_is_on_its_way() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        transact(one, (7, 0, 0), 2)
        transact(one, (8, 0, 0), 1)
        engine.held = True
        marking = [asyncio.ensure_future(mark(one, 7, 1, raises=True)), asyncio.ensure_future(mark(one, 8, 0))]
        await turns()
        assert refusal(lambda: transact(one, (7, 0, 2))) is ErrorCode.INVALID_PRODUCER_EPOCH
        transact(one, (7, 1, 0))
        assert refusal(lambda: transact(one, (8, 0, 2))) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        transact(one, (8, 0, 1))
        assert one.last_stable_offset == 0
        engine.let_go(2)
        await asyncio.gather(*marking)
        assert one.last_stable_offset == 5, "both ended; the next ones have begun and are not written yet"

    run(test)


def test_outside_of_the_open_transaction_nothing_is_taken_from_its_producer() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 0, 0))
        assert refusal(lambda: produce(one, batch(producer=(7, 0, 1)))) is ErrorCode.INVALID_TXN_STATE
        await mark(one, 7, 0)
        produce(one, batch(producer=(7, 0, 1)))

    run(test)


def test_markers_of_old_epochs_and_old_coordinators_are_refused() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 4, 0))
        cases: list[tuple[int, int, bool, ErrorCode]] = [
            (3, 9, False, ErrorCode.INVALID_PRODUCER_EPOCH),
            (4, 9, True, ErrorCode.INVALID_PRODUCER_EPOCH),
        ]
        for epoch, coordinator, raises, code in cases:
            with pytest.raises(KafkaError) as refused:
                await mark(one, 7, epoch, coordinator=coordinator, raises=raises)
            assert refused.value.code is code
        await mark(one, 7, 4, coordinator=9)
        with pytest.raises(KafkaError) as refused:
            await mark(one, 7, 4, coordinator=8)
        assert refused.value.code is ErrorCode.TRANSACTION_COORDINATOR_FENCED

    run(test)


@pytest.mark.parametrize("raises", [False, True])
def test_a_second_marker_is_no_mistake(raises: bool) -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 0, 0))
        for _ in range(2):
            await mark(one, 7, 1, committed=False, raises=raises)
        assert (one.end, one.last_stable_offset) == (3, 3)
        assert [each[:3] for each in one.undecided.aborted] == [(7, 0, 1)]

    run(test)


def test_a_marker_of_an_unknown_producer_is_taken() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        await mark(one, 7, 3, raises=True)
        assert one.producers.table[7].epoch == 3

    run(test)


def test_a_marker_stands_when_the_in_sync_replicas_have_it() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), nodes=(1, 2))
        transact(one, (7, 0, 0))
        one.replicas.hold(2)
        marking = asyncio.ensure_future(mark(one, 7, 0))
        await turns()
        assert not marking.done()
        assert one.last_stable_offset == 0
        one.release(2)
        await marking
        assert one.last_stable_offset == 2

    run(test)


def test_a_marker_that_cannot_be_written_says_so() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        transact(one, (7, 0, 0))
        engine.failing = {"t/0"}
        with pytest.raises(KafkaError) as refused:
            await mark(one, 7, 0)
        assert refused.value.code is ErrorCode.KAFKA_STORAGE_ERROR
        engine.failing = set()
        await one.ready()
        assert one.last_stable_offset == 0, "the transaction is still open"
        await mark(one, 7, 0)
        assert one.last_stable_offset == 2

    run(test)


def test_a_marker_wakes_whoever_waits_for_what_it_frees() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        transact(one, (7, 0, 0), 10)
        woken: list[int] = []
        one.waiters.watch(object(), woken.append)
        await mark(one, 7, 0)
        assert woken == [0], "not the marker's few bytes are new, but all that it frees"

    run(test)


def test_a_first_batch_needs_its_admission_and_the_next_ones_do_not() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        admission = one.undecided.admission(7, 0, 0)
        await mark(one, 7, 0)
        first = batch(producer=(7, 0, 0), transactional=True)
        assert refusal(lambda: one.stage(memoryview(first), True, admission)) is ErrorCode.INVALID_TXN_STATE
        admission = one.undecided.admission(7, 0, 0)
        assert not one.is_ongoing(7, 0)
        one.stage(memoryview(first), True, admission)
        assert one.is_ongoing(7, 0)
        assert not one.is_ongoing(7, 1)
        one.stage(memoryview(batch(producer=(7, 0, 1), transactional=True)), True, admission)

    run(test)


def test_a_producer_with_an_open_transaction_does_not_expire() -> None:
    async def test() -> None:
        world = TestWorld()
        one = partition(TestEngine(), world)
        transact(one, (7, 0, 0))
        produce(one, batch(producer=(8, 0, 0)))
        world.now_ms += 86_400_001
        one.note()
        assert list(one.producers.table) == [7]

    run(test)
