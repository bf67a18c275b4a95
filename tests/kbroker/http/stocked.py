"""What the tests of records by HTTP share: a broker with that door, topics with records, and what is found there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from kbroker.broker import Broker
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.primitives import ZERO_UUID

from ..running import connect, serving
from .asking import events, get, post


@asynccontextmanager
async def door(**more: str) -> AsyncIterator[Broker]:
    async with serving(kbroker_http="127.0.0.1:0", **more) as broker:
        yield broker


async def made(broker: Broker, name: str, partitions: int = 1, **configs: str) -> None:
    pairs = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    topic = {"name": name, "numPartitions": partitions, "replicationFactor": 1, "configs": pairs}
    _, answer = await post(broker, "/kafka/CreateTopics", {"topics": [topic], "timeoutMs": 1000})
    assert answer["topics"][0]["errorCode"] == 0, answer


async def produced(broker: Broker, topic: str, *values: Any, partition: int = 0) -> None:
    records = [value if isinstance(value, dict) else {"value": value} for value in values]
    body = {"topic": topic, "records": records, "partition": partition}
    status, answer = await post(broker, "/records/produce", body)
    assert status == 200, answer


async def batch_written(broker: Broker, topic: str, batch: bytearray, tid: str | None = None) -> None:
    client = await connect(broker)
    data = [TopicProduceData(name=topic, topic_id=ZERO_UUID,
                             partition_data=[PartitionProduceData(index=0, records=batch)])]  # fmt: skip
    answer = await client.ask(ProduceRequest(transactional_id=tid, acks=-1, timeout_ms=1000, topic_data=data), 9)
    assert answer.responses[0].partition_responses[0].error_code == 0, answer
    await client.close()


async def news(broker: Broker, **query: Any) -> list[Any]:
    """Everything that a search says."""
    return [event async for event in events(broker, f"/records/search?{urlencode(query, doseq=True)}") if event]


async def found(broker: Broker, **query: Any) -> list[Any]:
    return [record for each in await news(broker, **query) for record in each["records"]]


async def values(broker: Broker, **query: Any) -> list[Any]:
    return [record["value"] for record in await found(broker, **query)]


async def exported(broker: Broker, topic: str) -> list[str]:
    _, text = await get(broker, f"/records/export?topic={topic}")
    return [line for line in text.splitlines() if line]
