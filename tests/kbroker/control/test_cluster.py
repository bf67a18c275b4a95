"""A cluster in one process: what brokers that stop, die and hang look like to clients, and what becomes of records."""

import asyncio
from typing import Any

import pytest

from kbroker.control.table import ControlError
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.running import Client, connect, run
from wire.batch import batches
from wire.errors import KafkaError
from wire.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from wire.messages.describe_cluster import DescribeClusterRequest
from wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.metadata import MetadataRequest
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch, iterate

NOT_LEADER, TIMED_OUT, NOT_COORDINATOR, NOT_ENOUGH_REPLICAS, OUT_OF_RANGE = 6, 7, 16, 19, 1
LEADER_NOT_AVAILABLE = 5


async def topic(client: Client, name: str = "a", partitions: int = 1, **configs: str) -> None:
    set_ = [CreatableTopicConfig(name=each.replace("_", "."), value=value) for each, value in configs.items()]
    wanted = CreatableTopic(
        name=name, num_partitions=partitions, replication_factor=3, assignments=[], configs=set_
    )
    (result,) = (await client.ask(CreateTopicsRequest(topics=[wanted]), 7)).topics
    assert result.error_code == 0, result.error_message


def produce(value: bytes = b"v", *, acks: int = -1, timeout_ms: int = 5000) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=build_batch([Record(b"k", value)], timestamp=1))
    topics = [TopicProduceData(name="a", partition_data=[data])]
    return ProduceRequest(transactional_id=None, acks=acks, timeout_ms=timeout_ms, topic_data=topics)


async def write(client: Client, value: bytes = b"v", **how: Any) -> int:
    response = await client.ask(produce(value, **how), 10)
    code: int = response.responses[0].partition_responses[0].error_code
    return code


async def fetch(client: Client, offset: int, *, epoch: int = -1, fetched: int = -1, version: int = 12) -> Any:
    partition = FetchPartition(
        partition=0, fetch_offset=offset, partition_max_bytes=1 << 20, current_leader_epoch=epoch,
        last_fetched_epoch=fetched,
    )  # fmt: skip
    asked = FetchRequest(
        max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, topics=[FetchTopic(topic="a", partitions=[partition])]
    )
    return (await client.ask(asked, version)).responses[0].partitions[0]


def values(found: Any) -> list[bytes]:
    return [record.value for batch in batches(bytes(found.records or b"")) for record in iterate(batch)]


async def to(hand: Hand, node: int) -> Client:
    client = await connect(hand.broker, node - 1)
    hand.clients.append(client)
    return client


async def leading(client: Client) -> tuple[int, int, list[int], int]:
    """Leader, its epoch, the in-sync replicas and the error, as Metadata tells them."""
    told = (await client.ask(MetadataRequest(topics=None), 12)).topics[0].partitions[0]
    return told.leader_id, told.leader_epoch, sorted(told.isr_nodes), told.error_code


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_broker_that_ends_breaks_its_connections_refuses_and_is_followed_by_another(how: str) -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first, second = await to(hand, 1), await to(hand, 2)
            await topic(first)
            assert await write(first) == 0
            told = await hand(f"nodes.{how}", node=1)
            assert (told.state, told.leads, told.connections) == ("stopped", 0, 0)
            assert await first.is_closed()
            with pytest.raises(ConnectionRefusedError):
                await connect(hand.broker, 0)
            assert await leading(second) == (2, 1, [2, 3], 0)
            brokers = (await second.ask(MetadataRequest(topics=[]), 12)).brokers
            assert [each.node_id for each in brokers] == [2, 3]
            assert await write(second) == 0
            assert len(values(await fetch(second, 0))) == 2

    run(test)


def test_a_stopped_broker_is_fenced_and_listed_for_who_asks_for_such() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            second = await to(hand, 2)
            await hand("nodes.stop", node=1)
            told = await second.ask(DescribeClusterRequest(include_fenced_brokers=True), 2)
            assert [(each.broker_id, each.is_fenced) for each in told.brokers] == [(1, True), (2, False), (3, False)]
            told = await second.ask(DescribeClusterRequest(), 2)
            assert [each.broker_id for each in told.brokers] == [2, 3]
            assert told.controller_id == 2

    run(test)


