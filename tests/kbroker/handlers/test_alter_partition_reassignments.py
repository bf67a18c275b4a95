"""AlterPartitionReassignments and ListPartitionReassignments: replicas move, at once."""

from collections.abc import Sequence

import pytest

from kbroker.catalog import LeaderChanged, NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)

Outcome = tuple[int, str | None]


async def reassign(
    desk: Desk, *moves: tuple[str, int, list[int] | None], version: int = 1, may_change_count: bool = True
) -> Sequence[Outcome]:
    request = AlterPartitionReassignmentsRequest(
        topics=[
            ReassignableTopic(name=name, partitions=[ReassignablePartition(partition_index=index, replicas=replicas)])
            for name, index, replicas in moves
        ]
    )
    if version >= 1:
        request.allow_replication_factor_change = may_change_count
    response = await desk.ask(request, version)
    assert response.error_code == 0
    assert response.allow_replication_factor_change == (may_change_count if version >= 1 else True)
    assert [one.name for one in response.responses] == [name for name, _, _ in moves]
    return [(each.error_code, each.error_message) for one in response.responses for each in one.partitions]


def replicas_of(desk: Desk) -> tuple[list[int], list[int], int, int]:
    topic = desk.cluster.catalog.topic("a")
    assert topic is not None
    state = topic.partitions[0]
    return state.replicas, state.isr, state.leader, state.leader_epoch


@pytest.mark.parametrize("version", versions("alter_partition_reassignments"))
def test_a_partition_is_on_other_replicas_when_it_is_answered(version: int) -> None:
    async def test(desk: Desk) -> None:
        catalog = desk.cluster.catalog
        await catalog.create_topics([NewTopic("a", assignments=[(0, [1, 2])])])
        heard: list[object] = []
        catalog.subscribe(heard.append)
        assert await reassign(desk, ("a", 0, [3, 1]), version=version) == [(0, None)]
        assert replicas_of(desk) == ([3, 1], [3, 1], 1, 0), "who led and stays a replica leads on"
        assert await reassign(desk, ("a", 0, [2, 3]), version=version) == [(0, None)]
        assert replicas_of(desk) == ([2, 3], [2, 3], 2, 1)
        assert await reassign(desk, ("a", 0, [2, 3]), version=version) == [(0, None)]
        assert heard == [LeaderChanged(catalog.topic("a"), 0)] * 2, "what stays as it is moves nobody"  # type: ignore[arg-type]

    at_a_desk(test, nodes=(1, 2, 3))


@pytest.mark.parametrize(
    ("move", "code", "message"),
    [
        (("a", 0, None), 85, None),
        (("a", 0, [9]), 39, "The manual partition assignment includes broker 9, but no such broker is registered."),
        (("a", 0, []), 39, "The manual partition assignment includes an empty replica list."),
        (("a", 0, [1, 1]), 39, "The manual partition assignment includes the broker 1 more than once."),
        (("no", 0, [1]), 3, "Unable to find a topic named no."),
        (("no", 0, None), 3, "Unable to find a topic named no."),
        (("a", 5, [1]), 3, "Unable to find partition a:5."),
    ],
)
def test_what_cannot_be_is_refused_alone(move: tuple[str, int, list[int]], code: int, message: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("b")])
        assert await reassign(desk, move, ("b", 0, [1])) == [(code, message), (0, None)]

    at_a_desk(test)


def test_the_number_of_replicas_stays_where_it_must() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 1, 1)])
        refused = [(38, "The replication factor is changed from 1 to 2")]
        assert await reassign(desk, ("a", 0, [1, 2]), may_change_count=False) == refused
        assert await reassign(desk, ("a", 0, [2]), may_change_count=False) == [(0, None)]

    at_a_desk(test, nodes=(1, 2))


def test_none_is_ever_under_way() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 1, 1)])
        await reassign(desk, ("a", 0, [2]))
        some = [ListPartitionReassignmentsTopics(name="a", partition_indexes=[0, 7])]
        for topics in (None, [], some):
            response = await desk.ask(ListPartitionReassignmentsRequest(topics=topics), 0)
            assert (response.error_code, response.error_message, response.topics) == (0, None, [])

    at_a_desk(test, nodes=(1, 2))


def test_who_may_not_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster"), ("DESCRIBE", "CLUSTER", "kafka-cluster")}
        request = AlterPartitionReassignmentsRequest(topics=[])
        assert (await desk.ask(request, 1)).error_code == 31
        assert (await desk.ask(ListPartitionReassignmentsRequest(topics=None), 0)).error_code == 31

    at_a_desk(test)
