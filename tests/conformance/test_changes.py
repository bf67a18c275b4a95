"""What every engine promises about logs that lose their front or their back, are rewritten, and are noted about."""

from __future__ import annotations

import pytest

from storage.engine import (
    Appended,
    Bounds,
    Checkpoint,
    Engine,
    Extent,
    Found,
    OutOfRange,
    Read,
    Stale,
    Write,
)
from tests.conformance.engines import conforms
from tests.storage.batches import batch

from .filled import SMALL, fill, one, read_all

# --- trim and cut ---


@conforms
async def test_trim_raises_the_start_and_drops_pieces_that_lie_below(engine: Engine) -> None:
    batches = await fill(engine, "a", 8)
    await engine.trim("a", 5)
    assert engine.bounds("a") == Bounds(5, 16)
    assert len(engine.extents("a")) == 3
    assert await read_all(engine, "a") == b"".join(batches[2:])
    await engine.trim("a", 12)
    assert [extent.base for extent in engine.extents("a")] == [12]
    await engine.trim("a", 3)
    assert engine.bounds("a") == Bounds(12, 16)
    with pytest.raises(OutOfRange):
        await engine.trim("a", 17)


@conforms
async def test_a_log_trimmed_to_its_end_is_empty_and_goes_on_there(engine: Engine) -> None:
    await fill(engine, "a", 8)
    await engine.trim("a", 16)
    assert engine.bounds("a") == Bounds(16, 16)
    assert engine.extents("a") == []
    assert await engine.append([Write("a", 16, [batch(16)])]) == [Appended(16, 17)]
    assert await read_all(engine, "a") == batch(16)


