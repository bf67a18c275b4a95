"""What every engine promises that outlives its close: everything is as it was."""

from __future__ import annotations

import pytest

from storage.engine import Appended, Bounds, Checkpoint, Identity, LogOptions, Write
from tests.conformance.engines import IDENTITY, Place, lasts
from tests.conformance.filled import SMALL, fill, read_all
from tests.storage.batches import batch


@lasts
async def test_everything_is_there_after_opening_again(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    batches = await fill(engine, "a/0", 10)
    await fill(engine, "a/1", 3)
    await engine.create([("empty", LogOptions(flush_ms=7))])
    await engine.checkpoint("a/0", 8, "producers", b"x")
    await engine.trim("a/0", 3)
    extents = engine.extents("a/0")
    await engine.delete(["a/1"])
    await engine.close()

    again = place.engine(identity=Identity("another", 5))
    await again.open()
    assert again.identity == IDENTITY
    assert again.logs() == ["a/0", "empty"]
    assert again.options("a/0") == SMALL
    assert again.options("empty") == LogOptions(flush_ms=7)
    assert again.bounds("a/0") == Bounds(3, 20)
    assert again.bounds("empty") == Bounds(0, 0)
    assert again.extents("a/0") == extents
    assert again.checkpoints("a/0", "producers") == [Checkpoint(8, b"x")]
    assert await read_all(again, "a/0") == b"".join(batches[1:])
    assert await again.append([Write("a/0", 20, [batch(20)])]) == [Appended(20, 21)]
    assert await read_all(again, "a/0") == b"".join(batches[1:]) + batch(20)
    await again.close()


@lasts
async def test_cuts_rewrites_and_empty_logs_last(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    cut = await fill(engine, "cut", 10)
    await engine.cut("cut", 9)
    await fill(engine, "emptied", 10)
    await engine.trim("emptied", 9)
    await engine.cut("emptied", 4)
    await fill(engine, "trimmed", 10)
    await engine.trim("trimmed", 20)
    rewritten = await fill(engine, "rewritten", 10)
    rewrite = engine.rewrite("rewritten", engine.extents("rewritten")[:2])
    rewrite.add(rewritten[2])
    await rewrite.commit()
    await fill(engine, "hollow", 10)
    await engine.rewrite("hollow", engine.extents("hollow")[:3]).commit()
    await engine.cut("hollow", 15)
    extents = {name: engine.extents(name) for name in engine.logs()}
    await engine.close()

    again = place.engine()
    await again.open()
    assert {name: again.extents(name) for name in again.logs()} == extents
    assert again.bounds("cut") == Bounds(0, 8)
    assert await read_all(again, "cut") == b"".join(cut[:4])
    assert again.bounds("emptied") == Bounds(4, 4)
    assert again.bounds("trimmed") == Bounds(20, 20)
    assert await read_all(again, "rewritten") == b"".join(rewritten[2:3] + rewritten[6:])
    assert again.bounds("hollow") == Bounds(0, 15)
    assert await read_all(again, "hollow") == b""
    assert await again.append([Write("hollow", 15, [batch(15)])]) == [Appended(15, 16)]
    await again.close()


@lasts
async def test_many_openings_do_not_wear_the_data(place: Place) -> None:
    expected = b""
    for i in range(8):
        engine = place.engine()
        await engine.open()
        if not i:
            await engine.create([("a", LogOptions(segment_bytes=250))])
        assert await engine.append([Write("a", i, [batch(i, fill=i)])]) == [Appended(i, i + 1)]
        expected += batch(i, fill=i)
        assert await read_all(engine, "a") == expected
        await engine.close()


@lasts
async def test_an_engine_may_be_opened_again_after_its_close(place: Place) -> None:
    engine = place.engine()
    await engine.open()
    batches = await fill(engine, "a", 4)
    await engine.close()
    await engine.open()
    assert await read_all(engine, "a") == b"".join(batches)
    await engine.close()


@lasts
async def test_two_engines_do_not_share_a_place(place: Place) -> None:
    from storage.engine import Locked

    engine, other = place.engine(), place.engine()
    await engine.open()
    with pytest.raises(Locked):
        await other.open()
    await fill(engine, "a", 1)
    await engine.close()
    await other.open()
    assert other.logs() == ["a"]
    await other.close()
