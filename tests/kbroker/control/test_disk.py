"""A disk that is full, slow, or loses what was never synced."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kbroker.control.table import ControlError
from kbroker.testing import Broker
from tests.kbroker.control.controlling import Hand
from tests.kbroker.control.test_data import places, values, write


async def refused(asked: Any) -> str:
    with pytest.raises(ControlError) as told:
        await asked
    return str(told.value)


@places
async def test_a_full_disk_refuses_writes_and_serves_reads(ask: Hand) -> None:
    await write(ask, "1")
    await ask("disk.full")
    assert (await refused(write(ask, "2"))).startswith("KAFKA_STORAGE_ERROR")
    assert (await refused(ask("topics.create", name="new"))).startswith(("KAFKA_STORAGE_ERROR", "COORDINATOR_LOAD"))
    assert await values(ask) == [b"1"]
    await ask("disk.full", on=False)
    await write(ask, "3")
    assert await values(ask) == [b"1", b"3"]
    engine: Any = ask.control.cluster.engine
    assert engine.submit == engine._submit, "the engine's own is back"


@places
async def test_a_slow_disk_answers_later(ask: Hand) -> None:
    await write(ask, "0")
    await ask("disk.slow", delay_ms=5)
    began = ask.control.cluster.world.loop_time()
    await asyncio.gather(write(ask, "1"), write(ask, "2"))
    assert ask.control.cluster.world.loop_time() - began >= 0.005
    await ask("disk.slow", delay_ms=0)
    assert await values(ask) == [b"0", b"1", b"2"]


def test_a_crash_loses_what_was_never_synced(tmp_path: Path) -> None:
    with Broker(data=tmp_path / "safe", kbroker_fsync=True) as broker:
        broker.produce("t", "1")
        assert broker.crash() == 0
        assert [record.value for record in broker.records("t")] == [b"1"]
        assert broker.topic("t").partitions[0].leader_epoch == 1, "a start after a crash"
    with Broker(data=tmp_path / "fast") as broker:
        broker.produce("t", "1")
        assert broker.crash() > 0
        assert broker.records("t") == [], "the topic is in the catalog, which is always synced"
        broker.produce("t", "2")
        assert [record.value for record in broker.records("t")] == [b"2"]
    with Broker() as broker:
        broker.produce("t", "1")
        assert broker.crash() > 0
        assert broker.topics() == []
