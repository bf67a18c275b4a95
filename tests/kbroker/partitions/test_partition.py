"""A partition is the only writer of its log: what it promises while all goes well, and when the engine fails."""

from __future__ import annotations

import pytest

from kbroker.partitions.producers import Duplicate
from kbroker.partitions.staging import LOST, PENDING, WRITTEN, Staging
from storage.engine import Appended, Failed, LogFailed
from storage.placing import measure
from wire.batch import Batch, batches, verify_crc
from wire.errors import ErrorCode, KafkaError
from wire.records import iterate

from .support import START_MS, TestEngine, TestWorld, batch, partition, produce, run, turns


def stored(one) -> list[Batch]:
    chunk = one.read(one.log_start, 1 << 30).result()
    return [found for buffer in chunk.buffers for found in batches(buffer)]


def test_a_batch_gets_the_next_offsets_and_the_leaders_epoch_and_keeps_its_checksum() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), leader_epoch=7)
        first, second = produce(one, batch(3)), produce(one, batch(2))
        assert isinstance(first, Staging) and isinstance(second, Staging)
        assert (first.base_offset, second.base_offset) == (0, 3)
        found = stored(one)
        assert [(b.base_offset, b.last_offset, b.leader_epoch) for b in found] == [(0, 2, 7), (3, 4, 7)]
        assert all(verify_crc(b) for b in found)
        assert (one.log_start, one.end, one.high_watermark, one.last_stable_offset) == (0, 5, 5, 5)

    run(test)


def test_the_end_moves_at_once_and_the_high_watermark_when_the_write_is_done() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        engine.held = True
        staging = produce(one, batch(2))
        assert (one.end, one.high_watermark) == (2, 0)
        engine.let_go()
        await turns()
        assert (one.end, one.high_watermark, staging.state) == (2, 2, WRITTEN)

    run(test)


def test_a_write_that_is_done_proves_those_before_it() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        engine.held = True
        settled = []
        first, second = one.stage(batch(1, producer=(9, 0, 0))), one.stage(batch(1, producer=(9, 0, 1)))
        first.when_settled(lambda _: settled.append("first"))
        second.when_settled(lambda _: settled.append("second"))
        measure(first)
        measure(second)
        one.settle(second, Appended(1, 2))
        assert settled == ["first", "second"]
        one.settle(first, Appended(0, 1))
        assert settled == ["first", "second"] and one.high_watermark == 2

    run(test)


def test_what_this_broker_writes_is_stamped_and_answered_with_its_base_offset() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), leader_epoch=3)
        produce(one, batch(4))
        appended = one.append([batch(2), batch(1)])
        assert one.end == 7
        assert await appended == 4
        assert [(b.base_offset, b.leader_epoch) for b in stored(one)[1:]] == [(4, 3), (6, 3)]

    run(test)


def test_a_duplicate_of_a_batch_under_way_waits_for_that_very_write() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        engine.held = True
        first = produce(one, batch(2, producer=(9, 0, 0)))
        again = produce(one, batch(2, producer=(9, 0, 0)))
        assert isinstance(again, Duplicate) and again.entry.write is first
        engine.let_go()
        await turns()
        later = produce(one, batch(2, producer=(9, 0, 0)))
        assert isinstance(later, Duplicate) and later.entry.write is None and later.entry.base_offset == 0
        assert one.end == 2

    run(test)


def test_a_refused_batch_changes_nothing() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        produce(one, batch(1, producer=(9, 0, 0)))
        with pytest.raises(KafkaError) as refused:
            one.stage(batch(1, producer=(9, 0, 5)))
        assert refused.value.code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert one.end == 1
        assert isinstance(produce(one, batch(1, producer=(9, 0, 1))), Staging)

    run(test)


def test_the_brokers_time_replaces_the_producers_on_a_log_append_time_topic() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), message_timestamp_type="LogAppendTime")
        staging = produce(one, batch(2, timestamp=5))
        assert staging.log_append_time == START_MS
        (found,) = stored(one)
        assert verify_crc(found) and found.log_append_time
        assert [record.timestamp for record in iterate(found)] == [START_MS, START_MS]

    run(test)


