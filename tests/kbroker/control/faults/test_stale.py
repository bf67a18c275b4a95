"""Metadata that lags: what was true when the fault was installed."""

from typing import Any

from kbroker.control.shapes import Topic
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.faults.test_faults import met
from tests.kbroker.control.test_history import metadata
from tests.kbroker.running import Client, run
from wire.errors import ErrorCode
from wire.messages.describe_topic_partitions import DescribeTopicPartitionsRequest, TopicRequest
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from wire.primitives import uuid_text


def told(response: Any) -> list[tuple[str | None, str, int, int]]:
    return [
        (topic.name, uuid_text(topic.topic_id), topic.error_code, len(topic.partitions)) for topic in response.topics
    ]


async def made_again(ask: Hand) -> tuple[Topic, Topic]:
    """The topic before and after; and one that was not there before."""
    before = await ask("topics.get", name="t")
    await ask("faults.metadata_lag")
    await ask("topics.delete", name="t")
    after = await ask("topics.create", name="t", partitions=1)
    await ask("topics.create", name="new")
    return before, after


def test_a_topic_that_was_made_again_has_its_old_id_and_a_new_one_is_unknown() -> None:
    async def body(ask: Hand, client: Client) -> None:
        before, after = await made_again(ask)
        assert before.id != after.id
        nobody = uuid_text(bytes(16))
        assert told(await client.ask(metadata("t", "new"), 12)) == [
            ("t", before.id, 0, 2),
            ("new", nobody, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0),
        ]
        everything = MetadataRequest(topics=None, allow_auto_topic_creation=False)
        assert told(await client.ask(everything, 12)) == [("t", before.id, 0, 2)]
        described = DescribeTopicPartitionsRequest(topics=[TopicRequest(name="t")], response_partition_limit=10)
        assert told(await client.ask(described, 0)) == [("t", before.id, 0, 2)]
        topic = ask.control.cluster.catalog.topic("t")
        assert topic is not None
        by_id = MetadataRequest(topics=[MetadataRequestTopic(topic_id=topic.id, name=None)])
        assert told(await client.ask(by_id, 12)) == [(None, after.id, ErrorCode.UNKNOWN_TOPIC_ID, 0)]
        await ask("faults.clear")
        assert told(await client.ask(metadata("t"), 12)) == [("t", after.id, 0, 1)]

    met(body)


def test_one_topic_lags_and_the_others_do_not() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await ask("faults.metadata_lag", topic="t")
        await ask("topics.create", name="new")
        await ask("topics.grow", name="t", partitions=3)
        everything = MetadataRequest(topics=None, allow_auto_topic_creation=False)
        found = told(await client.ask(everything, 12))
        assert sorted((name, count) for name, _, _, count in found) == [("new", 1), ("t", 2)]

    met(body)


def test_a_broker_that_died_is_still_named_and_one_that_is_hidden_is_not() -> None:
    async def test() -> None:
        async with controlling(3) as ask:
            client = await ask.connect()
            await ask("faults.metadata_lag")
            await ask("nodes.kill", node=3)
            assert [each.node_id for each in (await client.ask(metadata(), 12)).brokers] == [1, 2, 3]
            await ask("faults.clear")
            assert [each.node_id for each in (await client.ask(metadata(), 12)).brokers] == [1, 2]
            await ask("faults.install", match={"api": ["Metadata"]}, effect={"hide_brokers": [2]})
            assert [each.node_id for each in (await client.ask(metadata(), 12)).brokers] == [1]
            await ask("faults.clear")
            await ask("nodes.advertise", node=2, host="elsewhere", port=1)
            await ask("nodes.move_rack", node=2, rack="r")
            told = (await client.ask(metadata(), 12)).brokers[1]
            assert (told.node_id, told.host, told.port, told.rack) == (2, "elsewhere", 1, "r")

    run(test)
