"""What another process does with the files of an engine: it reads what the engine reads, and touches nothing else."""

from __future__ import annotations

import pytest

from storage.disk.elsewhere import Filling, Pieces
from storage.engine import LogFailed, Read
from storage.outside import Spot
from tests.storage.batches import batch
from tests.storage.disk.bench import Bench, content, fill, on_bench


@on_bench
async def test_pieces_read_like_the_engine_and_nothing_is_written_or_mended(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 8)
    await engine.trim("a", 1)
    await engine._disk.syncer.idle()
    bench.files.unlink(engine.pieces("a")[1].path + ".index")
    calls = len(bench.files.log)
    pieces = Pieces(bench.files, "a", 1, engine.pieces("a"))
    for offset in range(1, 9):
        for before in (None, 7):
            read = Read("a", offset, 700, before)
            (theirs,), (ours,) = await pieces.read([read]), await engine.read([read])
            assert (theirs.next_offset, b"".join(theirs.buffers)) == (ours.next_offset, b"".join(ours.buffers))
    (early,) = await pieces.read([Read("a", 0, 700)])
    assert early.error is not None, "what was trimmed is not there for others either"
    pieces.close()
    await pieces._disk.syncer.idle()
    await engine._disk.syncer.idle()
    assert {line.partition(" ")[0] for line in bench.files.log[calls:]} <= {"open", "pread", "map", "close", "size"}


@on_bench
async def test_what_was_filled_elsewhere_takes_the_place_of_the_old(bench: Bench) -> None:
    engine = await bench.engine()
    batches = await fill(engine, "a", 8)
    rewrite = engine.rewrite("a", engine.extents("a")[:2])
    spot = rewrite.elsewhere()
    assert spot is not None
    filling = Filling(bench.files, Spot(*spot))
    for stays in (batches[1], batches[4]):
        filling.add(stays)
    filling.finish(6)
    rewrite.adopt()
    await rewrite.commit()
    assert engine.extents("a")[0][:2] == (0, 6)
    assert await content(engine, "a") == batches[1] + batches[4] + b"".join(batches[6:])
    await engine.close()
    again = await bench.engine()
    assert await content(again, "a") == batches[1] + batches[4] + b"".join(batches[6:])


@on_bench
async def test_what_covers_other_offsets_is_not_adopted(bench: Bench) -> None:
    engine = await bench.engine()
    batches = await fill(engine, "a", 8)
    rewrite = engine.rewrite("a", engine.extents("a")[:2])
    filling = Filling(bench.files, Spot(*rewrite.elsewhere() or ()))
    filling.add(batches[1])
    filling.finish(3)
    with pytest.raises(LogFailed, match="is not whole"):
        rewrite.adopt()
    rewrite.abort()
    assert await content(engine, "a") == b"".join(batches)
    assert not bench.paths("r.log")


@on_bench
async def test_what_is_abandoned_leaves_nothing_behind(bench: Bench) -> None:
    engine = await bench.engine()
    await fill(engine, "a", 8)
    before = bench.files.paths()
    rewrite = engine.rewrite("a", engine.extents("a")[:2])
    filling = Filling(bench.files, Spot(*rewrite.elsewhere() or ()))
    filling.add(batch(1))
    filling.abandon()
    rewrite.abort()
    assert bench.files.paths() == before