def test_a_broker_that_comes_back_listens_where_it_did_and_is_in_sync_again() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            second = await to(hand, 2)
            await topic(second)
            bound = list(hand.broker.bound)
            await hand("nodes.kill", node=1)
            assert await write(second) == 0
            told = await hand("nodes.start", node=1)
            assert (told.state, told.bootstrap) == ("running", bound[0])
            assert await leading(second) == (2, 1, [1, 2, 3], 0)
            first = await to(hand, 1)
            assert await hand("leaders.elect", topic="a") == 1
            assert await leading(first) == (1, 2, [1, 2, 3], 0)
            assert await write(first) == 0
            assert len(values(await fetch(first, 0))) == 2

    run(test)


def test_a_paused_broker_accepts_and_says_nothing_until_it_goes_on() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first, second = await to(hand, 1), await to(hand, 2)
            await topic(first)
            await hand("nodes.pause", node=1)
            late = await to(hand, 1)
            for client in (first, late):
                client.send(MetadataRequest(topics=[]), 12)
            assert await leading(second) == (1, 0, [1, 2, 3], 0), "nobody has noticed"
            await hand("nodes.notice", node=1)
            assert (await leading(second))[:2] == (2, 1)
            answers = [asyncio.ensure_future(client.receive()) for client in (first, late)]
            assert not any(answer.done() for answer in answers)
            await hand("nodes.start", node=1)
            for answer in answers:
                assert [each.node_id for each in (await answer).brokers] == [1, 2, 3]

    run(test)


def test_a_death_that_nobody_notices_leaves_partitions_without_an_answer_until_it_is_noticed() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            second = await to(hand, 2)
            await topic(second)
            await hand("nodes.kill", node=1, elect=False)
            assert (await leading(second))[3] == LEADER_NOT_AVAILABLE
            assert await write(second) == NOT_LEADER
            await hand("nodes.notice", node=1)
            assert await write(second) == 0

    run(test)


def test_a_leader_that_moved_is_named_to_whoever_asks_the_old_one() -> None:
    async def test() -> None:
        async with controlling(3, kbroker_racks="a,b,c") as hand:
            first = await to(hand, 1)
            await topic(first)
            moved = await hand("leaders.move", topic="a", partition=0, leader=3)
            assert (moved.leader, moved.leader_epoch) == (3, 1)
            response = await first.ask(produce(), 10)
            refused = response.responses[0].partition_responses[0]
            assert refused.error_code == NOT_LEADER
            assert (refused.current_leader.leader_id, refused.current_leader.leader_epoch) == (3, 1)
            (named,) = response.node_endpoints
            assert (named.node_id, f"{named.host}:{named.port}", named.rack) == (3, hand.broker.bound[2], "c")

    run(test)


def test_acks_all_wants_as_many_in_sync_as_the_topic_says_but_never_more_than_there_are() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first = await to(hand, 1)
            await topic(first, min_insync_replicas="2")
            assert await write(first) == 0
            await hand("nodes.stop", node=2)
            assert await write(first) == 0
            await hand("nodes.stop", node=3)
            assert await write(first) == NOT_ENOUGH_REPLICAS
            assert await write(first, acks=1) == 0
            await hand("nodes.start", node=3)
            assert await write(first) == 0
            await hand("leaders.assign", topic="a", partition=0, replicas=[1])
            assert await write(first) == 0, "one replica is all that there is"

    run(test)


def test_a_follower_that_lags_holds_up_acks_all_and_consumers_until_it_is_out_of_sync() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first = await to(hand, 1)
            await topic(first)
            assert await write(first) == 0
            await hand("leaders.hold", topic="a", partition=0, node=2)
            assert await write(first, timeout_ms=20) == TIMED_OUT
            found = await fetch(first, 0)
            assert (found.high_watermark, len(values(found))) == (1, 1)
            told = await hand("leaders.in_sync", topic="a", partition=0, isr=[1, 3])
            assert (told.high_watermark, told.isr) == (2, [1, 3])
            assert len(values(await fetch(first, 0))) == 2
            assert (await hand("leaders.in_sync", topic="a", partition=0, isr=[1, 2, 3])).high_watermark == 2

    run(test)


