"""What a test forces on groups and coordinators: assignments, rebalances, other coordinators, epochs that end."""

from typing import Any

import pytest

from kbroker.control.shapes import TopicPartition
from kbroker.control.table import ControlError
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.test_clock import coordinator, join
from tests.kbroker.control.test_data import producer_id, share
from tests.kbroker.groups.streams.applications import STATELESS
from tests.kbroker.running import Client, run
from wire.errors import ErrorCode
from wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    RequestTopicPartitions,
)
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.init_producer_id import InitProducerIdRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.messages.sync_group import SyncGroupRequest

TXN_LAST = 32_766


def forced(body: Any, nodes: int = 1) -> None:
    async def whole() -> None:
        async with controlling(nodes) as ask:
            await ask("topics.create", name="t", partitions=4)
            await body(ask, await ask.connect())

    run(whole)


async def beat(
    client: Client, member: str, epoch: int = 0, owned: list[RequestTopicPartitions] | None = None
) -> ConsumerGroupHeartbeatResponse:
    request = ConsumerGroupHeartbeatRequest(
        group_id="new",
        member_id=member,
        member_epoch=epoch,
        rebalance_timeout_ms=60_000,
        subscribed_topic_names=["t"] if epoch == 0 else None,
        topic_partitions=[] if epoch == 0 else owned,
    )
    while (told := await client.ask(request, 0)).error_code in (14, 15, 16):
        continue
    assert told.error_code == 0, told
    answer: ConsumerGroupHeartbeatResponse = told
    return answer


def assigned(group: Any) -> dict[str, list[TopicPartition]]:
    return {member.id: member.assigned for member in group.members}


def test_a_classic_group_rebalances_now_and_its_members_get_what_was_forced() -> None:
    async def body(ask: Hand, client: Client) -> None:
        member = await join(client)
        alive = HeartbeatRequest(group_id="g", generation_id=1, member_id=member)
        assert (await client.ask(alive, 3)).error_code == ErrorCode.NONE
        await ask("groups.assign", group="g", assignment={"tester": {"t": [3, 1]}})
        assert (await client.ask(alive, 3)).error_code == ErrorCode.REBALANCE_IN_PROGRESS
        again = JoinGroupRequest(
            group_id="g",
            session_timeout_ms=45_000,
            rebalance_timeout_ms=60_000,
            member_id=member,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=b"\0\0\0\0\0\1\0\1t\0\0\0\0")],
        )
        generation = (await client.ask(again, 5)).generation_id
        sync = SyncGroupRequest(group_id="g", generation_id=generation, member_id=member, assignments=[])
        assert (await client.ask(sync, 3)).error_code == ErrorCode.NONE
        group = await ask("groups.get", group="g")
        assert assigned(group) == {member: [TopicPartition("t", 1), TopicPartition("t", 3)]}
        events = await ask("groups.history", group="g")
        assert "somebody asked for a rebalance" in [each.cause for each in events]

    forced(body)


def test_a_consumer_group_goes_to_the_forced_target_until_somebody_comes() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await coordinator(client, "new", 0)
        first = await beat(client, "A")
        topic_id = first.assignment.topic_partitions[0].topic_id
        before = await ask("groups.get", group="new")
        await ask("groups.assign", group="new", assignment={"A": {"t": [2]}})
        owned = RequestTopicPartitions(topic_id=topic_id, partitions=[0, 1, 2, 3])
        told = await beat(client, "A", first.member_epoch, [owned])
        owned.partitions = [2]
        told = await beat(client, "A", told.member_epoch, [owned])
        group = await ask("groups.get", group="new")
        assert (assigned(group), group.epoch) == ({"A": [TopicPartition("t", 2)]}, before.epoch + 1)
        await ask("groups.rebalance", group="new")
        await beat(client, "A", told.member_epoch, [owned])
        assert len(assigned(await ask("groups.get", group="new"))["A"]) == 4, "the assignor has decided again"

    forced(body)


def test_a_share_group_is_seen_assigned_and_evicted() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await share(client, "S")
        group = await ask("groups.get", group="shared")
        assert (group.type, group.state, len(assigned(group)["S"])) == ("share", "Stable", 4)
        await ask("groups.assign", group="shared", assignment={"S": {"t": [0]}})
        await ask("groups.configure", group="shared", configs={"share.record.lock.duration.ms": "15000"})
        assert (await ask("groups.evict", group="shared", member="S")).members == []

    forced(body)


