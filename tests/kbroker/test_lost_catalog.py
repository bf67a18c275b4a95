"""What says which topics there are is gone, and their logs are not: nobody begins anew beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbroker.catalog import NewTopic
from storage.engine import Corrupt
from tests.kbroker.running import run, serving


def test_a_broker_does_not_begin_anew_beside_the_logs_of_topics_that_it_has_lost(tmp_path: Path) -> None:
    async def body() -> None:
        configs = {"kbroker_memory": "false", "log_dir": str(tmp_path)}
        async with serving(**configs) as broker:
            await broker.cluster.catalog.create_topics([NewTopic("orders", 3, 1)])
            broker.cluster.partitions.open(broker.cluster.catalog.topics()[0], 0)
        (lost,) = (tmp_path / "logs").glob("catalog@*.log")
        kept = lost.read_bytes()
        lost.unlink()
        with pytest.raises(
            Corrupt, match="the catalog is empty, but there is 1 log of a topic: its files have vanished"
        ):
            async with serving(**configs):
                pass
        lost.write_bytes(kept)
        async with serving(**configs) as broker:
            assert [topic.name for topic in broker.cluster.catalog.topics()] == ["orders"]

    run(body)


def test_logs_of_unknown_topics_are_said_and_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        configs = {"kbroker_memory": "false", "log_dir": str(tmp_path)}
        async with serving(**configs) as broker:
            await broker.cluster.catalog.create_topics([NewTopic("orders", 1, 1)])
            await broker.cluster.engine.create([("ab" * 16 + "/0", broker.cluster.engine.options("catalog"))])
        async with serving(**configs) as broker:
            assert "ab" * 16 + "/0" in broker.cluster.engine.logs()

    run(body)
    assert [record.getMessage() for record in caplog.records if record.name == "kbroker.catalog"] == [
        f"1 log is of no topic that the catalog knows, and left alone: {'ab' * 16}/0"
    ]
