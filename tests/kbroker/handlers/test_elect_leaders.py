"""ElectLeaders, in every version."""

from collections.abc import Sequence

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions

PREFERRED, UNCLEAN = 0, 1
NOT_NEEDED = (84, "Leader election not needed for topic partition.")
Results = dict[str, list[tuple[int, int, str | None]]]


async def elect(
    desk: Desk, asked: Sequence[tuple[str, list[int]]] | None, kind: int = PREFERRED, version: int = 2, code: int = 0
) -> Results:
    topics = None if asked is None else [TopicPartitions(topic=name, partitions=ids) for name, ids in asked]
    request = ElectLeadersRequest(topic_partitions=topics, timeout_ms=1000)
    if version >= 1:
        request.election_type = kind
    response = await desk.ask(request, version)
    assert response.error_code == code
    return {
        one.topic: [(each.partition_id, each.error_code, each.error_message) for each in one.partition_result]
        for one in response.replica_election_results
    }


@pytest.mark.parametrize("version", versions("elect_leaders"))
def test_the_preferred_replica_leads_again(version: int) -> None:
    async def test(desk: Desk) -> None:
        catalog = desk.cluster.catalog
        await catalog.create_topics([NewTopic("a", assignments=[(0, [1, 2]), (1, [2, 1])]), NewTopic("b")])
        await catalog.move_leader("a", 0, 2)
        assert await elect(desk, [("a", [0, 1, 5]), ("no", [0])], version=version) == {
            "a": [(0, 0, None), (1, *NOT_NEEDED), (5, 3, "No such partition as a-5")],
            "no": [(0, 3, "No such topic as no")],
        }
        assert catalog.leader("a", 0) == (1, 2)
        await catalog.move_leader("a", 0, 2)
        assert await elect(desk, None, version=version) == {"a": [(0, 0, None)], "b": []}

    at_a_desk(test, nodes=(1, 2))


def test_an_unclean_election_is_not_needed_where_a_leader_lives() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert await elect(desk, [("a", [0, 0])], UNCLEAN) == {"a": [(0, *NOT_NEEDED)] * 2}
        assert await elect(desk, []) == {}

    at_a_desk(test)


def test_an_election_of_no_known_kind_is_refused_as_a_whole_and_for_each() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert await elect(desk, [("a", [0])], 7, code=42) == {"a": [(0, 42, "Unknown election type 7")]}

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("elect_leaders"))
def test_who_may_not_is_told_so(version: int) -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("ALTER", "CLUSTER", "kafka-cluster")}
        request = ElectLeadersRequest(topic_partitions=[TopicPartitions(topic="a", partitions=[0])], timeout_ms=1000)
        response = await desk.ask(request, version)
        if version >= 1:
            assert response.error_code == 31
        else:
            assert [one.topic for one in response.replica_election_results] == ["a"]

    at_a_desk(test)
