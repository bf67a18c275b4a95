"""What an engine makes of the files that it finds: torn ends, damage, files that are gone; and what it says of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from storage.disk.engine import DiskEngine
from storage.disk.files import RealFiles
from storage.engine import (
    Appended,
    Bounds,
    Corrupt,
    EngineOptions,
    Failed,
    Identity,
    LogFailed,
    LogOptions,
    Read,
    Write,
)
from tests.storage.batches import batch
from tests.storage.disk.bench import Bench, content, fill, on_bench


@on_bench
async def test_sealed_segments_are_not_read_at_open(bench: Bench) -> None:
    engine = await bench.engine()
    batches = await fill(engine, "a", 30)
    await engine.close()
    bench.files.log.clear()
    engine = await bench.engine()
    # the journal, the format, nine headers of sealed indexes, and the tail
    assert bench.calls("pread") <= 2 + 9 + 1
    assert await content(engine, "a") == b"".join(batches)


@on_bench
async def test_a_missing_or_damaged_index_is_rebuilt(bench: Bench) -> None:
    engine = await bench.engine()
    batches = await fill(engine, "a", 9)
    extents = engine.extents("a")
    await engine.close()
    first, second = bench.paths(".index")[:2]
    bench.files.unlink(first)
    bench.files.inode(second).live[-1] ^= 1
    engine = await bench.engine()
    assert engine.extents("a") == extents
    assert await content(engine, "a") == b"".join(batches)
    found = await engine.find("a", 4)
    assert found is not None
    assert found.base_offset == 4
    await engine.close()
    assert first in bench.files.paths()


@on_bench
async def test_a_torn_tail_is_taken_off(bench: Bench) -> None:
    engine = await bench.engine()
    batches = await fill(engine, "a", 5)
    await engine.close()
    tail = bench.paths(".log")[-1]
    for torn in (batch(5)[:70], batch(5)[:-1], bytes(200), b"\xff" * 50, batch(6), batch(5)[:-1] + b"x"):
        bench.files.inode(tail).live[600:] = torn
        engine = await bench.engine()
        assert engine.bounds("a") == Bounds(0, 5)
        assert await content(engine, "a") == b"".join(batches)
        assert len(bench.files.inode(tail).live) == 600
        await engine.close()


@on_bench
async def test_damage_in_the_middle_is_told_with_file_and_offset_and_harms_no_other_log(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 9)
    fine = await fill(engine, "b", 3)
    await engine.close()
    damaged = bench.paths("a@")[0]
    bench.files.unlink(damaged)
    bench.files.inode(damaged.replace("index", "log")).live[350] ^= 1
    engine = await bench.engine()
    with pytest.raises(Corrupt, match=r"log a: .*a@1-0+-1\.log is torn at 300, where offset 1 should be"):
        await content(engine, "a")
    assert isinstance((await engine.append([Write("a", 9, [batch(9)])]))[0], Failed)
    assert await content(engine, "b") == b"".join(fine)


@on_bench
async def test_a_lost_segment_in_the_middle_is_told(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 12)
    await engine.close()
    for path in bench.paths("-00000000000000000003-"):
        bench.files.unlink(path)
    engine = await bench.engine()
    with pytest.raises(Corrupt, match="offsets 3 to 6 are missing"):
        await content(engine, "a")


def test_what_recovery_repairs_and_misses_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def body(bench: Bench) -> None:
        engine = await bench.engine()
        await fill(engine, "torn", 5)
        await fill(engine, "gone", 6)  # two segments: one sealed, one that grows
        await fill(engine, "shorter", 5)
        await engine.checkpoint("shorter", 5, "note", b"")
        await fill(engine, "broken", 12)
        await fill(engine, "fine", 5)
        await engine.close()
        bench.files.inode(bench.paths("torn@1-00000000000000000003-2.log")[0]).live[350] ^= 1
        for path in [path for path in bench.paths("gone@") if path.endswith(".log")]:
            bench.files.unlink(path)
        bench.files.unlink(bench.paths("shorter@3-00000000000000000003-2.log")[0])
        bench.files.unlink(bench.paths("broken@4-00000000000000000003-2.log")[0])
        caplog.clear()
        await bench.engine()
        lines = [record.getMessage() for record in caplog.records if record.name == "kbroker.storage"]
        assert [line for line in lines if "/data/logs/torn@1-00000000000000000003-2.log is torn at 300" in line]
        assert [line for line in lines if "log gone ends at 0, but once it went on to 3" in line]
        assert [line for line in lines if "log shorter ends at 3, but once it went on to 5" in line]
        assert [line for line in lines if "log broken cannot be used" in line and "offsets 3 to 6 are missing" in line]
        assert not [line for line in lines if "fine" in line]
        assert len(lines) == 4

    on_bench(body)()


@on_bench
async def test_a_segment_that_vanishes_while_the_engine_runs_fails_its_reads_only(bench: Bench) -> None:
    engine = await bench.engine(mapping=False, open_files=1)
    batches = await fill(engine, "a", 9)
    other = await fill(engine, "b", 3)
    bench.files.unlink(bench.paths("a@1-00000000000000000000-1.log")[0])
    chunk = (await engine.read([Read("a", 0, 1000)]))[0]
    assert isinstance(chunk.error, LogFailed)
    assert await content(engine, "b") == b"".join(other)
    chunk = (await engine.read([Read("a", 3, 10_000)]))[0]
    assert b"".join(chunk.buffers) == b"".join(batches[3:])
    assert await engine.append([Write("a", 9, [batch(9)])]) == [Appended(9, 10)]


@on_bench
async def test_only_what_lies_behind_a_saved_index_is_read_through(bench: Bench) -> None:
    from storage.disk import engine as engine_module

    least = engine_module.INDEX_AT_CLOSE_BYTES
    engine_module.INDEX_AT_CLOSE_BYTES = 1000
    try:
        engine = await bench.engine()
        await engine.create([("a", LogOptions())])
        batches = [batch(i, size=300) for i in range(20)]
        await engine.append([Write("a", 0, batches)])
        await engine.close()
    finally:
        engine_module.INDEX_AT_CLOSE_BYTES = least
    tail = bench.paths(".log")[0]
    bench.files.inode(tail).live[100] ^= 1  # it is believed, so this is not seen
    engine = await bench.engine()
    assert engine.bounds("a") == Bounds(0, 20)
    assert not engine.extents("a")[0].sealed
    await engine.append([Write("a", 20, [batch(20)])])
    await engine.close()
    bench.files.inode(tail).live[6010] ^= 1
    engine = await bench.engine()
    assert engine.bounds("a") == Bounds(0, 20)


@on_bench
async def test_a_long_segment_saves_its_index_while_it_grows(bench: Bench) -> None:
    from storage.disk import log

    every = log.PREFIX_BYTES
    log.PREFIX_BYTES = 1000
    try:
        engine = await bench.engine()
        await engine.create([("a", LogOptions())])
        for i in range(20):
            await engine.append([Write("a", i, [batch(i, size=300)])])
        await engine._disk.syncer.idle()
    finally:
        log.PREFIX_BYTES = every
    assert 1 <= bench.calls("rename", ".index") <= 5
    assert len(bench.paths(".index")) == 1


@on_bench
async def test_files_of_others_are_left_alone_and_rubbish_is_removed(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "topic/0", 4)
    await engine.close()
    theirs = ["/data/logs/README", "/data/logs/topic/notes.txt"]
    rubbish = [
        "/data/logs/topic/0@1-00000000000000000000-9.log.tmp",
        "/data/logs/topic/0@7-00000000000000000000-1.log",
        "/data/logs/gone@1-00000000000000000000-1.log",
        "/data/logs/topic/0@1-00000000000000000007-9.index",
    ]
    for path in theirs + rubbish:
        bench.files.close(bench.files.open(path, create=True))
    await bench.engine()
    assert set(theirs) <= set(bench.files.paths())
    assert not set(rubbish) & set(bench.files.paths())


def test_a_segment_without_times_is_as_old_as_its_file(tmp_path: Path) -> None:
    async def write() -> None:
        options = EngineOptions(Identity("c", 1))
        engine = DiskEngine(str(tmp_path), files=RealFiles(), now=lambda: 0, options=options)
        await engine.open()
        await engine.create([("a", LogOptions()), ("b", LogOptions())])
        await engine.append([Write("a", 0, [batch(0)]), Write("b", 0, [batch(0, timestamp=7)])])
        (file,) = (tmp_path / "logs").glob("a@*.log")
        os.utime(file, (1_000, 1_000))
        assert [extent.newest_ms for log in ("a", "b") for extent in engine.extents(log)] == [1_000_000, 7]
        await engine.close()

    asyncio.run(write())


def test_a_deleted_log_leaves_neither_files_nor_an_empty_folder(tmp_path: Path) -> None:
    async def body() -> None:
        options = EngineOptions(Identity("c", 1))
        engine = DiskEngine(str(tmp_path), files=RealFiles(), now=lambda: 0, options=options)
        await engine.open()
        await fill(engine, "topic/0", 4)
        await fill(engine, "topic/1", 4)
        await engine.checkpoint("topic/0", 2, "producers", b"x")
        await engine.delete(["topic/0"])
        assert {path.name[:2] for path in (tmp_path / "logs/topic").iterdir()} == {"1@"}
        await engine.delete(["topic/1"])
        assert list((tmp_path / "logs").iterdir()) == []
        await fill(engine, "topic/1", 1)
        await engine.close()

    asyncio.run(body())


# --- files that are gone or spoiled ---


@on_bench
async def test_without_its_journal_nothing_is_touched(bench: Bench) -> None:
    """It says which logs there are: without it all of them would be rubbish."""
    engine = await bench.engine()
    batches = await fill(engine, "a", 9)
    await engine.close()
    journal = bench.paths("logs.journal")[0]
    kept = bytes(bench.files.inode(journal).live)
    bench.files.unlink(journal)
    before = bench.files.paths()
    with pytest.raises(
        Corrupt, match=r"/data/logs\.journal is gone, and with it which logs the files in /data/logs are"
    ):
        await bench.engine()
    assert set(bench.files.paths()) == set(before)
    handle = bench.files.open(journal, create=True)
    bench.files.pwritev(handle, [kept], 0)
    bench.files.close(handle)
    engine = await bench.engine()
    assert await content(engine, "a") == b"".join(batches)


def test_an_index_that_is_made_again_is_said_with_its_file_and_offsets(caplog: pytest.LogCaptureFixture) -> None:
    async def body(bench: Bench) -> None:
        engine = await bench.engine()
        await fill(engine, "a", 9)
        await engine.close()
        first, second = bench.paths(".index")[:2]
        bench.files.unlink(first)
        bench.files.inode(second).live[:] = bytes(len(bench.files.inode(second).live))
        caplog.clear()
        await bench.engine()
        lines = [record.getMessage() for record in caplog.records if record.name == "kbroker.storage"]
        said = "is missing or not whole: its segment was read through, offsets"
        assert lines == [f"{first} {said} 0 to 3", f"{second} {said} 3 to 6"]

    with caplog.at_level("INFO"):
        on_bench(body)()


def test_an_index_with_damaged_columns_is_made_again_when_it_is_needed(caplog: pytest.LogCaptureFixture) -> None:
    """Its header, which is all that is read at open, is whole."""

    async def body(bench: Bench) -> None:
        engine = await bench.engine()
        batches = await fill(engine, "a", 9)
        await engine.close()
        index = bench.paths(".index")[0]
        whole = bytes(bench.files.inode(index).live)
        bench.files.inode(index).live[-1] ^= 1
        caplog.clear()
        engine = await bench.engine()
        assert await content(engine, "a") == b"".join(batches)
        await engine.close()
        assert bytes(bench.files.inode(index).live) == whole
        lines = [record.getMessage() for record in caplog.records if record.name == "kbroker.storage"]
        assert lines == [f"{index} is missing or damaged: it is made again, offsets 0 to 3"]
        engine = await bench.engine()
        assert engine.bounds("a") == Bounds(0, 9)

    on_bench(body)()
