"""Several brokers in one process: their ids, racks and ports, and what they begin with."""

import logging

import pytest

from kbroker.broker import Broker
from kbroker.config import Config, ConfigError
from kbroker.nodes import for_several, local_nodes
from tests.kbroker.running import STRICT, connect, run, serving
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.describe_cluster import DescribeClusterRequest
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic

INVALID_REPLICATION_FACTOR = 38


def create(name: str, factor: int) -> CreateTopicsRequest:
    topic = CreatableTopic(name=name, num_partitions=1, replication_factor=factor, assignments=[], configs=[])
    return CreateTopicsRequest(topics=[topic])


def test_ids_are_counted_up_and_racks_go_round() -> None:
    nodes = local_nodes(Config({"node.id": "7", "kbroker.racks": "a,b"}), 3)
    assert [(node.id, node.rack) for node in nodes] == [(7, "a"), (8, "b"), (9, "a")]
    assert [node.rack for node in local_nodes(Config({"broker.rack": "r"}), 2)] == ["r", "r"]


def test_several_keep_copies_so_that_one_may_end_and_what_was_set_stays() -> None:
    three = for_several(Config({}), 5)
    assert (three["default.replication.factor"], three["min.insync.replicas"]) == (3, 2)
    two = for_several(Config({"default.replication.factor": "1"}), 2)
    assert (two["default.replication.factor"], two["min.insync.replicas"]) == (1, 1)


@pytest.mark.parametrize("count", ["0", "101", "three"])
def test_a_number_of_brokers_that_cannot_be_is_refused(count: str) -> None:
    with pytest.raises(ConfigError, match=r"kbroker\.brokers"):
        Broker(Config(STRICT | {"kbroker.brokers": count}))


def test_clients_are_told_all_brokers_with_their_racks() -> None:
    async def test() -> None:
        async with serving(kbroker_brokers="3", kbroker_racks="a,b,c") as broker:
            client = await connect(broker)
            told = await client.ask(MetadataRequest(topics=None), 12)
            assert [(each.node_id, each.rack) for each in told.brokers] == [(1, "a"), (2, "b"), (3, "c")]
            assert [f"{each.host}:{each.port}" for each in told.brokers] == broker.bound
            described = await client.ask(DescribeClusterRequest(), 2)
            assert [(each.broker_id, each.rack) for each in described.brokers] == [(1, "a"), (2, "b"), (3, "c")]
            await client.close()

    run(test)


def test_topics_of_all_kinds_are_on_three_brokers() -> None:
    async def test() -> None:
        async with serving(kbroker_brokers="3") as broker:
            client = await connect(broker)
            asked = MetadataRequest(topics=[MetadataRequestTopic(name="auto")], allow_auto_topic_creation=True)
            await client.ask(asked, 12)
            await client.ask(FindCoordinatorRequest(coordinator_keys=["g"], key_type=0), 4)
            for name in ("auto", "__consumer_offsets"):
                topic = broker.cluster.catalog.topic(name)
                assert topic is not None and [sorted(each.isr) for each in topic.partitions] == [
                    [1, 2, 3] for _ in topic.partitions
                ]
            await client.close()

    run(test)


def test_more_replicas_than_brokers_are_refused_in_kafkas_words_and_the_log_says_what_helps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with serving() as broker:
            client = await connect(broker)
            (result,) = (await client.ask(create("a", 3), 7)).topics
            assert result.error_code == INVALID_REPLICATION_FACTOR
            assert "only 1 broker(s) are registered" in result.error_message
            await client.close()

    with caplog.at_level(logging.WARNING, logger="kbroker.handlers.create_topics"):
        run(test)
    assert [record.getMessage() for record in caplog.records if "create_topics" in record.name] == [
        "topic a wants 3 brokers: start with --brokers 3"
    ]
