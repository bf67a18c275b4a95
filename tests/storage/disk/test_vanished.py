"""Files of the data directory that are gone or spoiled when the engine opens, and what is said of it."""

from __future__ import annotations

import pytest

from storage.engine import Bounds, Corrupt
from tests.storage.disk.bench import Bench, content, fill, on_bench


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
