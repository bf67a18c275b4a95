"""Metadata, in every version."""

import asyncio
from typing import Any

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, together, versions
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from wire.primitives import ZERO_UUID

UNASKED = -(2**31)


def about(*names: str, **options: Any) -> MetadataRequest:
    topics = [MetadataRequestTopic(topic_id=ZERO_UUID, name=name) for name in names]
    return MetadataRequest(topics=topics, **options)


def about_ids(*ids: bytes) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(topic_id=topic_id, name=None) for topic_id in ids])


def outcome(response: MetadataResponse) -> dict[str | None, int]:
    return {topic.name: topic.error_code for topic in response.topics}


@pytest.mark.parametrize("version", versions("metadata"))
def test_brokers_topics_and_partitions_are_told_as_each_version_can(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("b", 2, 2), NewTopic("a", 1, 1)])
        response = await desk.ask(about("b"), version)
        assert [(one.node_id, one.host, one.port) for one in response.brokers] == [
            (1, "host1", 9001), (2, "host2", 9002),
        ]  # fmt: skip
        assert response.brokers[0].rack == ("rack1" if version >= 1 else None)
        assert response.cluster_id == ("the-cluster" if version >= 2 else None)
        assert response.controller_id in ((1, 2) if version >= 1 else (-1,))
        (topic,) = response.topics
        assert (topic.error_code, topic.name, topic.is_internal) == (0, "b", False)
        assert topic.topic_id == (desk.cluster.catalog.topic("b").id if version >= 10 else ZERO_UUID)  # type: ignore[union-attr]
        assert [partition.leader_id for partition in topic.partitions] == [1, 2]
        assert [partition.partition_index for partition in topic.partitions] == [0, 1]
        assert [partition.leader_epoch for partition in topic.partitions] == ([0, 0] if version >= 7 else [-1, -1])
        assert [partition.replica_nodes for partition in topic.partitions] == [[1, 2], [2, 1]]
        assert [partition.isr_nodes for partition in topic.partitions] == [[1, 2], [2, 1]]
        assert topic.topic_authorized_operations == UNASKED

    at_a_desk(test, nodes=(1, 2))


@pytest.mark.parametrize("version", versions("metadata"))
def test_no_list_means_all_topics_and_an_empty_list_only_in_version_0(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("b"), NewTopic("a")])
        empty = await desk.ask(MetadataRequest(topics=[]), version)
        assert [topic.name for topic in empty.topics] == (["a", "b"] if version == 0 else [])
        if version >= 1:
            everything = await desk.ask(MetadataRequest(topics=None), version)
            assert [topic.name for topic in everything.topics] == ["a", "b"]

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("metadata"))
def test_a_topic_that_is_asked_for_is_created_and_answered_at_once(version: int) -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(about("new", "no!", "new"), version)
        assert outcome(response) == {"new": 0, "no!": 17}
        created = next(topic for topic in response.topics if topic.name == "new")
        assert len(created.partitions) == 3
        again = await desk.ask(about("new"), version)
        assert again.topics[0] == created

    at_a_desk(test, config={"num.partitions": "3"})


@pytest.mark.parametrize("version", [version for version in versions("metadata") if version >= 4])
def test_who_does_not_want_creation_hears_that_the_topic_is_unknown(version: int) -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(about("new", "no!", allow_auto_topic_creation=False), version)
        assert outcome(response) == {"new": 3, "no!": 17}
        assert desk.cluster.catalog.topic("new") is None

    at_a_desk(test)


def test_the_broker_can_forbid_creation() -> None:
    async def test(desk: Desk) -> None:
        assert outcome(await desk.ask(about("new"), 12)) == {"new": 3}

    at_a_desk(test, config={"auto.create.topics.enable": "false"})


def test_two_who_ask_for_a_new_topic_at_the_same_time_get_the_same_one() -> None:
    async def test(desk: Desk) -> None:
        one, other = await together(desk.ask(about("new"), 13), desk.ask(about("new"), 13))
        assert one.topics[0].topic_id == other.topics[0].topic_id

    at_a_desk(test)


def test_internal_topics_are_created_their_own_way_and_say_that_they_are_internal() -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(about("__consumer_offsets", "__transaction_state"), 12)
        offsets, transactions = response.topics
        assert (offsets.error_code, offsets.is_internal, len(offsets.partitions)) == (0, True, 50)
        assert (transactions.error_code, transactions.is_internal, len(transactions.partitions)) == (0, True, 50)
        (shares,) = (await desk.ask(about("__share_group_state"), 12)).topics
        assert (shares.error_code, shares.is_internal, len(shares.partitions)) == (0, True, 50)

    at_a_desk(test)


def test_a_name_that_collides_is_not_created() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a.b")])
        assert outcome(await desk.ask(about("a_b"), 12)) == {"a_b": 17}

    at_a_desk(test)


@pytest.mark.parametrize("version", [12, 13])
def test_topics_are_found_by_id_and_never_created_by_it(version: int) -> None:
    async def test(desk: Desk) -> None:
        (topic,) = await desk.cluster.catalog.create_topics([NewTopic("a")])
        unknown = bytes(15) + b"\x09"
        response = await desk.ask(about_ids(topic.id, unknown, topic.id), version)
        assert [(one.error_code, one.name, one.topic_id) for one in response.topics] == [
            (0, "a", topic.id), (100, None, unknown),
        ]  # fmt: skip

    at_a_desk(test)