def test_a_leader_that_had_not_copied_everything_cuts_the_log_and_clients_find_where() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first, second = await to(hand, 1), await to(hand, 2)
            await topic(first)
            for value in (b"0", b"1"):
                assert await write(first, value) == 0
            await hand("leaders.hold", topic="a", partition=0, node=2)
            assert await write(first, b"lost", acks=1) == 0
            moved = await hand("leaders.move", topic="a", partition=0, leader=2)
            assert (moved.leader_epoch, moved.end_offset, moved.high_watermark) == (1, 2, 2)
            partition = OffsetForLeaderPartition(partition=0, leader_epoch=0, current_leader_epoch=1)
            asked = OffsetForLeaderEpochRequest(
                replica_id=-1, topics=[OffsetForLeaderTopic(topic="a", partitions=[partition])]
            )
            told = (await second.ask(asked, 4)).topics[0].partitions[0]
            assert (told.error_code, told.leader_epoch, told.end_offset) == (0, 0, 2)
            diverged = (await fetch(second, 3, epoch=1, fetched=0)).diverging_epoch
            assert (diverged.epoch, diverged.end_offset) == (0, 2)
            assert (await fetch(second, 3)).error_code == OUT_OF_RANGE
            assert await write(second, b"2") == 0
            assert values(await fetch(second, 0)) == [b"0", b"1", b"2"]

    run(test)


def test_where_nobody_in_sync_is_left_an_unclean_election_loses_what_was_not_copied() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first = await to(hand, 1)
            await topic(first, min_insync_replicas="1")
            assert await write(first, b"0") == 0
            await hand("nodes.stop", node=3)
            assert await write(first, b"1") == 0
            for node in (2, 1):
                await hand("nodes.kill", node=node)
            await hand("nodes.start", node=3)
            third = await to(hand, 3)
            assert (await leading(third))[::3] == (-1, LEADER_NOT_AVAILABLE)
            with pytest.raises(KafkaError, match="PREFERRED"):
                await hand("leaders.elect", topic="a")
            assert await hand("leaders.elect", topic="a", unclean=True) == 1
            assert (await leading(third))[::2] == (3, [3])
            assert values(await fetch(third, 0)) == [b"0"]
            await hand("nodes.start", node=1)
            assert (await leading(third))[2] == [1, 3]

    run(test)


def test_the_same_with_the_unclean_leader_election_of_the_topic_happens_by_itself() -> None:
    async def test() -> None:
        async with controlling(2) as hand:
            first = await to(hand, 1)
            wanted = CreatableTopic(
                name="a", num_partitions=1, replication_factor=2, assignments=[],
                configs=[CreatableTopicConfig(name="unclean.leader.election.enable", value="true")],
            )  # fmt: skip
            await first.ask(CreateTopicsRequest(topics=[wanted]), 7)
            await hand("nodes.stop", node=2)
            assert await write(first, b"lost") == 0
            await hand("nodes.kill", node=1)
            await hand("nodes.start", node=2)
            second = await to(hand, 2)
            assert (await leading(second))[::2] == (2, [2])
            assert values(await fetch(second, 0)) == []

    run(test)


def test_a_coordinator_moves_with_its_partition_and_keeps_what_was_committed() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            clients = {node: await to(hand, node) for node in (1, 2, 3)}
            await topic(clients[1])

            async def coordinator(client: Client) -> int:
                asked = FindCoordinatorRequest(coordinator_keys=["g"], key_type=0)
                node: int = (await client.ask(asked, 4)).coordinators[0].node_id
                return node

            before = await coordinator(clients[1])
            offset = OffsetCommitRequestPartition(partition_index=0, committed_offset=7, committed_metadata=None)
            commit = OffsetCommitRequest(
                group_id="g", topics=[OffsetCommitRequestTopic(name="a", partitions=[offset])]
            )
            assert (await clients[before].ask(commit, 8)).topics[0].partitions[0].error_code == 0
            await hand("nodes.kill", node=before)
            others = [node for node in (1, 2, 3) if node != before]
            after = await coordinator(clients[others[0]])
            assert after in others
            wrong = next(node for node in others if node != after)
            assert (await clients[wrong].ask(commit, 8)).topics[0].partitions[0].error_code == NOT_COORDINATOR
            group = OffsetFetchRequestGroup(
                group_id="g", topics=[OffsetFetchRequestTopics(name="a", partition_indexes=[0])]
            )
            told = (await clients[after].ask(OffsetFetchRequest(groups=[group]), 8)).groups[0]
            assert told.topics[0].partitions[0].committed_offset == 7

    run(test)


