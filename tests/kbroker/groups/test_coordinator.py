"""The facade: which machine a group lives in, whose it is, and what happens when that changes."""

import asyncio
from typing import Any

import pytest

from kbroker.catalog import NewTopic
from kbroker.groups.events import Describe
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import settle
from wire.errors import ErrorCode, KafkaError


def log_of(desk: GroupDesk, group: str = "g") -> Any:
    topic = desk.cluster.catalog.topic("__consumer_offsets")
    assert topic is not None
    return desk.cluster.partitions.open(topic, desk.cluster.groups.coordinator(group))


def leader_of(desk: GroupDesk, group: str = "g") -> int:
    node, _ = desk.cluster.catalog.leader("__consumer_offsets", desk.cluster.groups.coordinator(group))
    return node


def ask(desk: GroupDesk, node: int, group: str = "g") -> Any:
    return desk.cluster.groups.ask(desk.context(15, 6, node), group, lambda ticket: Describe(ticket, group))


def test_nothing_is_loaded_before_a_group_falls_on_it() -> None:
    async def test(desk: GroupDesk) -> None:
        assert desk.cluster.groups.coordinators._terms == {}
        await desk.commit({("t", 0): 1})
        assert list(desk.cluster.groups.coordinators._terms) == [desk.cluster.groups.coordinator("g")]

    among_groups(test)


def test_without_the_offsets_topic_nobody_coordinates() -> None:
    async def test(desk: GroupDesk) -> None:
        topic = desk.cluster.catalog.topic("__consumer_offsets")
        assert topic is not None
        await desk.member()
        parked = asyncio.ensure_future(desk.join())
        await settle()
        await desk.cluster.catalog.delete_topics([topic.id])
        assert (await parked).error_code == 16
        with pytest.raises(KafkaError) as refused:
            ask(desk, 1)
        assert refused.value.code is ErrorCode.NOT_COORDINATOR
        await desk.cluster.catalog.ensure_internal("__consumer_offsets")
        assert (await ask(desk, 1)).group_state == "Dead"

    among_groups(test)


def test_only_the_leader_of_the_partition_answers() -> None:
    async def test(desk: GroupDesk) -> None:
        leader = leader_of(desk)
        with pytest.raises(KafkaError) as refused:
            ask(desk, 3 - leader)
        assert refused.value.code is ErrorCode.NOT_COORDINATOR
        assert (await ask(desk, leader)).group_state == "Dead"

    among_groups(test, nodes=(1, 2))


def test_the_next_coordinator_takes_over_what_the_log_says() -> None:
    async def test(desk: GroupDesk) -> None:
        old = leader_of(desk)
        index = desk.cluster.groups.coordinator("g")
        await desk.cluster.catalog.move_leader("__consumer_offsets", index, 1)
        member, generation = await desk.member()
        parked = asyncio.ensure_future(desk.join())
        await settle()
        await desk.cluster.catalog.move_leader("__consumer_offsets", index, 2)
        assert (await parked).error_code == 16
        with pytest.raises(KafkaError):
            ask(desk, 1)
        group = await ask(desk, 2)
        assert (group.group_state, [each.member_id for each in group.members]) == ("Stable", [member])
        assert old in (1, 2)
        assert generation == 1

    among_groups(
        test, nodes=(1, 2), config={"offsets.topic.replication.factor": "2", "default.replication.factor": "2"}
    )


def test_offsets_go_with_their_topic_and_stay_gone() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 1, ("u", 0): 2})
        await desk.cluster.catalog.delete_topics([desk.topic_id("t")])
        assert await _fetch(desk) == {("u", 0): (2, 0)}
        await desk.cluster.catalog.create_topics([NewTopic("t", 2)])
        await desk.commit({("t", 1): 7})
        desk.restart_groups()
        assert await _fetch(desk) == {("t", 1): (7, 0), ("u", 0): (2, 0)}

    among_groups(test)


async def _fetch(desk: GroupDesk) -> dict[tuple[str, int], tuple[int, int]]:
    from wire.messages.offset_fetch import OffsetFetchRequest

    answer = await desk.ask(OffsetFetchRequest(group_id="g", topics=None, groups=[]), 7)
    return {
        (topic.name, each.partition_index): (each.committed_offset, each.error_code)
        for topic in answer.topics
        for each in topic.partitions
    }


@pytest.mark.parametrize("recreated", [False, True])
def test_a_machine_that_was_not_loaded_finds_out_that_a_topic_is_gone(recreated: bool) -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 1, ("u", 0): 2})
        await desk.cluster.groups.stop()
        await desk.cluster.catalog.delete_topics([desk.topic_id("t")])
        if recreated:
            await desk.cluster.catalog.create_topics([NewTopic("t", 2)])
        desk.restart_groups()
        assert await _fetch(desk) == {("u", 0): (2, 0)}
        assert log_of(desk).end == 3

    among_groups(test)


def test_a_failed_append_is_answered_with_a_retriable_error_and_nothing_is_believed() -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        log = log_of(desk)
        by = {"member_id": member, "generation_id_or_member_epoch": generation}

        def fail(batches: Any, settled: Any) -> None:
            del log.put
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)

        log.put = fail
        parked = asyncio.ensure_future(desk.join())
        await settle()
        assert await desk.commit({("t", 0): 5}, **by) == {("t", 0): 16}
        assert (await parked).error_code == 16
        assert await desk.fetch({"t": [0]}) == {("t", 0): (-1, 0)}
        assert await desk.commit({("t", 0): 5}, **by) == {("t", 0): 0}
        assert await desk.heartbeat(member, generation) == 0

    among_groups(test)


def test_stopping_answers_whoever_is_parked() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member()
        parked = asyncio.ensure_future(desk.join())
        await settle()
        await desk.cluster.groups.stop()
        assert (await parked).error_code == 16

    among_groups(test)