def test_beside_ids_names_do_not_count() -> None:
    async def test(desk: Desk) -> None:
        (topic,) = await desk.cluster.catalog.create_topics([NewTopic("a")])
        request = about_ids(topic.id)
        request.topics = [*(about("new").topics or []), *(request.topics or [])]
        assert outcome(await desk.ask(request, 13)) == {"a": 0}
        assert desk.cluster.catalog.topic("new") is None

    at_a_desk(test)


@pytest.mark.parametrize("version", [10, 11])
def test_versions_10_and_11_must_not_ask_by_id(version: int) -> None:
    async def test(desk: Desk) -> None:
        for name in ("a", None):
            request = MetadataRequest(topics=[MetadataRequestTopic(topic_id=b"\x01" * 16, name=name)])
            response = await desk.ask(request, version)
            assert [(topic.error_code, topic.name) for topic in response.topics] == [(42, name or "")]
        assert desk.cluster.catalog.topics() == []

    at_a_desk(test)


@pytest.mark.parametrize("version", [8, 9, 10, 11, 12, 13])
def test_authorized_operations_are_told_when_asked_for(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        request = about("a", include_topic_authorized_operations=True)
        request.include_cluster_authorized_operations = version <= 10
        response = await desk.ask(request, version)
        assert response.topics[0].topic_authorized_operations == 3576
        assert response.cluster_authorized_operations == (8096 if version <= 10 else UNASKED)
        plain = await desk.ask(about("a"), version)
        assert plain.topics[0].topic_authorized_operations == UNASKED
        assert plain.cluster_authorized_operations == UNASKED

    at_a_desk(test)


def test_what_may_not_be_described_is_refused_by_name_hidden_in_lists_and_nameless_by_id() -> None:
    async def test(desk: Desk) -> None:
        (topic, _) = await desk.cluster.catalog.create_topics([NewTopic("secret"), NewTopic("open")])
        desk.denied = {("DESCRIBE", "TOPIC", "secret"), ("DESCRIBE", "TOPIC", "unborn")}
        assert outcome(await desk.ask(about("secret", "unborn", "open"), 12)) == {"secret": 29, "unborn": 29, "open": 0}
        assert outcome(await desk.ask(MetadataRequest(topics=None), 12)) == {"open": 0}
        assert outcome(await desk.ask(about_ids(topic.id), 12)) == {None: 29}
        assert desk.cluster.catalog.topic("unborn") is None

    at_a_desk(test)


def test_who_may_not_create_gets_no_topic() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("CREATE", "CLUSTER", "kafka-cluster"), ("CREATE", "TOPIC", "new")}
        assert outcome(await desk.ask(about("new", "other"), 12)) == {"new": 29, "other": 0}

    at_a_desk(test)


def test_every_node_tells_the_same_and_a_moved_leader_shows_at_once() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 1, 2)])
        first = [await desk.ask(about("a"), 13, node=node) for node in (1, 2)]
        assert first[0] == first[1]
        await desk.cluster.catalog.move_leader("a", 0, 2)
        moved = await desk.ask(about("a"), 13)
        partition = moved.topics[0].partitions[0]
        assert (partition.leader_id, partition.leader_epoch, partition.replica_nodes) == (2, 1, [1, 2])

    at_a_desk(test, nodes=(1, 2))


def test_a_partition_whose_leader_is_gone_says_so() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", assignments=[(0, [2])])])
        nodes = desk.cluster.catalog.nodes
        assert isinstance(nodes, dict)
        del nodes[2]
        response = await desk.ask(about("a"), 13)
        partition = response.topics[0].partitions[0]
        assert (partition.error_code, partition.leader_id, partition.replica_nodes) == (5, -1, [2])
        assert partition.offline_replicas == [2]
        assert response.controller_id == 1

    at_a_desk(test, nodes=(1, 2))


def test_a_grown_topic_is_told_whole_although_its_answer_was_kept() -> None:
    async def test(desk: Desk) -> None:
        from kbroker.catalog import NewPartitions

        await desk.cluster.catalog.create_topics([NewTopic("a", 1)])
        assert len((await desk.ask(about("a"), 13)).topics[0].partitions) == 1
        await desk.cluster.catalog.create_partitions([NewPartitions("a", 3)])
        assert len((await desk.ask(about("a"), 13)).topics[0].partitions) == 3

    at_a_desk(test)


@pytest.mark.parametrize("by_name", [False, True])
def test_the_first_answer_about_many_partitions_gives_others_the_loop_in_between(by_name: bool) -> None:
    async def test(desk: Desk) -> None:
        names = [f"t{index}" for index in range(8)]
        await desk.cluster.catalog.create_topics([NewTopic(name, 60) for name in names])
        request = about(*names) if by_name else MetadataRequest(topics=None)
        loop = asyncio.get_running_loop()
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            going.append(loop.call_soon(turn))

        going: list[asyncio.Handle] = []
        turn()
        first = await desk.ask(request, 9)
        needed, turns = turns, 0
        again = await desk.ask(request, 9)
        going[-1].cancel()
        assert needed >= turns + 4, "480 partitions in steps of two topics"
        assert first == again and [topic.name for topic in first.topics] == names
        assert all(len(topic.partitions) == 60 for topic in first.topics)

    at_a_desk(test)
