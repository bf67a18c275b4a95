"""The cleaner in a whole broker: the broker's own logs run through it, and come back the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kbroker.broker import Broker
from kbroker.catalog import NewTopic, log
from kbroker.cleaner.settings import CATALOG
from kbroker.config import Config
from kbroker.world import RealWorld
from storage.engine import LogOptions
from tests.kbroker.running import STRICT, Client, connect, run
from wire.errors import ErrorCode
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic
from wire.records import Record, build_batch


async def start(path: Path, **texts: str) -> Broker:
    settings = {"kbroker.memory": "false", "log.dir": str(path / "data"), "offsets.topic.num.partitions": "1"}
    settings |= {name.replace("_", "."): text for name, text in texts.items()}
    broker = Broker(Config(STRICT | settings), world=RealWorld(asyncio.get_running_loop()))
    await broker.start()
    return broker


def size(broker: Broker, name: str) -> int:
    return sum(extent.size for extent in broker.cluster.engine.extents(name))


async def commit(client: Client, group: str, offset: int) -> None:
    partitions = [OffsetCommitRequestPartition(partition_index=0, committed_offset=offset)]
    request = OffsetCommitRequest(
        group_id=group, generation_id_or_member_epoch=-1, member_id="",
        topics=[OffsetCommitRequestTopic(name="t", partitions=partitions)],
    )  # fmt: skip
    answer = await client.ask(request, 7)
    code = ErrorCode(answer.topics[0].partitions[0].error_code)
    if code in (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS):
        await commit(client, group, offset)
    else:
        assert code == ErrorCode.NONE


async def committed(client: Client, group: str) -> int:
    request = OffsetFetchRequest(group_id=group, topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0])])
    answer: Any = await client.ask(request, 5)
    assert answer.error_code == 0
    offset: int = answer.topics[0].partitions[0].committed_offset
    return offset


def test_committed_offsets_come_back_from_a_compacted_topic(tmp_path: Path) -> None:
    async def body() -> None:
        broker = await start(tmp_path)
        await broker.cluster.catalog.create_topics([NewTopic("t", 1, 1)])
        topic = await broker.cluster.catalog.ensure_internal("__consumer_offsets")
        name = f"{topic.id.hex()}/0"
        partition = broker.cluster.partitions.open(topic, 0)
        await partition.ready()
        await broker.cluster.engine.configure(name, LogOptions(segment_bytes=2000))
        client = await connect(broker)
        for offset in range(60):
            await commit(client, "g1", offset)
            await commit(client, "g2", offset * 2)
        before = size(broker, name)
        await broker.cluster.cleaner.run(topic)
        assert size(broker, name) < before / 4
        await commit(client, "g1", 1000)
        await client.close()
        await broker.stop()

        broker = await start(tmp_path)
        client = await connect(broker)
        assert await committed(client, "g1") == 1000
        assert await committed(client, "g2") == 118
        await client.close()
        await broker.stop()

    run(body)


def test_the_catalog_comes_back_from_its_compacted_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "OPTIONS", LogOptions(segment_bytes=2000, flush_messages=1))
    monkeypatch.setattr("kbroker.catalog.catalog.OPTIONS", log.OPTIONS)
    monkeypatch.setattr("kbroker.cleaner.cleaner.CATALOG", CATALOG._replace(segment_bytes=2000, delete_retention_ms=0))

    async def body() -> None:
        before: Any = None
        for life in range(4):
            broker = await start(tmp_path)
            catalog = broker.cluster.catalog
            if before is not None:
                assert told(catalog) == before
            for at in range(30):
                await catalog.create_topics([NewTopic(f"short-{at}", 1, 1)])
                await catalog.delete_topics([catalog.topic(f"short-{at}").id])  # type: ignore[union-attr]
            await catalog.create_topics([NewTopic(f"long-{life}", 2, 1, configs=(("retention.ms", "5"),))])
            grown = size(broker, log.CATALOG)
            await broker.cluster.cleaner.run()
            await broker.cluster.cleaner.run()  # what was deleted goes in the second one
            assert size(broker, log.CATALOG) < grown * 0.8  # what still grows is left alone
            before = told(catalog)
            assert [topic[0] for topic in before] == [f"long-{at}" for at in range(life + 1)]
            await broker.stop()

    run(body)


def told(catalog: Any) -> list[Any]:
    return [
        (topic.name, topic.id, dict(topic.overrides), [(p.leader, p.leader_epoch) for p in topic.partitions])
        for topic in catalog.topics()
    ]


def test_the_files_of_a_deleted_topic_go_after_its_file_delete_delay(tmp_path: Path) -> None:
    def suffixes() -> set[str]:
        return {path.suffix for path in (tmp_path / "data/logs" / topic.id.hex()).glob("*")}

    async def body() -> None:
        nonlocal topic
        broker = await start(tmp_path, log_segment_delete_delay_ms="90000")
        world, catalog = broker.cluster.world, broker.cluster.catalog
        assert isinstance(world, RealWorld)
        await catalog.create_topics([NewTopic("t", 1, 1)])
        topic = catalog.topic("t")
        partition = broker.cluster.partitions.open(topic, 0)
        await partition.ready()
        await partition.append([build_batch([Record(b"k", b"v")])])
        assert ".log" in suffixes()
        await catalog.delete_topics([topic.id])
        while suffixes() != {".deleted"}:
            await asyncio.sleep(0)
        await broker.cluster.engine.configure(log.CATALOG, log.OPTIONS)  # behind the delete, by the same journal
        world.shift(89_000)
        await asyncio.sleep(0)
        assert suffixes() == {".deleted"}
        world.shift(1_000)
        while suffixes():
            await asyncio.sleep(0)
        await broker.stop()

    topic: Any = None
    run(body)
