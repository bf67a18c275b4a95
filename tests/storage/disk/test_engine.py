"""How the disk engine does what the conformance suite asks: which calls to the disk it makes, and when."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage.disk.engine import DiskEngine
from storage.disk.files import RealFiles
from storage.disk.segment import Segment
from storage.engine import (
    Appended,
    Bounds,
    Buffer,
    Conflict,
    Corrupt,
    Engine,
    EngineOptions,
    Failed,
    Identity,
    LogFailed,
    LogOptions,
    NewerFormat,
    Read,
    Unwritable,
    Write,
)
from tests.storage.batches import batch
from tests.storage.disk.bench import SMALL, Bench, content, fill, on_bench

NO_SPACE = OSError(28, "No space left on device")
BROKEN = OSError(5, "Input/output error")


# --- appending ---


@on_bench
async def test_what_one_turn_of_the_loop_brings_is_one_write_per_log(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("a", LogOptions()), ("b", LogOptions())])
    before = bench.calls("pwritev")
    futures = [engine.append([Write(log, i, [batch(i)])]) for i in range(10) for log in ("a", "b")]
    assert bench.calls("pwritev") == before
    await asyncio.gather(*futures)
    assert bench.calls("pwritev") == before + 2
    assert bench.calls("fdatasync", "a@") == 0


@on_bench
async def test_a_log_without_bytes_has_no_file(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("a", SMALL)])
    assert bench.paths("a@") == []
    await fill(engine, "a", 4)
    assert len(bench.paths("a@")) >= 2
    await engine.trim("a", 4)
    assert bench.paths("a@") == []
    await fill(engine, "a", 1, start=4)
    assert await engine.cut("a", 0) == 0
    assert bench.paths("a@") == []


@on_bench
async def test_what_is_trimmed_or_cut_leaves_nothing_in_memory(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("a", SMALL)])
    for start in range(0, 40, 4):
        await fill(engine, "a", 4, start=start)
        await engine.trim("a", start + 4)
    await fill(engine, "a", 8, start=40)
    await engine.cut("a", 40)

    def left() -> list[str]:
        gc.collect()
        return [each.path for each in gc.get_objects() if isinstance(each, Segment)]

    turns = 0
    while left() and (turns := turns + 1) < 100:  # what is on its way to the disk is kept until it is there
        await asyncio.sleep(0)
    assert left() == []


@on_bench
async def test_with_fsync_an_answer_waits_for_a_sync_that_began_after_its_write(bench: Bench) -> None:
    engine = await bench.engine(fsync=True)
    await engine.create([("a", LogOptions())])
    first = engine.append([Write("a", 0, [batch(0)])])
    await bench.until(lambda: bench.calls("pwritev", "a@") == 1)
    assert not first.done()
    await first
    assert bench.calls("fdatasync", "a@") == 1
    assert bench.files.inode(bench.paths("a@")[0]).changes == []


@on_bench
async def test_what_comes_during_a_sync_is_the_next_group(bench: Bench) -> None:
    engine = await bench.engine(fsync=True)
    await engine.create([("a", LogOptions())])
    release: list[asyncio.Future[None]] = []
    background = bench.files.background

    def held(call):  # type: ignore[no-untyped-def]
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        release.append(gate)

        async def later():  # type: ignore[no-untyped-def]
            await gate
            return await background(call)

        return asyncio.ensure_future(later())

    bench.files.background = held  # type: ignore[method-assign]
    first = engine.append([Write("a", 0, [batch(0)])])
    await bench.until(lambda: len(release) == 1)
    behind = [engine.append([Write("a", i, [batch(i)])]) for i in range(1, 6)]
    await bench.until(lambda: bench.calls("pwritev", "a@") == 2)
    assert len(release) == 1
    release[0].set_result(None)
    assert await first == [Appended(0, 1)]
    assert not any(future.done() for future in behind)
    await bench.until(lambda: len(release) == 2)
    release[1].set_result(None)
    await asyncio.gather(*behind)
    assert bench.calls("fdatasync", "a@") == 2
    bench.files.background = background  # type: ignore[method-assign]


@on_bench
async def test_flush_messages_of_one_is_fsync_for_that_log(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("synced", LogOptions(flush_messages=1)), ("loose", LogOptions())])
    await engine.append([Write("synced", 0, [batch(0)]), Write("loose", 0, [batch(0)])])
    assert bench.calls("fdatasync", "synced@") == 1
    assert bench.calls("fdatasync", "loose@") == 0


@on_bench
async def test_other_flush_options_sync_in_the_background_and_hold_nobody(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("count", LogOptions(flush_messages=3)), ("time", LogOptions(flush_ms=1))])
    for i in range(2):
        await engine.append([Write("count", i, [batch(i)])])
    await engine._disk.syncer.idle()
    assert bench.calls("fdatasync", "count@") == 0
    third = engine.append([Write("count", 2, [batch(2)])])
    await bench.until(third.done)
    assert bench.calls("fdatasync", "count@") == 0
    await bench.until(lambda: bench.calls("fdatasync", "count@") == 1)
    await engine.append([Write("time", 0, [batch(0)])])
    await bench.until(lambda: bench.calls("fdatasync", "time@") == 1)


@on_bench
async def test_a_full_disk_fails_one_write_and_nothing_else(bench: Bench) -> None:
    engine = await bench.engine()
    before = await fill(engine, "a", 2)
    await engine.create([("b", SMALL)])
    bench.files.fail("pwritev", "a@", NO_SPACE)
    first = engine.append([Write("a", 2, [batch(2)]), Write("b", 0, [batch(0)])])
    second = engine.append([Write("a", 3, [batch(3)])])
    failed, landed = await first
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, LogFailed)
    assert "No space left" in str(failed.error)
    assert landed == Appended(0, 1)
    assert await second == [Conflict(2)]
    assert engine.bounds("a") == Bounds(0, 2)
    assert len(bench.files.inode(bench.paths("a@")[0]).live) == 600
    assert await engine.append([Write("a", 2, [batch(2)])]) == [Appended(2, 3)]
    assert await content(engine, "a") == b"".join(before) + batch(2)


@on_bench
async def test_a_log_whose_bytes_cannot_be_taken_back_is_failed_until_it_is_opened_again(bench: Bench) -> None:
    engine = await bench.engine()
    before = await fill(engine, "a", 2)
    await fill(engine, "b", 1)
    bench.files.fail("pwritev", "a@", BROKEN)
    bench.files.fail("truncate", "a@", BROKEN)
    for _ in range(2):
        outcome = (await engine.append([Write("a", 2, [batch(2)])]))[0]
        assert isinstance(outcome, Failed)
    with pytest.raises(LogFailed):
        await content(engine, "a")
    assert await engine.append([Write("b", 1, [batch(1)])]) == [Appended(1, 2)]
    await engine.close()
    again = await bench.engine()
    assert (await content(again, "a")).startswith(b"".join(before))
    end = again.bounds("a").end
    assert await again.append([Write("a", end, [batch(end)])]) == [Appended(end, end + 1)]


@on_bench
async def test_a_failed_sync_fails_the_log_for_nobody_knows_what_the_disk_holds(bench: Bench) -> None:
    engine = await bench.engine(fsync=True)
    await fill(engine, "a", 1)
    await fill(engine, "b", 1)
    bench.files.fail("fdatasync", "a@", BROKEN)
    failed, landed = await engine.append([Write("a", 1, [batch(1)]), Write("b", 1, [batch(1)])])
    assert isinstance(failed, Failed)
    assert landed == Appended(1, 2)
    assert isinstance((await engine.append([Write("a", 1, [batch(1)])]))[0], Failed)


@on_bench
async def test_many_buffers_and_short_writes_end_up_whole(bench: Bench) -> None:
    engine = await bench.engine()
    bench.files.whole_writes = False
    await engine.create([("a", LogOptions())])
    batches = [batch(i, fill=i) for i in range(3000)]
    await engine.append([Write("a", 0, batches)])
    assert bytes(bench.files.inode(bench.paths("a@")[0]).live) == b"".join(batches)


# --- reading ---


@on_bench
async def test_a_read_error_concerns_its_own_read(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 2)
    after = await fill(engine, "b", 2)
    bench.files.fail("pread", "a@", BROKEN)
    bad, good = await engine.read([Read("a", 0, 1000), Read("b", 0, 1000)])
    assert isinstance(bad.error, LogFailed)
    assert "log a at 0" in str(bad.error)
    assert b"".join(good.buffers) == b"".join(after)
    assert (await engine.read([Read("a", 0, 1000)]))[0].error is None


@on_bench
async def test_sealed_segments_are_mapped_and_small_reads_of_the_growing_one_are_not(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 7)
    await content(engine, "a")
    await content(engine, "a")
    assert bench.calls("map") == 2
    unmapped = Bench()
    engine = await unmapped.engine(mapping=False)
    batches = await fill(engine, "a", 7)
    assert await content(engine, "a") == b"".join(batches)
    assert unmapped.calls("map") == 0
    await engine.close()


@on_bench
async def test_the_growing_segment_is_mapped_for_a_large_read_and_again_when_one_reaches_further(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("a", LogOptions())])

    async def grow(start: int) -> bytes:
        batches = [batch(start + i, size=20_000, fill=start + i) for i in range(4)]
        await engine.append([Write("a", start + i, [each]) for i, each in enumerate(batches)])
        return b"".join(batches)

    async def read(offset: int, size: int) -> bytes:
        return b"".join((await engine.read([Read("a", offset, size)]))[0].buffers)

    first = await grow(0)
    assert await read(0, 80_000) == first
    preads = bench.calls("pread")
    assert await read(1, 20_000) == first[20_000:40_000]
    assert (bench.calls("map"), bench.calls("pread")) == (1, preads)
    second = await grow(4)
    assert await read(4, 20_000) == second[:20_000]
    assert bench.calls("map") == 1
    assert await read(4, 80_000) == second
    assert await read(0, 160_000) == first + second
    assert bench.calls("map") == 2
    await engine.close()
    assert await read_all(await bench.engine()) == first + second


async def read_all(engine: Engine) -> bytes:
    return b"".join((await engine.read([Read("a", 0, 1 << 20)]))[0].buffers)


def test_what_was_mapped_of_a_growing_file_stays_whole_when_a_failed_write_is_taken_back(tmp_path: Path) -> None:
    class FullDisk(RealFiles):
        full = False

        def pwritev(self, handle: int, buffers: Sequence[Buffer], position: int) -> int:
            if self.full:
                super().pwritev(handle, [buffers[0][:5000]], position)
                raise NO_SPACE
            return super().pwritev(handle, buffers, position)

    async def body() -> None:
        files = FullDisk()
        options = EngineOptions(Identity("c", 1))
        engine = DiskEngine(str(tmp_path), files=files, now=lambda: 0, options=options)
        await engine.open()
        await engine.create([("a", LogOptions())])
        batches = [batch(i, size=70_001, fill=i) for i in range(2)]
        await engine.append([Write("a", 0, [batches[0]])])
        (held,) = (await engine.read([Read("a", 0, 1 << 20)]))[0].buffers
        files.full = True
        (failed,) = await engine.append([Write("a", 1, [batches[1]])])
        assert isinstance(failed, Failed)
        assert held == batches[0]
        files.full = False
        await engine.append([Write("a", 1, [batches[1]])])
        assert held == batches[0]
        assert await read_all(engine) == b"".join(batches)
        assert held == batches[0]
        await engine.close()

    asyncio.run(body())


@on_bench
async def test_a_file_that_may_be_mapped_is_never_shortened(bench: Bench) -> None:
    engine = await bench.engine()
    batches = await fill(engine, "a", 9)
    view = (await engine.read([Read("a", 0, 1000)]))[0].buffers[0]
    await engine.cut("a", 2)
    assert bench.calls("truncate", "a@") == bench.calls("truncate", ".index.tmp")
    assert bytes(view) == b"".join(batches[:3])


@on_bench
async def test_no_more_than_so_many_files_are_open(bench: Bench) -> None:
    engine = await bench.engine(open_files=10)
    for i in range(30):
        await fill(engine, f"log-{i}", 4)
    for i in range(30):
        assert len(await content(engine, f"log-{i}")) == 1200
        assert len(bench.files.handles) <= 10
    assert len(engine._disk.maps) <= 4


# --- the directory ---


@on_bench
async def test_newer_data_is_refused_in_one_sentence_and_nothing_is_changed(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 2)
    await engine.close()
    bench.files.inode("/data/format.json").live[:] = b'{"format": 2, "cluster_id": "c", "node_id": 1}'
    before = {path: bytes(bench.files.inode(path).live) for path in bench.files.paths()}
    with pytest.raises(NewerFormat, match="the data in /data has format 2, written by a newer version"):
        await bench.engine()
    assert {path: bytes(bench.files.inode(path).live) for path in bench.files.paths()} == before
    bench.files.inode("/data/format.json").live[:] = b'{"format": 1, "cluster_id": "c", "node_id": 1}'
    engine = await bench.engine()
    assert engine.logs() == ["a"]


@on_bench
async def test_a_broken_format_file_is_corrupt(bench: Bench) -> None:
    await (await bench.engine()).close()
    for broken in (b"", b"{", b"[]", b'{"format": 1}'):
        bench.files.inode("/data/format.json").live[:] = broken
        with pytest.raises(Corrupt, match=r"format\.json"):
            await bench.engine()


@on_bench
async def test_a_directory_that_cannot_be_written_is_unwritable(bench: Bench) -> None:
    bench.files.fail("make_dirs", "/data", PermissionError(13, "Permission denied"))
    with pytest.raises(Unwritable, match="cannot use the data directory /data: Permission denied"):
        await bench.engine()


def test_options_are_values() -> None:
    assert EngineOptions(Identity("c", 1)) == EngineOptions(Identity("c", 1))
    assert LogOptions() != SMALL