@pytest.mark.parametrize(
    ("wanted", "codec"), [("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4), ("uncompressed", 0)]
)
def test_a_topic_with_a_compression_of_its_own_packs_anew(wanted: str, codec: int) -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), compression_type=wanted)
        produce(one, batch(3, producer=(9, 1, 0), compression=2 if codec != 2 else 1))
        (found,) = stored(one)
        assert found.compression == codec and verify_crc(found)
        assert (found.producer_id, found.producer_epoch, found.base_sequence) == (9, 1, 0)
        assert [(r.offset, r.key, r.value, r.timestamp - START_MS) for r in iterate(found)] == [
            (index, b"k", b"v", index) for index in range(3)
        ]

    run(test)


# --- failed writes ----------------------------------------------------------------------------------------------------


def test_after_a_failed_write_everything_under_way_is_lost_and_the_partition_opens_again() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        produce(one, batch(1, producer=(9, 0, 0)))
        engine.held, engine.failing = True, {"t/0"}
        lost = [produce(one, batch(1, producer=(9, 0, 1))), produce(one, batch(1, producer=(9, 0, 2)))]
        engine.let_go()
        await turns()
        with pytest.raises(KafkaError) as refused:
            one.stage(batch(1, producer=(9, 0, 1)))
        assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
        engine.failing, engine.held = set(), False
        engine.let_go()
        await turns()
        assert [staging.state for staging in lost] == [LOST, LOST]
        assert one.is_open and (one.end, one.high_watermark) == (1, 1)
        assert isinstance(produce(one, batch(1, producer=(9, 0, 1))), Staging), "the lost sequence is the next again"
        assert one.high_watermark == 2

    run(test)


def test_that_writes_fail_is_said_once_until_one_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        for fails in (True, True, False, True, True):
            engine.failing = {"t/0"} if fails else set()
            produce(one, batch(1))
            await turns()

    run(test)
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == [
        "a write to partition t-0 failed",
        "a write to partition t-0 failed",
    ]


@pytest.mark.parametrize("turned_away", [False, True])
def test_a_new_producers_second_batch_does_not_overtake_its_first_one_that_was_lost(turned_away: bool) -> None:
    """Seed 220: the first failed with the disk, what came behind it was taken, and the first was never again."""

    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        engine.held, engine.failing = True, {"t/0"}
        other = 8 if turned_away else 9
        held = [produce(one, batch(1, producer=(other, 0, 0))), produce(one, batch(1, producer=(other, 0, 1)))]
        engine.let_go()
        await turns()
        if turned_away:
            with pytest.raises(KafkaError) as refused:
                one.stage(batch(1, producer=(9, 0, 0)))
            assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
        engine.failing, engine.held = set(), False
        engine.let_go()
        await turns()
        assert one.is_open and [staging.state for staging in held] == [LOST, LOST]
        with pytest.raises(KafkaError) as refused:
            one.stage(batch(1, producer=(9, 0, 2)))
        assert refused.value.code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        for sequence in range(3):
            produce(one, batch(1, producer=(9, 0, sequence)))
        assert one.high_watermark == 3

    run(test)


def test_a_write_that_is_heard_of_after_a_later_one_was_lost_counts_all_the_same() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        first, second = one.stage(batch(1, producer=(9, 0, 0))), one.stage(batch(1, producer=(9, 0, 1)))
        (written,) = await engine.append([first])
        one.settle(second, Failed(LogFailed("the disk is full")))
        assert not one.is_open and (first.state, second.state) == (PENDING, LOST)
        one.settle(first, written)
        assert first.state == WRITTEN
        await one.ready()
        assert one.is_open and one.end == 1 and isinstance(produce(one, batch(1, producer=(9, 0, 0))), Duplicate)

    run(test)


def test_a_lost_write_of_a_runtime_is_an_exception_that_clients_retry() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        engine.failing = {"t/0"}
        with pytest.raises(KafkaError) as lost:
            await one.append([batch(1)])
        assert lost.value.code == ErrorCode.KAFKA_STORAGE_ERROR and lost.value.code.retriable

    run(test)


def test_the_high_watermark_never_shows_what_was_lost() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        seen = []
        one.waiters.watch("watcher", lambda size: seen.append(one.high_watermark))
        engine.failing = {"t/0"}
        produce(one, batch(5))
        assert one.high_watermark == 0 and set(seen) <= {0}

    run(test)


# --- opening again ----------------------------------------------------------------------------------------------------


def snapshot(one) -> object:
    return (
        one.log_start,
        one.end,
        one.high_watermark,
        list(one.epochs),
        one.last_stable_offset,
        one.undecided.open,
        one.undecided.aborted,
        {
            key: (
                producer.epoch,
                [entry.values() for entry in producer.kept],
                producer.in_transaction,
                producer.coordinator_epoch,
                producer.timestamp,
            )
            for key, producer in one.producers.table.items()
        },
    )