@conforms
async def test_cut_forgets_the_back_and_the_log_goes_on_from_there(engine: Engine) -> None:
    for end in range(17):
        name = f"log-{end}"
        batches = await fill(engine, name, 8)
        assert await engine.cut(name, end) == end // 2 * 2
        assert engine.bounds(name) == Bounds(0, end // 2 * 2)
        assert await read_all(engine, name) == b"".join(batches[: end // 2])
        base = end // 2 * 2
        again = batch(base, 7, size=250, fill=77)
        assert await engine.append([Write(name, base, [again])]) == [Appended(base, base + 7)]
        assert await read_all(engine, name) == b"".join(batches[: end // 2]) + again


@conforms
async def test_a_cut_beyond_the_end_changes_nothing(engine: Engine) -> None:
    batches = await fill(engine, "a", 8)
    assert await engine.cut("a", 16) == 16
    assert await engine.cut("a", 99) == 16
    assert await read_all(engine, "a") == b"".join(batches)


@conforms
async def test_a_cut_at_or_below_the_start_empties_the_log_there(engine: Engine) -> None:
    await fill(engine, "a", 8)
    await engine.trim("a", 9)
    assert await engine.cut("a", 4) == 4
    assert engine.bounds("a") == Bounds(4, 4)
    assert await engine.append([Write("a", 4, [batch(4)])]) == [Appended(4, 5)]
    assert await read_all(engine, "a") == batch(4)


@conforms
async def test_a_cut_into_the_batch_at_the_start_does_not_go_below_the_start(engine: Engine) -> None:
    await engine.create([("a", SMALL)])
    await engine.append([Write("a", 0, [batch(0, 10)])])
    await engine.trim("a", 5)
    assert await engine.cut("a", 7) == 5
    assert engine.bounds("a") == Bounds(5, 5)
    assert await read_all(engine, "a") == b""


# --- rewrite ---


@conforms
async def test_a_rewrite_puts_one_piece_in_place_of_its_neighbours(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    old = engine.extents("a")[:2]
    rewrite = engine.rewrite("a", old)
    for i in (1, 4):
        rewrite.add(batches[i])
    assert await read_all(engine, "a") == b"".join(batches)
    await rewrite.commit()
    assert engine.extents("a")[0] == Extent(0, 12, 600, 1004, True)
    assert engine.bounds("a") == Bounds(0, 20)
    assert await read_all(engine, "a") == batches[1] + batches[4] + b"".join(batches[6:])
    for offset, first in ((0, 1), (2, 1), (3, 1), (4, 4), (9, 4), (10, 6), (12, 6)):
        assert b"".join((await one(engine, Read("a", offset, 1))).buffers) == batches[first]
    assert await engine.find("a", 1002) == Found(8, 10, 1004)


@conforms
async def test_a_rewrite_may_leave_nothing(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    await engine.rewrite("a", engine.extents("a")[1:2]).commit()
    assert engine.extents("a")[1] == Extent(6, 12, 0, -1, True)
    assert await read_all(engine, "a") == b"".join(batches[:3] + batches[6:])
    assert await engine.cut("a", 9) == 9
    assert engine.bounds("a") == Bounds(0, 9)
    assert await engine.append([Write("a", 9, [batch(9)])]) == [Appended(9, 10)]
    assert await read_all(engine, "a", 5) == batches[2] + batch(9)


@conforms
async def test_an_aborted_rewrite_leaves_everything_as_it_was(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    before = engine.extents("a")
    rewrite = engine.rewrite("a", before[:2])
    rewrite.add(batches[0])
    rewrite.abort()
    rewrite.abort()
    assert engine.extents("a") == before
    assert await read_all(engine, "a") == b"".join(batches)
    await engine.rewrite("a", before[:2]).commit()
    assert await read_all(engine, "a") == b"".join(batches[6:])


@conforms
async def test_a_rewrite_whose_extents_have_gone_is_stale(engine: Engine) -> None:
    for name, spoil in (("trim", 6), ("cut", 8), ("delete", 0)):
        await fill(engine, name, 10)
        rewrite = engine.rewrite(name, engine.extents(name)[:2])
        if name == "trim":
            await engine.trim(name, spoil)
        elif name == "cut":
            await engine.cut(name, spoil)
        else:
            await engine.delete([name])
        left = [] if name == "delete" else engine.extents(name)
        with pytest.raises(Stale):
            await rewrite.commit()
        assert ([] if name == "delete" else engine.extents(name)) == left


@conforms
async def test_an_abort_after_commit_is_too_late(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    rewrite = engine.rewrite("a", engine.extents("a")[:2])
    committed = rewrite.commit()
    rewrite.abort()
    await committed
    rewrite.abort()
    assert await read_all(engine, "a") == b"".join(batches[6:])


@conforms
async def test_only_sealed_neighbours_can_be_rewritten_and_only_once_at_a_time(engine: Engine) -> None:
    batches = await fill(engine, "a", 10)
    extents = engine.extents("a")
    for wrong in ([], extents[-1:], [extents[0], extents[2]], extents):
        with pytest.raises(ValueError, match="neighbours"):
            engine.rewrite("a", wrong)
    with pytest.raises(Stale):
        engine.rewrite("a", [extents[0]._replace(size=1)])
    rewrite = engine.rewrite("a", extents[:1])
    with pytest.raises(ValueError, match="only one"):
        engine.rewrite("a", extents[1:2])
    with pytest.raises(ValueError, match="does not belong"):
        rewrite.add(batches[3])
    rewrite.add(batches[1])
    with pytest.raises(ValueError, match="does not belong"):
        rewrite.add(batches[0])
    rewrite.abort()


# --- checkpoints ---


@conforms
async def test_the_last_two_checkpoints_of_each_name_are_kept(engine: Engine) -> None:
    await fill(engine, "a", 5)
    for at in (2, 4, 8):
        await engine.checkpoint("a", at, "producers", b"p%d" % at)
    await engine.checkpoint("a", 10, "epochs", b"")
    assert engine.checkpoints("a", "producers") == [Checkpoint(8, b"p8"), Checkpoint(4, b"p4")]
    assert engine.checkpoints("a", "epochs") == [Checkpoint(10, b"")]
    assert engine.checkpoints("a", "aborted") == []
    await engine.checkpoint("a", 8, "producers", b"again")
    assert engine.checkpoints("a", "producers") == [Checkpoint(8, b"again"), Checkpoint(4, b"p4")]
    await engine.checkpoint("a", 6, "producers", b"earlier")
    assert engine.checkpoints("a", "producers") == [Checkpoint(6, b"earlier"), Checkpoint(4, b"p4")]


@conforms
async def test_a_cut_drops_the_checkpoints_that_it_makes_false(engine: Engine) -> None:
    await fill(engine, "a", 5)
    await engine.checkpoint("a", 4, "producers", b"old")
    await engine.checkpoint("a", 8, "producers", b"new")
    await engine.cut("a", 6)
    assert engine.checkpoints("a", "producers") == [Checkpoint(4, b"old")]
    await engine.append([Write("a", 6, [batch(6, 5)])])
    assert engine.checkpoints("a", "producers") == [Checkpoint(4, b"old")]


@conforms
async def test_a_checkpoint_of_what_is_not_yet_there_is_the_callers_mistake(engine: Engine) -> None:
    await fill(engine, "a", 1)
    with pytest.raises(ValueError, match="ends at 2"):
        engine.checkpoint("a", 3, "producers", b"")
    with pytest.raises(ValueError, match="checkpoint"):
        engine.checkpoint("a", 1, "../x", b"")
