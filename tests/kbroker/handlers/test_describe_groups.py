"""DescribeGroups, in every version."""

from typing import Any

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.describe_groups import DescribeGroupsRequest


async def described(desk: GroupDesk, version: int, *groups: str, operations: bool = False) -> list[Any]:
    request = DescribeGroupsRequest(groups=list(groups), include_authorized_operations=operations)
    found: list[Any] = (await desk.ask(request, version)).groups
    return found


@pytest.mark.parametrize("version", versions("describe_groups"))
def test_a_stable_group_shows_its_protocol_members_and_assignments(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        member, _ = await desk.member()
        (group,) = await described(desk, version, "g")
        assert (group.error_code, group.group_state, group.protocol_type, group.protocol_data) == (
            0, "Stable", "consumer", "range",
        )  # fmt: skip
        (shown,) = group.members
        assert (shown.member_id, shown.client_id, shown.client_host) == (member, "a-client", "/127.0.0.1")
        assert shown.member_assignment == b"all"
        assert shown.member_metadata

    among_groups(test)


@pytest.mark.parametrize("version", versions("describe_groups"))
def test_a_group_that_is_not_there_is_dead_and_from_version_6_on_an_error(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        (group,) = await described(desk, version, "nobody")
        assert (group.group_id, group.group_state, group.members) == ("nobody", "Dead", [])
        assert group.error_code == (69 if version >= 6 else 0)
        assert group.error_message == ("Group nobody not found." if version >= 6 else None)

    among_groups(test)


def test_metadata_is_shown_in_a_stable_group_only() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.join()
        (group,) = await described(desk, 6, "g")
        assert (group.group_state, group.protocol_data) == ("CompletingRebalance", "")
        assert group.members[0].member_metadata == b""

    among_groups(test)


def test_authorized_operations_are_told_who_asks_for_them() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member()
        assert [each.authorized_operations for each in await described(desk, 6, "g")] == [-(2**31)]
        assert [each.authorized_operations for each in await described(desk, 6, "g", operations=True)] == [3400]

    among_groups(test)


def test_each_group_is_answered_for_itself() -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("DESCRIBE", "GROUP", "secret")}
        await desk.member()
        found = await described(desk, 6, "secret", "g", "nobody")
        assert [(group.group_id, group.error_code) for group in found] == [("secret", 30), ("g", 0), ("nobody", 69)]
        assert await described(desk, 6) == []

    among_groups(test)


def test_another_nodes_groups_are_not_described_here() -> None:
    async def test(desk: GroupDesk) -> None:
        index = desk.cluster.groups.coordinator("g")
        leader, _ = desk.cluster.catalog.leader("__consumer_offsets", index)
        request = DescribeGroupsRequest(groups=["g"], include_authorized_operations=False)
        for node in (1, 2):
            (group,) = (await desk.ask(request, 6, node=node)).groups
            assert (group.group_id, group.error_code) == ("g", 69 if node == leader else 16)

    among_groups(test, nodes=(1, 2))
