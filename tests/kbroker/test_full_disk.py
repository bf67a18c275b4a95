"""A disk that is full, and one that may only be read: what clients are told, what goes on, and how it recovers."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kbroker.broker import Broker
from kbroker.config import Config
from kbroker.world import RealWorld
from storage.disk.files import RealFiles
from storage.engine import Buffer, Unwritable
from tests.kbroker.running import STRICT, Client, connect, run
from wire.errors import ErrorCode, KafkaError
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch


class Files(RealFiles):
    """A real disk without room, or without leave to write, as long as the test says so."""

    refuses: int | None = None

    def pwritev(self, handle: int, buffers: Sequence[Buffer], position: int) -> int:
        self._check()
        return super().pwritev(handle, buffers, position)

    def open(self, path: str, create: bool = False) -> int:
        if create:
            self._check()
        return super().open(path, create)

    def make_dirs(self, path: str) -> None:
        self._check()
        super().make_dirs(path)

    def _check(self) -> None:
        if self.refuses is not None:
            raise OSError(self.refuses, errno.errorcode[self.refuses])


@asynccontextmanager
async def serving(path: Path, files: Files) -> AsyncIterator[Broker]:
    settings = {"kbroker.memory": "false", "log.dir": str(path / "data"), "num.partitions": "1"}
    broker = Broker(Config(STRICT | settings), world=RealWorld(asyncio.get_running_loop(), files))
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def create(client: Client, name: str) -> ErrorCode:
    topics = [CreatableTopic(name=name, num_partitions=1, replication_factor=1)]
    answer = await client.ask(CreateTopicsRequest(topics=topics, timeout_ms=1000), 5)
    return ErrorCode(answer.topics[0].error_code)


async def produce(client: Client, value: bytes, sequence: int = -1) -> tuple[ErrorCode, int]:
    producer = {"producer_id": 77, "producer_epoch": 0, "base_sequence": sequence} if sequence >= 0 else {}
    records = build_batch([Record(b"k", value)], timestamp=1_700_000_000_000, **producer)  # type: ignore[arg-type]
    data = [TopicProduceData(name="t", partition_data=[PartitionProduceData(index=0, records=memoryview(records))])]
    answer = await client.ask(ProduceRequest(acks=-1, timeout_ms=1000, topic_data=data), 9)
    found = answer.responses[0].partition_responses[0]
    return ErrorCode(found.error_code), found.base_offset


async def fetched(client: Client) -> tuple[ErrorCode, int]:
    wanted = [
        FetchTopic(topic="t", partitions=[FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)])
    ]
    answer: Any = await client.ask(FetchRequest(max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, topics=wanted), 11)
    found = answer.responses[0].partitions[0]
    return ErrorCode(found.error_code), found.high_watermark


def test_on_a_full_disk_producers_are_told_consumers_go_on_and_it_recovers(tmp_path: Path) -> None:
    async def body() -> None:
        files = Files()
        async with serving(tmp_path, files) as broker:
            client = await connect(broker)
            assert await create(client, "t") == ErrorCode.NONE
            assert await produce(client, b"1", 0) == (ErrorCode.NONE, 0)
            files.refuses = errno.ENOSPC
            for _ in range(3):
                assert (await produce(client, b"2", 1))[0] == ErrorCode.KAFKA_STORAGE_ERROR
            assert ErrorCode.KAFKA_STORAGE_ERROR.retriable
            assert await fetched(client) == (ErrorCode.NONE, 1)
            assert await create(client, "another") != ErrorCode.NONE
            files.refuses = None
            assert await produce(client, b"2", 1) == (ErrorCode.NONE, 1)
            assert await produce(client, b"2", 1) == (ErrorCode.NONE, 1)  # known as the same batch
            assert await create(client, "another") == ErrorCode.NONE
            assert await fetched(client) == (ErrorCode.NONE, 2)
            await client.close()
        async with serving(tmp_path, files) as broker:
            client = await connect(broker)
            assert await fetched(client) == (ErrorCode.NONE, 2)
            assert await produce(client, b"3", 2) == (ErrorCode.NONE, 2)
            await client.close()

    run(body)


def test_a_broker_on_a_full_disk_stops_and_starts_again_with_all_that_it_had(tmp_path: Path) -> None:
    async def body() -> None:
        files = Files()
        async with serving(tmp_path, files) as broker:
            client = await connect(broker)
            assert await create(client, "t") == ErrorCode.NONE
            assert await produce(client, b"1", 0) == (ErrorCode.NONE, 0)
            await client.close()
            files.refuses = errno.ENOSPC
            with pytest.raises(KafkaError, match="COORDINATOR_LOAD_IN_PROGRESS"):
                await broker.stop()  # the catalog cannot note it
        files.refuses = None
        async with serving(tmp_path, files) as broker:
            client = await connect(broker)
            assert await produce(client, b"1", 0) == (ErrorCode.NONE, 0)
            assert await produce(client, b"2", 1) == (ErrorCode.NONE, 1)
            await client.close()

    run(body)


def test_a_directory_that_may_only_be_read_is_one_clear_sentence(tmp_path: Path) -> None:
    async def body() -> None:
        files = Files()
        async with serving(tmp_path, files):
            pass
        files.refuses = errno.EROFS
        with pytest.raises(Unwritable, match=f"cannot use the data directory {tmp_path}/data"):
            async with serving(tmp_path, files):
                pass

    run(body)