def test_a_shuffle_is_the_same_for_the_same_seed() -> None:
    async def test() -> None:
        found = []
        for _ in range(2):
            async with controlling(3) as hand:
                await topic(await to(hand, 1), partitions=12)
                assert await hand("leaders.shuffle", seed=5) == 12
                partitions = (await hand("topics.get", name="a")).partitions
                assert all(each.leader_epoch == 1 for each in partitions)
                found.append([each.leader for each in partitions])
        assert found[0] == found[1]

    run(test)


def test_a_reset_brings_all_brokers_back() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            await topic(await to(hand, 1))
            await hand("nodes.kill", node=1)
            await hand("nodes.pause", node=2)
            await hand("data.reset")
            assert [each.state for each in await hand("nodes.list")] == ["running"] * 3
            client = await to(hand, 1)
            await topic(client)
            assert (await leading(client))[2] == [1, 2, 3]

    run(test)


def test_what_cannot_be_done_to_a_broker_is_said() -> None:
    async def test() -> None:
        async with controlling(2) as hand:
            for verb, node, message in (
                ("start", 1, "broker 1 runs"),
                ("notice", 2, "broker 2 runs"),
                ("stop", 9, "there is no node 9 here; there are 1, 2"),
            ):
                with pytest.raises(ControlError, match=message):
                    await hand(f"nodes.{verb}", node=node)
            await hand("nodes.stop", node=1)
            with pytest.raises(ControlError, match="stopped already"):
                await hand("nodes.kill", node=1)

    run(test)


async def fetch_from_rack(client: Client, offset: int, rack: str) -> Any:
    partition = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    asked = FetchRequest(
        max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, rack_id=rack,
        topics=[FetchTopic(topic="a", partitions=[partition])],
    )  # fmt: skip
    return (await client.ask(asked, 12)).responses[0].partitions[0]


SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector"


def test_a_consumer_is_sent_to_the_replica_of_its_rack_and_reads_there_what_that_one_has() -> None:
    async def test() -> None:
        async with controlling(3, kbroker_racks="a,b,c", replica_selector_class=SELECTOR) as hand:
            first, second = await to(hand, 1), await to(hand, 2)
            await topic(first)
            assert await write(first, b"0") == 0
            told = await fetch_from_rack(first, 0, "b")
            assert (told.preferred_read_replica, values(told), told.high_watermark) == (2, [], 1)
            assert values(await fetch_from_rack(second, 0, "b")) == [b"0"]
            for rack in ("a", "z", ""):
                told = await fetch_from_rack(first, 0, rack)
                assert (told.preferred_read_replica, values(told)) == (-1, [b"0"]), rack
            await hand("leaders.in_sync", topic="a", partition=0, isr=[1, 3])
            assert (await fetch_from_rack(first, 0, "b")).preferred_read_replica == -1, "it is not in sync"

    run(test)


def test_a_follower_that_lags_serves_what_it_has_and_refuses_what_it_does_not_know() -> None:
    async def test() -> None:
        async with controlling(3) as hand:
            first, second = await to(hand, 1), await to(hand, 2)
            await topic(first)
            assert await write(first, b"0") == 0
            await hand("leaders.hold", topic="a", partition=0, node=2)
            await hand("leaders.in_sync", topic="a", partition=0, isr=[1, 3])
            assert await write(first, b"1") == 0
            told = await fetch(second, 0)
            assert (values(told), told.high_watermark) == ([b"0"], 1)
            assert (await fetch(second, 2)).error_code == OUT_OF_RANGE
            assert (await fetch(second, 0, version=10)).error_code == NOT_LEADER, "KIP-392 came with version 11"
            await hand("leaders.release", topic="a", partition=0, node=2)
            assert values(await fetch(second, 0)) == [b"0", b"1"]

    run(test)