@pytest.mark.parametrize("noted", [False, True])
def test_a_partition_opened_from_its_log_equals_the_one_before(noted: bool) -> None:
    async def test() -> None:
        engine, world = TestEngine(), TestWorld()
        one = partition(engine, world)
        for sequence in range(7):
            produce(one, batch(3, producer=(9, 0, sequence * 3)))
            if noted and sequence == 4:
                one.note()
            produce(one, batch(1))
        one.lead(1, 4, (1,), (1,))
        produce(one, batch(2, producer=(10, 1, 0)))
        one.lead(1, 5, (1,), (1,))
        again = partition(engine, world, leader_epoch=5)
        await again.ready()
        assert snapshot(again) == snapshot(one)

    run(test)


def test_after_a_clean_stop_nothing_is_read() -> None:
    async def test() -> None:
        engine, world = TestEngine(), TestWorld()
        one = partition(engine, world)
        produce(one, batch(3, producer=(9, 0, 0)))
        note = one.close()
        assert note is not None
        await note
        again = partition(engine, world)
        assert again.is_open and snapshot(again) == snapshot(one)
        assert again.close() is None, "the note is still true"

    run(test)


def test_a_note_is_written_every_4096_batches() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld())
        await one.append([batch(1) for _ in range(4095)])
        assert engine.checkpoints("t/0", "partition") == []
        await one.append([batch(1)])
        assert [note.at for note in engine.checkpoints("t/0", "partition")] == [4096]

    run(test)


def test_an_older_note_serves_when_the_newer_one_cannot_be_read() -> None:
    async def test() -> None:
        engine, world = TestEngine(), TestWorld()
        one = partition(engine, world)
        produce(one, batch(1, producer=(9, 0, 0)))
        one.note()
        produce(one, batch(1, producer=(9, 0, 1)))
        await engine.checkpoint("t/0", 2, "partition", b"\x01broken")
        again = partition(engine, world)
        await again.ready()
        assert snapshot(again) == snapshot(one)

    run(test)


# --- the front --------------------------------------------------------------------------------------------------------


def test_deleting_records_moves_the_start_forward_only() -> None:
    async def test() -> None:
        engine, world = TestEngine(), TestWorld()
        one = partition(engine, world)
        produce(one, batch(10))
        assert await one.delete_records(4) == 4
        assert await one.delete_records(2) == 4
        assert one.log_start == 4
        again = partition(engine, world)
        await again.ready()
        assert again.log_start == 4
        assert await one.delete_records(-1) == 10

    run(test)


@pytest.mark.parametrize("offset", [11, -2])
def test_records_beyond_the_high_watermark_cannot_be_deleted(offset: int) -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld())
        produce(one, batch(10))
        with pytest.raises(KafkaError) as refused:
            one.delete_records(offset)
        assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE

    run(test)


# --- replicas ---------------------------------------------------------------------------------------------------------


def test_a_follower_that_is_held_back_holds_the_high_watermark() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), nodes=(1, 2))
        produce(one, batch(2))
        one.replicas.hold(2)
        produce(one, batch(3))
        reached = []
        one.waiters.at(5, lambda: reached.append(one.high_watermark))
        assert one.high_watermark == 2 and reached == []
        one.release(2)
        assert one.high_watermark == 5 and reached == [5]

    run(test)


def test_another_leader_loses_nothing_of_what_is_being_written() -> None:
    async def test() -> None:
        engine = TestEngine()
        one = partition(engine, TestWorld(), nodes=(1, 2))
        engine.held = True
        produce(one, batch(2))
        one.lead(2, 1, (1, 2), (1, 2))
        produce(one, batch(1))
        engine.held = False
        engine.let_go(2)
        await turns()
        assert one.is_open and (one.high_watermark, one.end) == (3, 3)

    run(test)


def test_a_new_epoch_begins_at_the_end_and_wakes_who_waits() -> None:
    async def test() -> None:
        one = partition(TestEngine(), TestWorld(), nodes=(1, 2))
        produce(one, batch(2))
        woken = []
        one.waiters.watch("fetch", woken.append)
        one.lead(2, 1, (1, 2), (1, 2))
        produce(one, batch(1))
        assert woken[0] == 0
        assert one.end_for_epoch(0) == (0, 2)
        assert one.end_for_epoch(1) == (1, 3)
        assert one.end_for_epoch(2) == (-1, -1)

    run(test)
