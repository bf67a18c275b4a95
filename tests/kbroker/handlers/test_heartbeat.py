"""Heartbeat, in every version."""

import asyncio

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from tests.kbroker.virtual import passed, settle
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse


@pytest.mark.parametrize("version", versions("heartbeat"))
def test_a_member_hears_of_a_rebalance_and_strangers_that_they_are(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        assert await desk.heartbeat(member, generation, version) == 0
        assert await desk.heartbeat(member, generation + 1, version) == 22
        assert await desk.heartbeat("stranger", generation, version) == 25
        assert await desk.heartbeat(member, generation, version, group="other") == 25
        assert await desk.heartbeat(member, generation, version, group="") == 24
        joining = asyncio.ensure_future(desk.join())
        await settle()
        assert await desk.heartbeat(member, generation, version) == 27
        joining.cancel()

    among_groups(test)


def test_heartbeats_keep_a_session_alive_and_cost_no_append() -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        index = desk.cluster.groups.coordinator("g")
        topic = desk.cluster.catalog.topic("__consumer_offsets")
        assert topic is not None
        log = desk.cluster.partitions.open(topic, index)
        end = log.end
        for _ in range(5):
            await passed(9.9)
            assert await desk.heartbeat(member, generation) == 0
        assert log.end == end
        await passed(10)
        assert await desk.heartbeat(member, generation) == 25

    among_groups(test)


def test_a_heartbeat_is_answered_without_waiting() -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        entry = desk.cluster.apis.entry(12)
        assert entry is not None
        request = HeartbeatRequest(group_id="g", generation_id=generation, member_id=member)
        assert entry.handler(request, desk.context(12, 4)) == HeartbeatResponse(error_code=0)

    among_groups(test)


def test_who_may_not_read_the_group_is_told() -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = {("READ", "GROUP", "g")}
        assert await desk.heartbeat("m", 1) == 30

    among_groups(test)
