"""ConsumerGroupDescribe, in every version; and what the APIs of all groups say of consumer groups."""

from typing import Any

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.handlers.test_consumer_group_heartbeat import beat
from wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest
from wire.messages.delete_groups import DeleteGroupsRequest
from wire.messages.describe_groups import DescribeGroupsRequest
from wire.messages.list_groups import ListGroupsRequest
from wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics


async def describe(desk: GroupDesk, *groups: str, version: int = 1, **fields: Any) -> list[Any]:
    response = await desk.ask(ConsumerGroupDescribeRequest(group_ids=list(groups), **fields), version)
    described: list[Any] = response.groups
    return described


async def listed(desk: GroupDesk, **filters: list[str]) -> list[tuple[str, str, str, str]]:
    request = ListGroupsRequest(states_filter=filters.get("states", []), types_filter=filters.get("types", []))
    response = await desk.ask(request, 5)
    return [(each.group_id, each.group_state, each.group_type, each.protocol_type) for each in response.groups]


@pytest.mark.parametrize("version", versions("consumer_group_describe"))
def test_a_group_on_its_way_shows_what_each_has_and_is_to_have(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        await beat(desk, "B", 0, instance_id="i", rack_id="r")
        await beat(desk, "A", 2)
        [group] = await describe(desk, "g", version=version)
        assert (group.error_code, group.group_state) == (0, "Reconciling")
        assert (group.group_epoch, group.assignment_epoch, group.assignor_name) == (3, 3, "uniform")
        first, second = group.members
        assert (first.member_id, first.member_epoch, first.client_host) == ("A", 2, "/127.0.0.1")
        assert [(each.topic_name, each.partitions) for each in first.assignment.topic_partitions] == [("t", [0, 1])]
        assert [each.partitions for each in first.target_assignment.topic_partitions] == [[0]]
        assert (second.instance_id, second.rack_id, second.assignment.topic_partitions) == ("i", "r", [])
        assert first.member_type == (1 if version >= 1 else -1)

    among_groups(test)


def test_only_consumer_groups_are_found() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member(group="classic")
        missing, other = await describe(desk, "nope", "classic")
        assert (missing.error_code, missing.error_message) == (69, "Group nope not found.")
        assert (other.error_code, other.error_message) == (69, "Group classic is not a consumer group.")

    among_groups(test)


def test_authorized_operations_are_told_to_who_asks() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        [group] = await describe(desk, "g")
        assert group.authorized_operations == -(2**31)
        [group] = await describe(desk, "g", include_authorized_operations=True)
        assert group.authorized_operations > 0
        desk.denied = {("DESCRIBE", "TOPIC", "t")}
        [group] = await describe(desk, "g")
        assert (group.error_code, group.members) == (29, [])
        desk.denied = {("DESCRIBE", "GROUP", "g")}
        [group] = await describe(desk, "g")
        assert group.error_code == 30

    among_groups(test)


def test_where_the_protocol_is_off_nothing_is_described() -> None:
    async def test(desk: GroupDesk) -> None:
        [group] = await describe(desk, "g")
        assert group.error_code == 35

    among_groups(test, config={"group.coordinator.rebalance.protocols": "classic"})


def test_groups_are_listed_with_their_types() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member(group="old")
        await beat(desk, "A", 0)
        assert sorted(await listed(desk)) == [
            ("g", "Stable", "consumer", "consumer"),
            ("old", "Stable", "classic", "consumer"),
        ]
        assert await listed(desk, types=["Consumer"]) == [("g", "Stable", "consumer", "consumer")]
        assert await listed(desk, states=["empty"]) == []
        await beat(desk, "A", -1)
        assert await listed(desk, states=["empty"]) == [("g", "Empty", "consumer", "consumer")]

    among_groups(test)


def test_to_those_who_ask_for_classic_groups_it_is_dead() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        for version in (5, 6):
            request = DescribeGroupsRequest(groups=["g"])
            [group] = (await desk.ask(request, version)).groups
            assert (group.error_code, group.group_state) == (69 if version >= 6 else 0, "Dead")
        assert group.error_message == "Group g is not a classic group."

    among_groups(test)


def test_a_group_is_deleted_when_it_is_empty() -> None:
    async def test(desk: GroupDesk) -> None:
        async def delete() -> int:
            [result] = (await desk.ask(DeleteGroupsRequest(groups_names=["g"]), 2)).results
            code: int = result.error_code
            return code

        await beat(desk, "A", 0)
        assert await delete() == 68
        await beat(desk, "A", -1)
        assert await delete() == 0
        assert await listed(desk) == []
        assert await delete() == 69
        desk.restart_groups()
        assert await listed(desk) == []

    among_groups(test)


def test_offsets_of_topics_that_are_read_are_protected() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        await desk.commit({("t", 0): 1, ("u", 0): 1}, generation_id_or_member_epoch=2, member_id="A")
        topics = [
            OffsetDeleteRequestTopic(name=name, partitions=[OffsetDeleteRequestPartition(partition_index=0)])
            for name in ("t", "u")
        ]
        response = await desk.ask(OffsetDeleteRequest(group_id="g", topics=topics), 0)
        assert [(topic.name, topic.partitions[0].error_code) for topic in response.topics] == [("t", 86), ("u", 0)]
        assert await desk.fetch(None) == {("t", 0): (1, 0)}

    among_groups(test)


@pytest.mark.parametrize(
    ("member", "epoch", "code"),
    [(None, -1, 0), ("A", 2, 0), ("A", 1, 113), ("A", 3, 113), ("A", -1, 113), ("Z", 2, 25), ("", -1, 25)],
)
def test_a_member_fetches_offsets_in_its_epoch(member: str | None, epoch: int, code: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, "A", 0)
        asked = OffsetFetchRequestGroup(
            group_id="g",
            member_id=member,
            member_epoch=epoch,
            topics=[OffsetFetchRequestTopics(name="t", partition_indexes=[0])],
        )
        [group] = (await desk.ask(OffsetFetchRequest(groups=[asked]), 9)).groups
        assert (group.error_code, len(group.topics)) == (code, 0 if code else 1)

    among_groups(test)