async def streams(client: Client, epoch: int = 0, member: str = "A") -> Any:
    request = StreamsGroupHeartbeatRequest(
        group_id="app",
        member_id=member,
        member_epoch=epoch,
        endpoint_information_epoch=0,
        rebalance_timeout_ms=1000,
        topology=STATELESS if epoch == 0 else None,
        active_tasks=[],
        standby_tasks=[],
        warmup_tasks=[],
        process_id="p",
    )
    while (told := await client.ask(request, 1)).error_code in (14, 15, 16):
        continue
    return told


def test_a_streams_group_rebalances_and_its_tasks_are_nobodys_choice() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await ask("topics.create", name="in", partitions=2)
        await coordinator(client, "app", 0)
        await streams(client)
        before = await ask("groups.get", group="app")
        assert (await ask("groups.rebalance", group="app")).epoch == before.epoch + 1
        with pytest.raises(ControlError, match="assigned by its topology"):
            await ask("groups.assign", group="app", assignment={"A": {"in": [0]}})
        assert (await ask("groups.evict", group="app", member="A")).members == []

    forced(body)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ({"nobody": {"t": [0]}}, "nobody is not in group g; there is "),
        ({"tester": {"x": [0]}}, "there is no topic x"),
        ({"tester": {"t": [4]}}, "there is no t-4"),
    ],
)
def test_what_cannot_be_assigned_is_refused(assignment: Any, sentence: str) -> None:
    async def body(ask: Hand, client: Client) -> None:
        await join(client)
        with pytest.raises(ControlError, match=sentence):
            await ask("groups.assign", group="g", assignment=assignment)
        assert (await ask("groups.get", group="g")).state == "Stable"

    forced(body)


def test_a_coordinator_moves_and_the_group_goes_along() -> None:
    async def body(ask: Hand, client: Client) -> None:
        await ask("groups.list")
        found = await ask("coordinators.get", group="g")
        moved = await ask("coordinators.move", group="g")
        assert moved.leader not in (found.leader, -1)
        assert (await ask("coordinators.move", group="g", node=found.leader)).leader == found.leader
        assert (await ask("coordinators.lose", group="g")).leader == -1
        asked = FindCoordinatorRequest(key="g", key_type=0)
        assert (await client.ask(asked, 3)).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert (await ask("coordinators.move", group="g")).leader > 0
        assert (await client.ask(asked, 3)).error_code == ErrorCode.NONE
        for arguments in ({}, {"group": "g", "transactional_id": "t"}):
            with pytest.raises(ControlError, match="a coordinator is that of a group or of a transactional_id"):
                await ask("coordinators.get", **arguments)

    forced(body, nodes=3)


def test_the_only_broker_reads_its_log_anew() -> None:
    async def body(ask: Hand, client: Client) -> None:
        first = await producer_id(client, "tx")
        before = await ask("coordinators.get", transactional_id="tx")
        after = await ask("coordinators.move", transactional_id="tx")
        assert (after.leader, after.leader_epoch > before.leader_epoch) == (before.leader, True)
        assert await producer_id(client, "tx") == (first[0], first[1] + 1)

    forced(body)


def test_after_the_last_epoch_comes_another_producer_id() -> None:
    async def body(ask: Hand, client: Client) -> None:
        made = await ask("transactions.use_up", transactional_id="tx", left=1)
        assert (made.state, made.epoch) == ("Empty", TXN_LAST - 1)
        assert await producer_id(client, "tx") == (made.producer_id, TXN_LAST)
        later, epoch = await producer_id(client, "tx")
        assert (later > made.producer_id, epoch) == (True, 0)
        with pytest.raises(ControlError, match="epochs only rise"):
            await ask("transactions.use_up", transactional_id="tx", left=40_000)

    forced(body)


@pytest.mark.parametrize("error", ["COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR"])
def test_a_coordinator_loads_for_a_time(error: str) -> None:
    async def body(ask: Hand, client: Client) -> None:
        await coordinator(client, "tx", 1)
        request = InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=60_000)
        fault = await ask("faults.loading", transactional_id="tx", error=error, for_ms=20)
        assert (await client.ask(request, 3)).error_code == ErrorCode[error]
        await ask.control.watch.until(lambda: over(ask, fault.id), str, 10)
        assert (await producer_id(client, "tx"))[1] == 0
        with pytest.raises(ControlError, match="is for a group or for a transactional_id"):
            await ask("faults.loading")

    async def over(ask: Hand, id: int) -> bool | None:
        return (await ask("faults.get", id=id)).used_up or None

    forced(body)
