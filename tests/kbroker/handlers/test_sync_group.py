"""SyncGroup, in every version."""

import asyncio

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import settle


@pytest.mark.parametrize("version", versions("sync_group"))
def test_followers_wait_for_the_leaders_assignment(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        leader, _ = await desk.member()
        joining = asyncio.ensure_future(desk.join())
        await settle()
        await desk.join(9, leader)
        follower = (await joining).member_id
        parked = asyncio.ensure_future(desk.sync(follower, 2, version=version))
        await settle()
        assert not parked.done()
        given = await desk.sync(leader, 2, {leader: b"one", follower: b"two"}, version)
        assert (given.error_code, given.assignment) == (0, b"one")
        assert (await parked).assignment == b"two"
        assert (await desk.sync(follower, 2, version=version)).assignment == b"two"
        named = ("consumer", "range") if version >= 5 else (None, None)
        assert (given.protocol_type, given.protocol_name) == named

    among_groups(test)


def test_the_protocol_has_to_be_named_from_version_5_on() -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        for names in ({"protocol_name": None}, {"protocol_type": None}, {"protocol_name": "other"}):
            assert (await desk.sync(member, generation, **names)).error_code == 23
        assert (await desk.sync(member, generation)).error_code == 0

    among_groups(test)


@pytest.mark.parametrize("version", versions("sync_group"))
def test_strangers_and_old_generations_are_refused(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        assert (await desk.sync("stranger", generation, version=version)).error_code == 25
        assert (await desk.sync(member, generation - 1, version=version)).error_code == 22
        assert (await desk.sync(member, generation, version=version, group="other")).error_code == 25
        assert (await desk.sync(member, generation, version=version, group="")).error_code == 24

    among_groups(test)


def test_who_may_not_read_the_group_gets_no_assignment() -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        desk.denied = {("READ", "GROUP", "g")}
        assert (await desk.sync(member, generation)).error_code == 30

    among_groups(test)
