"""CreateTopics, in every version."""

from typing import Any

import pytest

from kbroker.catalog import NewTopic
from kbroker.topic_config import TABLE
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from wire.primitives import ZERO_UUID


def creatable(name: str, partitions: int = 1, factor: int = 1, **configs: str | None) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=factor,
        assignments=[],
        configs=[CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )


def outcome(response: Any) -> dict[str, int]:
    return {topic.name: topic.error_code for topic in response.topics}


@pytest.mark.parametrize("version", versions("create_topics"))
def test_the_answer_tells_what_was_made_as_each_version_can(version: int) -> None:
    async def test(desk: Desk) -> None:
        request = CreateTopicsRequest(topics=[creatable("a", -1, -1, retention_ms="5")])
        (result,) = (await desk.ask(request, version)).topics
        topic = desk.cluster.catalog.topic("a")
        assert topic is not None
        assert (result.error_code, result.error_message) == (0, None)
        assert result.topic_id == (topic.id if version >= 7 else ZERO_UUID)
        if version >= 5:
            assert (result.num_partitions, result.replication_factor, result.topic_config_error_code) == (4, 1, 0)
            configs = {config.name: config for config in result.configs}
            assert set(configs) == {entry.name for entry in TABLE} - {"internal.segment.bytes"}
            assert (configs["retention.ms"].value, configs["retention.ms"].config_source) == ("5", 1)
            assert (configs["cleanup.policy"].value, configs["cleanup.policy"].config_source) == ("delete", 5)

    at_a_desk(test, config={"num.partitions": "4"})


@pytest.mark.parametrize("version", versions("create_topics"))
def test_each_topic_has_its_own_error_with_a_message(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("there"), NewTopic("a.b")])
        request = CreateTopicsRequest(
            topics=[
                creatable("good"), creatable("there"), creatable("a_b"), creatable("no!"), creatable("p", 0),
                creatable("f", 1, 2), creatable("c", retention_ms="x"), creatable("n", retention_ms=None),
                creatable("__cluster_metadata"),
            ]
        )  # fmt: skip
        response = await desk.ask(request, version)
        assert outcome(response) == {
            "good": 0, "there": 36, "a_b": 17, "no!": 17, "p": 37, "f": 38, "c": 40, "n": 40, "__cluster_metadata": 42,
        }  # fmt: skip
        for result in response.topics:
            assert (result.error_message is None) == (result.error_code == 0)
            if result.error_code and version >= 5:
                assert (result.num_partitions, result.replication_factor, result.configs) == (-1, -1, [])
        assert [topic.name for topic in desk.cluster.catalog.topics()] == ["a.b", "good", "there"]

    at_a_desk(test)


def test_a_name_that_comes_twice_is_refused_once_and_the_others_are_made() -> None:
    async def test(desk: Desk) -> None:
        request = CreateTopicsRequest(topics=[creatable("twice"), creatable("once"), creatable("twice", 3)])
        response = await desk.ask(request, 7)
        assert sorted((topic.name, topic.error_code) for topic in response.topics) == [("once", 0), ("twice", 42)]
        assert desk.cluster.catalog.topic("twice") is None

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("create_topics"))
def test_validation_only_creates_nothing(version: int) -> None:
    async def test(desk: Desk) -> None:
        request = CreateTopicsRequest(topics=[creatable("a", 3), creatable("b", 0)], validate_only=True)
        response = await desk.ask(request, version)
        assert outcome(response) == {"a": 0, "b": 37}
        assert desk.cluster.catalog.topics() == []

    at_a_desk(test)


def test_replicas_can_be_assigned_by_hand() -> None:
    async def test(desk: Desk) -> None:
        topic = creatable("a", -1, -1)
        topic.assignments = [
            CreatableReplicaAssignment(partition_index=0, broker_ids=[2, 1]),
            CreatableReplicaAssignment(partition_index=1, broker_ids=[1, 2]),
        ]
        (result,) = (await desk.ask(CreateTopicsRequest(topics=[topic]), 7)).topics
        assert (result.error_code, result.num_partitions, result.replication_factor) == (0, 2, 2)
        assert [desk.cluster.catalog.leader("a", index)[0] for index in (0, 1)] == [2, 1]

    at_a_desk(test, nodes=(1, 2))


def test_who_may_not_create_or_see_configs_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {
            ("CREATE", "CLUSTER", "kafka-cluster"), ("CREATE", "TOPIC", "a"), ("DESCRIBE_CONFIGS", "TOPIC", "b"),
        }  # fmt: skip
        response = await desk.ask(CreateTopicsRequest(topics=[creatable("a"), creatable("b")]), 7)
        assert outcome(response) == {"a": 29, "b": 0}
        made = next(result for result in response.topics if result.name == "b")
        assert (made.topic_config_error_code, made.configs) == (29, None)
        assert (made.num_partitions, made.replication_factor) == (-1, -1)

    at_a_desk(test)
