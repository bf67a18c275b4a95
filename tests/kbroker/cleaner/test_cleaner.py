"""When the cleaner looks, and what it does then: retention and compaction as Kafka times them, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from kbroker.cleaner.breath import MOST, Breath
from kbroker.cleaner.schedule import Schedule
from kbroker.world import RealWorld
from storage.engine import EngineOptions, Failed, Identity, LogFailed, LogOptions, Write
from storage.open import open_engine
from tests.kbroker.cleaner.yard import Yard, memory_engine
from tests.kbroker.virtual import VirtualWorld, run, settle
from wire.records import Record, build_batch

MINUTE_MS = 60_000
CHECK_MS = 5 * MINUTE_MS


def alarms(world: VirtualWorld) -> int:
    return len([timer for timer in world.loop._scheduled if not timer.cancelled()])  # type: ignore[attr-defined]


# --- retention --------------------------------------------------------------------------------------------------------


def test_old_pieces_go_at_the_first_look_after_they_are_due() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, retention_ms=20 * MINUTE_MS)
        await yard.put((b"a", b"1"))
        await yard.seal()
        await yard.pass_ms(15 * MINUTE_MS)
        await yard.put((b"b", b"1"))
        assert len(await yard.records()) == 2
        await yard.pass_ms(5 * MINUTE_MS + CHECK_MS)
        assert [record.key for record in await yard.records()] == [b"b"]
        assert yard.partition.log_start == 2
        await yard.pass_ms(15 * MINUTE_MS + CHECK_MS)
        assert await yard.records() == []  # the growing piece, too
        assert yard.engine.bounds(yard.log) == (3, 3)

    run(body)


def test_a_log_that_is_too_long_loses_its_front() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, retention_ms=-1, retention_bytes=1000)
        await yard.put(*[(b"a", bytes(100)) for _ in range(30)])
        await yard.pass_ms(CHECK_MS)
        assert 1000 <= sum(extent.size for extent in yard.engine.extents(yard.log)) < 1400
        end = yard.engine.bounds(yard.log).end
        assert await yard.write(Record(b"b", b"")) == end == 30

    run(body)


def test_retention_can_be_asked_for() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, retention_ms=1000)
        await yard.put((b"a", b"1"))
        await yard.pass_ms(1001)
        assert len(await yard.records()) == 1
        await yard.cleaner.run()
        assert await yard.records() == []

    run(body)


def test_a_compacted_topic_loses_nothing_by_retention() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", retention_ms=1000, retention_bytes=0)
        await yard.put((b"a", b"1"))
        await yard.pass_ms(10 * CHECK_MS)
        await yard.cleaner.run()
        assert len(await yard.records()) == 1

    run(body)


def test_both_policies_at_once() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact,delete", retention_ms=20 * MINUTE_MS)
        await yard.put((b"a", b"1"), (b"a", b"2"), (b"b", b"1"))
        await yard.seal()
        await yard.put((b"c", b"1"))
        await yard.pass_ms(MINUTE_MS)
        assert await yard.values() == {b"a": b"2", b"b": b"1", b"c": b"1"}
        assert len(await yard.records()) == 3
        await yard.pass_ms(20 * MINUTE_MS + CHECK_MS)
        assert await yard.records() == []

    run(body)


def test_what_a_reader_has_got_stays_whole_when_its_file_goes(tmp_path: Path) -> None:
    async def body() -> None:
        world = RealWorld(asyncio.get_running_loop())
        options = EngineOptions(identity=Identity("c", 1))
        engine = open_engine(f"file://{tmp_path}", files=world.files, now=world.time_ms, options=options)
        await engine.open()
        yard = Yard(world, engine, retention_ms=60_000)
        await yard.put(*[(b"a", b"%d" % i) for i in range(5)])
        await yard.seal()
        await yard.seal()
        chunk = await yard.partition.read(0, 10_000)
        before = b"".join(chunk.buffers)
        world.shift(61_000)
        await yard.cleaner.run()
        await yard.cleaner.close()
        await engine.close()
        assert list(tmp_path.rglob("*.log")) == []
        assert b"".join(chunk.buffers) == before
        assert len(before) == chunk.size > 1000

    asyncio.run(body())


def test_partitions_that_nobody_has_opened_are_cleaned_after_the_start() -> None:
    async def body(world: VirtualWorld) -> None:
        engine = memory_engine(world)
        await engine.create([(name, LogOptions(segment_bytes=400)) for name in ("catalog", Yard(world, engine).log)])
        batch = build_batch([Record(b"a", b"1", (), world.time_ms() - 10_000)])
        await engine.append([Write(Yard(world, engine).log, 0, [batch])])
        yard = Yard(world, engine, retention_ms=1000)
        yard.cleaner.start()
        await yard.pass_ms(29_999)
        assert yard.engine.bounds(yard.log).start == 0
        await yard.pass_ms(2)
        assert yard.engine.bounds(yard.log).start == 1

    run(body)


# --- compaction -------------------------------------------------------------------------------------------------------


def test_a_dirty_log_is_compacted_after_the_backoff() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"a", b"%d" % i) for i in range(10)])
        await yard.seal()
        await yard.pass_ms(15_000)
        assert [record.value for record in await yard.records()] == [b"9"]

    run(body)


def test_compaction_waits_for_the_ratio() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", min_cleanable_dirty_ratio=0.5)
        await yard.put(*[(b"%d" % i, bytes(50)) for i in range(60)])
        await yard.seal()
        await yard.pass_ms(15_000)
        await yard.put((b"1", b"new"), (b"1", b"newer"))
        await yard.seal()
        await yard.pass_ms(MINUTE_MS)
        assert len(await yard.records()) == 62  # too little is dirty
        await yard.cleaner.run()
        assert len(await yard.records()) == 60  # who asks gets it all the same

    run(body)


def test_what_is_younger_than_the_lag_is_not_compacted() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", min_compaction_lag_ms=10 * MINUTE_MS)
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.seal()
        await yard.pass_ms(9 * MINUTE_MS)
        await yard.cleaner.run()
        assert len(await yard.records()) == 2
        await yard.pass_ms(2 * MINUTE_MS)  # and nobody has to write for it to be
        assert len(await yard.records()) == 1

    run(body)


def test_the_longest_lag_goes_before_the_ratio() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(
            world, cleanup_policy="compact", min_cleanable_dirty_ratio=1.0, max_compaction_lag_ms=10 * MINUTE_MS
        )
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.seal()
        await yard.pass_ms(9 * MINUTE_MS)
        assert len(await yard.records()) == 2
        await yard.pass_ms(2 * MINUTE_MS)
        assert len(await yard.records()) == 1

    run(body)


def test_the_longest_lag_also_ends_the_growing_piece() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", segment_bytes=1 << 20, max_compaction_lag_ms=MINUTE_MS)
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.pass_ms(MINUTE_MS + 1)
        await yard.put((b"b", b"1"))
        assert yard.pieces() == 2

    run(body)


def test_a_tombstone_stays_for_its_time_and_then_goes() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", delete_retention_ms=10 * MINUTE_MS)
        await yard.put((b"a", b"1"), (b"a", None))
        await yard.seal()
        await yard.pass_ms(MINUTE_MS)
        assert [(record.key, record.value) for record in await yard.records()] == [(b"a", None)]
        for expected in (1, 0):
            await yard.put(*[(b"b", bytes(100)) for _ in range(20)])
            await yard.seal()
            await yard.pass_ms(MINUTE_MS)
            assert len([record for record in await yard.records() if record.key == b"a"]) == expected
            await yard.pass_ms(10 * MINUTE_MS)

    run(body)


def test_the_cleaner_can_be_switched_off() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", broker={"log.cleaner.enable": "false"})
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.seal()
        await yard.cleaner.run()
        assert len(await yard.records()) == 2

    run(body)


def test_a_config_that_changes_is_heard() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, retention_ms=-1)
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.seal()
        await yard.pass_ms(CHECK_MS)
        yard.topic.config["cleanup.policy"] = ("compact",)
        yard.cleaner.changed(yard.topic)
        await yard.pass_ms(MINUTE_MS)
        assert len(await yard.records()) == 1

    run(body)


def test_two_logs_are_compacted_the_dirtier_one_first() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact", count=2)
        order: list[str] = []
        compact = yard.cleaner._compact

        async def noted(found: Any) -> None:
            order.append(found.title)
            await compact(found)

        yard.cleaner._compact = noted  # type: ignore[method-assign]
        other = yard.partitions.open(yard.topic, 1)
        await yard.put(*[(b"%d" % i, bytes(300)) for i in range(5)])
        await yard.clean()
        order.clear()
        await yard.put((b"a", b"1"))
        await yard.seal()
        for _ in range(5):
            await other.append([build_batch([Record(b"a", bytes(300))])])
        await yard.clean()
        assert order == ["t-1", "t-0"]

    run(body)


# --- damage and trouble -----------------------------------------------------------------------------------------------


def test_a_damaged_log_is_said_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"a", b"%d" % i) for i in range(10)])
        await yard.seal()
        pieces = yard.engine._logs[yard.log].pieces  # type: ignore[attr-defined]
        pieces[0].batches[0] = pieces[0].batches[0][:-1] + b"\x77"
        for _ in range(3):
            await yard.clean()
        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert len(errors) == 1
        assert errors[0].startswith("t-0 is damaged and is not compacted any more")
        assert "offset 0 fails its CRC" in errors[0]
        assert yard.partition.is_open

    run(body)


def test_a_full_disk_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"a", b"%d" % i) for i in range(10)])
        await yard.seal()
        rewrite = yard.engine.rewrite

        def full(log: str, old: Any) -> Any:
            raise LogFailed("no space left on device")

        yard.engine.rewrite = full  # type: ignore[method-assign]
        await yard.clean()
        assert "no space left" in caplog.text
        assert len(await yard.records()) == 10
        yard.engine.rewrite = rewrite  # type: ignore[method-assign]
        await yard.pass_ms(15_000)
        assert len(await yard.records()) == 1

    run(body)


def test_a_topic_that_is_deleted_meanwhile_is_forgotten() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact,delete", retention_ms=1000)
        await yard.put(*[(b"a", b"%d" % i) for i in range(10)])
        await yard.seal()
        cleaning = yard.cleaner.run()
        await settle(1)
        yard.partitions.drop(yard.topic)
        await cleaning
        assert yard.engine.logs() == []

    run(body)


def test_a_write_that_fails_is_not_growth_and_the_next_one_is() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.partition.ready()
        submit = yard.engine.submit

        def failing(write: Write) -> None:
            write.answered(Failed(LogFailed("no")))

        yard.engine.submit = failing  # type: ignore[method-assign]
        with pytest.raises(Exception, match="failed"):
            await yard.write(Record(b"a", b"1"))
        assert len(yard.cleaner._schedule) == 0
        yard.engine.submit = submit  # type: ignore[method-assign]
        await yard.partition.ready()
        await yard.write(Record(b"a", b"1"))
        assert len(yard.cleaner._schedule) == 1

    run(body)


# --- rest -------------------------------------------------------------------------------------------------------------


def test_a_log_that_nobody_writes_to_sets_one_alarm_or_none() -> None:
    async def body(world: VirtualWorld) -> None:
        idle = alarms(world)
        yard = Yard(world, cleanup_policy="compact")
        await yard.put((b"a", b"1"), (b"a", b"2"))
        await yard.seal()
        assert alarms(world) == idle + 1
        await yard.pass_ms(MINUTE_MS)
        assert alarms(world) == idle
        for _ in range(100):
            await yard.put((b"a", b"1"))
        assert alarms(world) == idle + 1

    run(body)


def test_a_thousand_logs_share_their_alarms() -> None:
    async def body(world: VirtualWorld) -> None:
        rung: list[list[str]] = []
        schedule = Schedule(world, rung.append)
        idle = alarms(world)
        now = world.time_ms()
        for at in range(1000):
            schedule.at(str(at), now + 1000)
            schedule.at(str(at), now + 2000)  # later than is known
        schedule.at("5", now + 500)
        schedule.forget("7")
        assert alarms(world) == idle + 1
        await Yard(world).pass_ms(500)
        assert rung == [["5"]]
        await Yard(world).pass_ms(500)
        assert len(rung[1]) == 998
        assert len(schedule) == 0
        assert alarms(world) == idle

    run(body)


def test_work_gives_way_after_every_step() -> None:
    async def body(world: VirtualWorld) -> None:
        breath = Breath(world)
        began = world.loop_time()
        for _ in range(MOST * 3):
            await breath.take()
        assert world.loop_time() > began

    run(body)


def test_closing_ends_a_compaction_that_is_under_way() -> None:
    async def body(world: VirtualWorld) -> None:
        yard = Yard(world, cleanup_policy="compact")
        await yard.put(*[(b"%d" % (i % 10), b"v") for i in range(2000)])
        await yard.seal()
        cleaning = yard.cleaner.run()
        await settle(1)
        await yard.cleaner.close()
        assert cleaning.done()
        assert len(await yard.records()) > 10
        assert len(yard.cleaner._schedule) == 0
        await yard.write(Record(b"a", b"1"))
        assert len(yard.cleaner._schedule) == 0

    run(body)
