"""JoinGroup, in every version."""

import asyncio

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import settle
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol


@pytest.mark.parametrize("version", versions("join_group"))
def test_the_first_member_leads_and_hears_everyones_metadata(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        joined = await desk.join(version)
        assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
        assert joined.member_id.startswith("a-client-")
        assert joined.leader == joined.member_id
        assert [member.member_id for member in joined.members] == [joined.member_id]
        assert joined.members[0].metadata.endswith(b"t\xff\xff\xff\xff")
        assert joined.protocol_type == ("consumer" if version >= 7 else None)

    among_groups(test)


@pytest.mark.parametrize("version", versions("join_group"))
def test_a_member_id_is_required_from_version_4_on(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        protocols = [JoinGroupRequestProtocol(name="range", metadata=b"")]
        request = JoinGroupRequest(
            group_id="g", session_timeout_ms=6000, member_id="", protocol_type="consumer", protocols=protocols
        )
        answer = await desk.ask(request, version)
        assert answer.error_code == (79 if version >= 4 else 0)
        assert answer.member_id.startswith("a-client-")

    among_groups(test)


@pytest.mark.parametrize("version", versions("join_group"))
def test_an_error_echoes_the_member_id_and_has_no_generation(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        refusals = {
            24: await desk.join(version, "me", group=""),
            26: await desk.join(version, "me", session_timeout_ms=99),
            25: await desk.join(version, "me"),
        }
        for code, answer in refusals.items():
            assert (answer.error_code, answer.generation_id, answer.member_id) == (code, -1, "me")
            assert (answer.leader, answer.members, answer.protocol_type) == ("", [], None)
            assert answer.protocol_name == (None if version >= 7 else "")

    among_groups(test)


def test_the_bounds_of_the_session_timeout_are_configs() -> None:
    async def test(desk: GroupDesk) -> None:
        assert (await desk.join(session_timeout_ms=99)).error_code == 26
        assert (await desk.join(session_timeout_ms=100)).error_code == 0
        assert (await desk.join(session_timeout_ms=201)).error_code == 26

    bounds = {"group.min.session.timeout.ms": "100", "group.max.session.timeout.ms": "200"}
    among_groups(test, config=bounds)


def test_a_join_is_parked_until_all_have_joined() -> None:
    async def test(desk: GroupDesk) -> None:
        first, generation = await desk.member()
        second = asyncio.ensure_future(desk.join())
        await settle()
        assert not second.done()
        assert await desk.heartbeat(first, generation) == 27
        again = await desk.join(9, first)
        assert again.generation_id == generation + 1
        assert {member.member_id for member in again.members} == {first, (await second).member_id}
        assert (await second).members == []

    among_groups(test)


def test_version_0_waits_for_members_as_long_as_a_session_lasts() -> None:
    async def test(desk: GroupDesk) -> None:
        first = (await desk.join(0, session_timeout_ms=10_000)).member_id
        await desk.sync(first, 1, {first: b"all"}, 0)
        started = desk.world.time_ms()
        second = await desk.join(0, session_timeout_ms=10_000)
        assert second.leader == second.member_id
        assert desk.world.time_ms() - started == 10_000

    among_groups(test)


def test_a_returning_static_leader_is_told_not_to_assign_if_it_can_hear_that() -> None:
    async def test(desk: GroupDesk) -> None:
        first = await desk.join(group_instance_id="i")
        await desk.sync(first.member_id, 1, {first.member_id: b"all"}, group_instance_id="i")
        old = await desk.join(8, group_instance_id="i")
        assert (old.generation_id, old.leader, old.skip_assignment) == (1, first.member_id, False)
        new = await desk.join(9, group_instance_id="i")
        assert (new.generation_id, new.leader, new.skip_assignment) == (1, new.member_id, True)
        assert await desk.heartbeat(first.member_id, 1, group_instance_id="i") == 82

    among_groups(test)


def test_an_initial_delay_gathers_the_first_generation() -> None:
    async def test(desk: GroupDesk) -> None:
        first = asyncio.ensure_future(desk.join(3))
        second = asyncio.ensure_future(desk.join(3))
        assert len((await first).members) == 2
        assert (await second).generation_id == 1

    among_groups(test, config={"group.initial.rebalance.delay.ms": "3000"})


def test_a_node_that_does_not_coordinate_the_group_says_so() -> None:
    async def test(desk: GroupDesk) -> None:
        index = desk.cluster.groups.coordinator("g")
        leader, _ = desk.cluster.catalog.leader("__consumer_offsets", index)
        request = JoinGroupRequest(
            group_id="g", session_timeout_ms=10_000, member_id="", protocol_type="consumer", protocols=[]
        )
        for node in (1, 2):
            answer = await desk.ask(request, 9, node=node)
            assert answer.error_code == (23 if node == leader else 16)

    among_groups(test, nodes=(1, 2))


def test_who_may_not_read_the_group_does_not_join_it() -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("READ", "GROUP", "g")}
        assert (await desk.join()).error_code == 30

    among_groups(test)
