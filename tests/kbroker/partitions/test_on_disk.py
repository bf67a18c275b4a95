"""Partitions on the disk engine: what was answered is there after a kill, and who wrote it is still known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kbroker.partitions import Partition
from kbroker.partitions.producers import Duplicate
from kbroker.partitions.replicas import Replicas
from kbroker.partitions.staging import Staging
from storage.disk.files import RealFiles
from storage.engine import EngineOptions, Identity
from storage.open import open_engine
from wire.batch import batches, verify_crc

from .support import START_MS, TestWorld, batch, config, run, turns
from .test_partition import snapshot


async def engine_on(path: Path) -> Any:
    options = EngineOptions(identity=Identity("test", 1))
    engine = open_engine(f"file://{path}", files=RealFiles(), now=lambda: START_MS, options=options)
    await engine.open()
    return engine


async def opened(engine: Any, leader_epoch: int = 0) -> Partition:
    replicas = Replicas(1, (1,), (1,))
    one = Partition("t-0", "t/0", engine, TestWorld(), config(), replicas, leader_epoch)
    await one.ready()
    return one


async def written(one: Partition, records: bytearray) -> Staging | Duplicate:
    staged = one.stage(memoryview(records))
    if isinstance(staged, Staging):
        one.write(staged)
        while not staged.state:
            await turns(1)
        records[:] = b"\xdd" * len(records)
    return staged


@pytest.mark.parametrize("clean", [True, False])
def test_a_restart_finds_every_answered_batch_and_every_producer(tmp_path: Path, clean: bool) -> None:
    async def test() -> None:
        engine = await engine_on(tmp_path)
        one = await opened(engine, 3)
        for sequence in range(8):
            await written(one, batch(2, producer=(9, 1, sequence * 2), compression=sequence % 5))
        await one.delete_records(3)
        before = snapshot(one)
        if clean and (note := one.close()) is not None:
            await note
        await engine.close()

        engine = await engine_on(tmp_path)
        again = await opened(engine, 3)
        assert snapshot(again) == before
        chunk = await again.read(again.log_start, 1 << 20)
        found = [one for buffer in chunk.buffers for one in batches(buffer)]
        assert [one.base_offset for one in found] == list(range(2, 16, 2)) and all(map(verify_crc, found))
        assert isinstance(await written(again, batch(2, producer=(9, 1, 14))), Duplicate)
        assert isinstance(await written(again, batch(2, producer=(9, 1, 16))), Staging)
        await engine.close()

    run(test)


def test_a_start_after_a_kill_reads_only_what_is_behind_the_note(tmp_path: Path) -> None:
    async def test() -> None:
        engine = await engine_on(tmp_path)
        one = await opened(engine)
        await one.append([batch(1) for _ in range(4096)])
        await written(one, batch(1, producer=(9, 0, 0)))
        await engine.close()
        engine = await engine_on(tmp_path)
        asked: list[int] = []
        read = engine.read

        def counted(reads: Any) -> Any:
            asked.extend(one.offset for one in reads)
            return read(reads)

        engine.read = counted
        again = await opened(engine)
        assert asked == [4096] and again.end == 4097 and 9 in again.producers.table
        await engine.close()

    run(test)
