"""Files of deleted segments stay for `file.delete.delay.ms`, under another name, and then they go."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from pathlib import Path

import pytest

from storage.disk.engine import DiskEngine
from storage.disk.files import RealFiles
from storage.engine import EngineOptions, Failed, Identity, LogOptions, Read, Write
from tests.storage.alarms import Alarms
from tests.storage.batches import batch
from tests.storage.disk.bench import SMALL, Bench, content, fill, on_bench

FIRST = "/data/logs/a@1-00000000000000000000-1.log"
DELAY = SMALL.file_delete_delay_ms


async def _later(bench: Bench, engine: DiskEngine, alarms: Alarms, milliseconds: int) -> None:
    bench.now += milliseconds
    alarms.ring(bench.now)
    await engine._disk.syncer.idle()


@on_bench
async def test_a_trimmed_segment_is_kept_for_its_time_and_not_longer(bench: Bench) -> None:
    alarms = Alarms()
    engine = await bench.engine(at=alarms.at)
    await fill(engine, "a", 6)
    held = bytes(bench.files.inode(FIRST).live)
    await engine.trim("a", 3)
    assert bytes(bench.files.inode(FIRST + ".deleted").live) == held
    assert bench.paths("deleted") == [FIRST + ".deleted"] and FIRST not in bench.files.paths()
    await _later(bench, engine, alarms, DELAY - 1)
    assert bench.paths("deleted")
    await _later(bench, engine, alarms, 1)
    assert not bench.paths("deleted") and not alarms.waiting
    assert len(await content(engine, "a")) == 900


@on_bench
async def test_what_a_cut_or_a_rewrite_replaces_is_kept_too(bench: Bench) -> None:
    alarms = Alarms()
    engine = await bench.engine(at=alarms.at)
    batches = await fill(engine, "a", 9)
    rewrite = engine.rewrite("a", engine.extents("a")[:1])
    rewrite.add(batches[2])
    await rewrite.commit()
    assert bench.paths("deleted") == [FIRST + ".deleted"]
    engine.cut("a", 7)
    assert [path.rpartition("-")[0][-20:] for path in bench.paths("deleted")] == ["0" * 20, "0" * 19 + "6"]
    await _later(bench, engine, alarms, DELAY)
    assert not bench.paths("deleted")
    assert await content(engine, "a") == b"".join(batches[2:7])


@on_bench
async def test_a_cut_that_cannot_take_a_file_away_fails(bench: Bench) -> None:
    engine = await bench.engine(at=Alarms().at)
    await fill(engine, "a", 4)
    bench.files.fail("rename", ".deleted", PermissionError(errno.EACCES, "not yours"))
    with pytest.raises(Exception, match="cannot cut log a at 3"):
        engine.cut("a", 3)


@on_bench
async def test_without_a_delay_files_go_at_once(bench: Bench) -> None:
    alarms = Alarms()
    engine = await bench.engine(at=alarms.at)
    await engine.create([("a", replace(SMALL, file_delete_delay_ms=0))])
    await fill(engine, "a", 6)
    await engine.trim("a", 3)
    assert not bench.paths("deleted") and FIRST not in bench.files.paths() and not alarms.waiting


@on_bench
async def test_a_start_removes_what_a_stop_left_behind(bench: Bench) -> None:
    alarms = Alarms()
    engine = await bench.engine(at=alarms.at)
    batches = await fill(engine, "a", 6)
    await engine.trim("a", 3)
    await engine.close()
    assert bench.paths("deleted") and not alarms.waiting
    again = await bench.engine(at=alarms.at)
    assert not bench.paths("deleted") and not alarms.waiting
    assert await content(again, "a") == b"".join(batches[3:])


@on_bench
async def test_a_full_disk_ends_the_wait_of_all(bench: Bench) -> None:
    alarms = Alarms()
    engine = await bench.engine(at=alarms.at)
    await fill(engine, "a", 6)
    await engine.trim("a", 3)
    bench.files.fail("pwritev", "a@1", OSError(errno.ENOSPC, "no space left on device"))
    (outcome,) = await engine.append([Write("a", 6, [batch(6)])])
    assert isinstance(outcome, Failed)
    await engine._disk.syncer.idle()
    assert not bench.paths("deleted") and not alarms.waiting
    (outcome,) = await engine.append([Write("a", 6, [batch(6)])])
    assert not isinstance(outcome, Failed)


@on_bench
async def test_a_disk_too_full_for_another_name_frees_the_file(bench: Bench) -> None:
    engine = await bench.engine(at=Alarms().at)
    await fill(engine, "a", 6)
    bench.files.fail("rename", ".deleted", OSError(errno.ENOSPC, "no space left on device"))
    await engine.trim("a", 3)
    assert not bench.paths("deleted") and FIRST not in bench.files.paths()


@pytest.mark.parametrize("mapping", [True, False], ids=["mapped", "unmapped"])
def test_readers_of_a_deleted_topic_finish_unharmed_and_its_folder_goes_at_last(tmp_path: Path, mapping: bool) -> None:
    alarms = Alarms()

    async def body() -> None:
        options = EngineOptions(Identity("c", 1), mapping=mapping)
        engine = DiskEngine(str(tmp_path), files=RealFiles(), now=lambda: 0, options=options, at=alarms.at)
        await engine.open()
        await engine.create([("topic/0", LogOptions(segment_bytes=1000, file_delete_delay_ms=5))])
        batches = await fill(engine, "topic/0", 6)
        await engine.checkpoint("topic/0", 2, "producers", b"x")
        (chunk,) = await engine.read([Read("topic/0", 0, 1 << 20)])
        await engine.delete(["topic/0"])
        assert {path.suffix for path in (tmp_path / "logs/topic").iterdir()} == {".deleted"}
        alarms.ring(5)
        await engine._disk.syncer.idle()
        assert list((tmp_path / "logs").iterdir()) == []
        assert b"".join(chunk.buffers) == b"".join(batches)
        await engine.close()

    asyncio.run(body())
