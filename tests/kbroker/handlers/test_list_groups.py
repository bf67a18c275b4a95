"""ListGroups, in every version."""

from typing import Any

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.list_groups import ListGroupsRequest


async def listed(
    desk: GroupDesk, version: int = 5, *, states: tuple[str, ...] = (), types: tuple[str, ...] = (), **options: Any
) -> set[tuple[str, str, str]]:
    request = ListGroupsRequest(states_filter=list(states), types_filter=list(types))
    response = await desk.ask(request, version, **options)
    assert response.error_code == 0
    return {(group.group_id, group.protocol_type, group.group_state) for group in response.groups}


@pytest.mark.parametrize("version", versions("list_groups"))
def test_groups_of_all_partitions_are_listed(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        assert await listed(desk, version) == set()
        await desk.commit({("t", 0): 1}, group="simple")
        await desk.member(group="one")
        await desk.member(group="two")
        stable, empty = ("Stable", "Empty") if version >= 4 else ("", "")
        expected = {("simple", "", empty), ("one", "consumer", stable), ("two", "consumer", stable)}
        assert await listed(desk, version) == expected
        desk.restart_groups()
        assert await listed(desk, version) == expected

    among_groups(test)


def test_filters_do_not_mind_case() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.commit({("t", 0): 1}, group="simple")
        await desk.member(group="one")
        one, simple = ("one", "consumer", "Stable"), ("simple", "", "Empty")
        assert await listed(desk, states=("STABLE",)) == {one}
        assert await listed(desk, states=("stable", "empty"), types=("Classic",)) == {one, simple}
        assert await listed(desk, states=("bogus",)) == set()
        assert await listed(desk, types=("consumer",)) == set()

    among_groups(test)


def test_each_node_lists_its_own() -> None:
    async def test(desk: GroupDesk) -> None:
        names = [f"group-{number}" for number in range(6)]
        where: dict[int, set[str]] = {1: set(), 2: set()}
        for name in names:
            node, _ = desk.cluster.catalog.leader("__consumer_offsets", desk.cluster.groups.coordinator(name))
            where[node].add(name)
            ctx = desk.context(8, 9, node)
            await desk.cluster.groups.ask(ctx, name, lambda ticket, name=name: join(ticket, name))  # type: ignore[misc]
        for node in (1, 2):
            assert {group for group, _, _ in await listed(desk, node=node)} == where[node] != set()

    among_groups(test, nodes=(1, 2))


def join(ticket: Any, name: str) -> Any:
    """A client that asks for a member id makes the group."""
    from kbroker.groups.events import Join
    from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol

    protocols = [JoinGroupRequestProtocol(name="range", metadata=b"")]
    request = JoinGroupRequest(
        group_id=name, session_timeout_ms=10_000, member_id="", protocol_type="consumer", protocols=protocols
    )
    return Join(ticket, request, "c", "/h", requires_known_member_id=True)


def test_who_may_not_describe_the_cluster_sees_the_groups_that_it_may() -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member(group="one")
        await desk.member(group="two")
        desk.denied = {("DESCRIBE", "CLUSTER", "kafka-cluster"), ("DESCRIBE", "GROUP", "one")}
        assert {group for group, _, _ in await listed(desk)} == {"two"}

    among_groups(test)
