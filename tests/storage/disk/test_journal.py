"""The journal: a line is a call, whole or absent, and what it says is all that is known of a log."""

from __future__ import annotations

import pytest

from storage.engine import Bounds, Corrupt, LogFailed, LogOptions
from tests.storage.disk.bench import SMALL, Bench, fill, on_bench

PATH = "/data/logs.journal"


@on_bench
async def test_a_call_is_one_line_and_one_sync(bench: Bench) -> None:
    engine = await bench.engine()
    before = bench.calls("fdatasync", PATH)
    await engine.create([(f"log-{i}", LogOptions()) for i in range(50)])
    assert bench.calls("fdatasync", PATH) == before + 1
    assert bytes(bench.files.inode(PATH).live).count(b"\n") == 1


@on_bench
async def test_a_torn_last_line_never_was(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("a", SMALL)])
    await engine.close()
    whole = bytes(bench.files.inode(PATH).live)
    for torn in (b"0", b"00000000 [", b'00000000 [["delete","a"]]\n', bytes(40)):
        bench.files.inode(PATH).live[:] = whole + torn
        engine = await bench.engine()
        assert engine.logs() == ["a"]
        await engine.close()


@on_bench
async def test_a_broken_line_before_a_good_one_is_corrupt(bench: Bench) -> None:
    engine = await bench.engine()
    await engine.create([("a", SMALL)])
    await engine.create([("b", SMALL)])
    await engine.close()
    bench.files.inode(PATH).live[12] ^= 1
    with pytest.raises(Corrupt, match="has a broken line at 0"):
        await bench.engine()


@on_bench
async def test_much_history_is_written_anew_as_what_is_left_of_it(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "kept", 9)
    await engine.trim("kept", 4)
    await engine.configure("kept", LogOptions(segment_bytes=777))
    for _ in range(60):
        await engine.create([("short", SMALL)])
        await engine.delete(["short"])
    await engine.close()
    long = len(bench.files.inode(PATH).live)
    engine = await bench.engine()
    assert len(bench.files.inode(PATH).live) < long / 10
    assert engine.logs() == ["kept"]
    await engine.close()
    engine = await bench.engine()
    assert engine.bounds("kept") == Bounds(4, 9)
    assert engine.options("kept") == LogOptions(segment_bytes=777)
    await engine.create([("another", SMALL)])
    assert engine._journal.entries["another"].id == 62


@on_bench
async def test_a_full_disk_refuses_the_call_and_changes_nothing(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 3)
    for call in (
        lambda: engine.create([("b", SMALL)]),
        lambda: engine.delete(["a"]),
        lambda: engine.trim("a", 2),
        lambda: engine.configure("a", LogOptions()),
    ):
        bench.files.fail("pwritev", PATH, OSError(28, "No space left on device"))
        with pytest.raises(LogFailed, match="No space left"):
            call()
        assert engine.logs() == ["a"]
        assert engine.bounds("a") == Bounds(0, 3)
        assert engine.options("a") == SMALL
    await engine.create([("b", SMALL)])
    assert engine.logs() == ["a", "b"]
