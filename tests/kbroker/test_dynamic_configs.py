"""Configs that are changed while the broker runs act on the next request, and after a restart."""

from pathlib import Path

from kbroker.broker import Broker
from kbroker.config import Config
from tests.kbroker.running import STRICT, Client, connect, run, serving
from wire.errors import ErrorCode
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch

TOPIC, BROKER = 2, 4
SET, DELETE = 0, 1


async def alter(client: Client, kind: int, name: str, config: str, value: str | None) -> None:
    changed = AlterableConfig(name=config, config_operation=DELETE if value is None else SET, value=value)
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=[changed])
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=False)
    (answer,) = (await client.ask(request, 1)).responses
    assert answer.error_code == 0


async def produced(client: Client) -> int:
    batch = build_batch([Record(b"k", b"v" * 500)], timestamp=1_000)
    data = TopicProduceData(name="a", partition_data=[PartitionProduceData(index=0, records=batch)])
    response = await client.ask(ProduceRequest(acks=1, timeout_ms=1_000, topic_data=[data]), 9)
    code: int = response.responses[0].partition_responses[0].error_code
    return code


async def a_topic(client: Client) -> None:
    topic = CreatableTopic(name="a", num_partitions=1, replication_factor=1, assignments=[], configs=[])
    await client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=1_000), 7)


def test_the_largest_batch_is_another_one_for_the_next_produce() -> None:
    async def body() -> None:
        async with serving() as broker:
            client = await connect(broker)
            await a_topic(client)
            assert await produced(client) == 0
            for kind, name, config in ((TOPIC, "a", "max.message.bytes"), (BROKER, "", "message.max.bytes"),
                                       (BROKER, "1", "message.max.bytes")):  # fmt: skip
                await alter(client, kind, name, config, "100")
                assert await produced(client) == ErrorCode.MESSAGE_TOO_LARGE
                await alter(client, kind, name, config, None)
                assert await produced(client) == 0
            await client.close()

    run(body)


def test_the_most_connections_are_others_for_the_next_one() -> None:
    async def body() -> None:
        async with serving() as broker:
            first = await connect(broker)
            await alter(first, BROKER, "", "max.connections", "1")
            second = await connect(broker)
            assert await second.is_closed()
            await second.close()
            await alter(first, BROKER, "", "max.connections", None)
            third = await connect(broker)
            await a_topic(third)
            await third.close()
            await first.close()

    run(body)


def test_it_is_so_after_a_restart_too(tmp_path: Path) -> None:
    async def body() -> None:
        config = STRICT | {"kbroker.memory": "false", "log.dir": str(tmp_path / "data")}
        broker = Broker(Config(config))
        await broker.start()
        client = await connect(broker)
        await a_topic(client)
        await alter(client, BROKER, "", "message.max.bytes", "100")
        await alter(client, BROKER, "", "max.connections", "1")
        await client.close()
        await broker.stop()
        broker = Broker(Config(config))
        await broker.start()
        client = await connect(broker)
        assert await produced(client) == ErrorCode.MESSAGE_TOO_LARGE
        second = await connect(broker)
        assert await second.is_closed()
        await second.close()
        await client.close()
        await broker.stop()

    run(body)
