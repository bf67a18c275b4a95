"""Groups through the control: streams groups are seen like the others, and each group tells what has happened to it."""

import asyncio
from typing import Any

from kbroker.control.shapes import TopicPartition
from kbroker.control.table import find
from tests.kbroker.control.controlling import controlling
from tests.kbroker.control.test_clock import coordinator, join
from tests.kbroker.groups.streams.applications import STATELESS
from tests.kbroker.running import run
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest


def test_a_group_tells_what_has_happened_to_it() -> None:
    async def test() -> None:
        async with controlling() as ask:
            assert await ask("groups.history", group="g") == []
            member = await join(await ask.connect())
            told = await ask("groups.history", group="g")
            assert [(each.what, each.member) for each in told] == [
                ("joined", member),
                ("generation", ""),
                ("assigned", member),
            ]
            assert told[1].cause == f"1: 1 member, led by {member}, with range"
            assert 0 <= told[0].at_ms <= told[-1].at_ms

    run(test)


def test_what_happens_to_groups_is_followed_also_over_a_reset() -> None:
    async def test() -> None:
        async with controlling() as ask:
            verb = find("groups.follow")
            assert verb.streams
            changes: Any = verb.run(ask.control, **verb.bind({}))
            others: Any = verb.run(ask.control, **verb.bind({"group": "another"}))
            following, hearing = asyncio.ensure_future(anext(changes)), asyncio.ensure_future(anext(others))
            await asyncio.sleep(0)
            member = await join(await ask.connect())
            told = [await following, await anext(changes), await anext(changes)]
            assert [each.event.what for each in told] == ["joined", "generation", "assigned"]
            assert {each.group for each in told} == {"g"}
            assert told[0].event.member == member
            following = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0)
            await ask("data.reset")
            await join(await ask.connect())
            assert (await following).event.what == "joined"
            assert not hearing.done()
            hearing.cancel()
            await asyncio.wait((hearing,))
            await changes.aclose()

    run(test)


def test_members_of_a_streams_group_have_what_their_tasks_read() -> None:
    async def test() -> None:
        async with controlling() as ask:
            await ask("topics.create", name="in", partitions=2)
            client = await ask.connect()
            await coordinator(client, "app", 0)
            request = StreamsGroupHeartbeatRequest(
                group_id="app",
                member_id="A",
                member_epoch=0,
                endpoint_information_epoch=0,
                rebalance_timeout_ms=1000,
                topology=STATELESS,
                active_tasks=[],
                standby_tasks=[],
                warmup_tasks=[],
                process_id="p",
            )
            assert (await client.ask(request, 1)).error_code == 0
            group = await ask("groups.wait_assigned", group="app")
            assert (group.type, group.state, group.epoch, group.protocol) == ("streams", "Stable", 2, "sticky")
            [member] = group.members
            assert (member.id, member.epoch, member.topics) == ("A", 2, ["in"])
            assert member.assigned == [TopicPartition("in", 0), TopicPartition("in", 1)]

    run(test)
