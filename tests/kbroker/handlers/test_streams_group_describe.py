"""StreamsGroupDescribe, in every version; and what the APIs of all groups say of streams groups."""

from typing import Any

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.handlers.test_consumer_group_describe import listed
from tests.kbroker.handlers.test_streams_group_heartbeat import COUNTS, beat
from tests.kbroker.virtual import passed
from wire.messages.delete_groups import DeleteGroupsRequest
from wire.messages.describe_groups import DescribeGroupsRequest
from wire.messages.streams_group_describe import StreamsGroupDescribeRequest


async def describe(desk: GroupDesk, *groups: str, version: int = 1, **fields: Any) -> list[Any]:
    response = await desk.ask(StreamsGroupDescribeRequest(group_ids=list(groups), **fields), version)
    described: list[Any] = response.groups
    return described


@pytest.mark.parametrize("version", versions("streams_group_describe"))
def test_a_group_shows_its_topology_and_who_runs_what(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk, topology=COUNTS, instance_id="i", rack_id="r")
        await passed(0.01)
        await beat(desk, epoch=2, instance_id="i")
        [group] = await describe(desk, "app", version=version)
        assert (group.error_code, group.group_state, group.group_epoch, group.assignment_epoch) == (0, "Stable", 3, 3)
        assert [each.subtopology_id for each in group.topology.subtopologies] == ["0", "1"]
        changelog = group.topology.subtopologies[1].state_changelog_topics[0]
        assert (changelog.name, changelog.partitions) == ("app-counts", 2)
        [member] = group.members
        assert (member.member_id, member.instance_id, member.rack_id, member.process_id) == ("A", "i", "r", "p")
        assert [(each.subtopology_id, each.partitions) for each in member.assignment.active_tasks] == [
            ("0", [0, 1]),
            ("1", [0, 1]),
        ]
        assert group.assignor_name == ("sticky" if version >= 1 else None)

    among_groups(test)


def test_only_streams_groups_are_found() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member(group="classic")
        missing, other = await describe(desk, "nope", "classic")
        assert (missing.error_code, missing.error_message) == (69, "Group nope not found.")
        assert (other.error_code, other.error_message) == (69, "Group classic is not a streams group.")

    among_groups(test)


def test_a_description_of_the_topology_is_not_stored_here() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk)
        [group] = await describe(desk, "app", include_topology_description=True, include_authorized_operations=True)
        assert (group.topology_description, group.topology_description_status) == (None, 1)
        assert group.authorized_operations >= 0

    among_groups(test)


def test_who_may_not_see_the_group_or_its_topics_is_told() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk)
        desk.denied = {("DESCRIBE", "TOPIC", "t")}
        [group] = await describe(desk, "app")
        assert (group.error_code, group.members, group.topology) == (29, [], None)
        desk.denied = {("DESCRIBE", "GROUP", "app")}
        assert [group.error_code for group in await describe(desk, "app")] == [30]

    among_groups(test)


def test_the_apis_of_all_groups_know_it() -> None:
    async def test(desk: GroupDesk) -> None:
        await beat(desk)
        assert await listed(desk, types=["streams"]) == [("app", "Stable", "streams", "streams")]
        described = (await desk.ask(DescribeGroupsRequest(groups=["app"]), 6)).groups[0]
        assert (described.error_code, described.group_state) == (69, "Dead")
        assert [each.error_code for each in (await desk.ask(DeleteGroupsRequest(groups_names=["app"]), 2)).results] == [
            68
        ]
        await beat(desk, epoch=-1)
        assert await listed(desk, states=["empty"]) == [("app", "Empty", "streams", "streams")]
        assert [each.error_code for each in (await desk.ask(DeleteGroupsRequest(groups_names=["app"]), 2)).results] == [
            0
        ]

    among_groups(test)


def test_where_streams_groups_are_off_it_is_unsupported() -> None:
    async def test(desk: GroupDesk) -> None:
        assert [group.error_code for group in await describe(desk, "app")] == [35]

    among_groups(test, config={"group.coordinator.rebalance.protocols": "classic,consumer"})
