"""CreatePartitions, in every version."""

from typing import Any

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)


def growth(*topics: tuple[str, int], validate_only: bool = False) -> CreatePartitionsRequest:
    return CreatePartitionsRequest(
        topics=[CreatePartitionsTopic(name=name, count=count, assignments=None) for name, count in topics],
        timeout_ms=1000,
        validate_only=validate_only,
    )


def outcome(response: Any) -> dict[str, int]:
    return {result.name: result.error_code for result in response.results}


@pytest.mark.parametrize("version", versions("create_partitions"))
def test_count_is_the_new_total_and_must_be_more(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic(name, 2) for name in "abc"])
        response = await desk.ask(growth(("a", 5), ("b", 2), ("c", 1), ("no", 3)), version)
        assert outcome(response) == {"a": 0, "b": 37, "c": 37, "no": 3}
        assert all((result.error_message is None) == (result.error_code == 0) for result in response.results)
        assert [len(topic.partitions) for topic in desk.cluster.catalog.topics()] == [5, 2, 2]

    at_a_desk(test)


def test_a_topic_named_twice_is_refused_and_validation_changes_nothing() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 1), NewTopic("b", 1)])
        assert outcome(await desk.ask(growth(("a", 2), ("b", 2), ("a", 3)), 3)) == {"a": 42, "b": 0}
        assert outcome(await desk.ask(growth(("a", 4), validate_only=True), 3)) == {"a": 0}
        assert len(desk.cluster.catalog.topic("a").partitions) == 1  # type: ignore[union-attr]

    at_a_desk(test)


def test_new_replicas_can_be_assigned_by_hand_and_must_fit() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 1)])

        async def assign(*assignments: list[int]) -> int:
            request = growth(("a", 3))
            request.topics[0].assignments = [CreatePartitionsAssignment(broker_ids=ids) for ids in assignments]
            code: int = outcome(await desk.ask(request, 3))["a"]
            return code

        assert await assign([2]) == 39
        assert await assign([2], [9]) == 39
        assert await assign([2], [1, 2]) == 39
        assert await assign([2], [2]) == 0
        assert [desk.cluster.catalog.leader("a", index)[0] for index in range(3)] == [1, 2, 2]

    at_a_desk(test, nodes=(1, 2))


def test_who_may_not_alter_gets_nothing() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 1)])
        desk.denied = {("ALTER", "TOPIC", "a")}
        assert outcome(await desk.ask(growth(("a", 2)), 3)) == {"a": 29}

    at_a_desk(test)
