"""One process, two nodes: each answers for what it leads, and says the same of the cluster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kbroker.broker import Broker
from tests.kbroker.running import Client, connect, run, serving
from wire.messages.api_versions import ApiVersionsRequest
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from wire.messages.describe_cluster import DescribeClusterRequest
from wire.messages.find_coordinator import FindCoordinatorRequest
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.init_producer_id import InitProducerIdRequest
from wire.messages.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from wire.messages.metadata import MetadataRequest
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch

NOT_LEADER, FENCED, UNKNOWN_EPOCH, NOT_COORDINATOR, UNKNOWN_MEMBER = 6, 74, 75, 16, 25


@asynccontextmanager
async def both() -> AsyncIterator[tuple[Broker, Client, Client]]:
    """A broker of two nodes, and a client of each."""
    async with serving(nodes=2) as broker:
        clients = await connect(broker, 0), await connect(broker, 1)
        try:
            yield broker, *clients
        finally:
            for client in clients:
                await client.close()


def topic(name: str, partitions: int, factor: int = 1) -> CreateTopicsRequest:
    creatable = CreatableTopic(
        name=name, num_partitions=partitions, replication_factor=factor, assignments=[], configs=[]
    )
    return CreateTopicsRequest(topics=[creatable])


def produce(name: str, index: int) -> ProduceRequest:
    data = PartitionProduceData(index=index, records=build_batch([Record(b"k", b"v")], timestamp=1))
    topics = [TopicProduceData(name=name, partition_data=[data])]
    return ProduceRequest(transactional_id=None, acks=-1, timeout_ms=1000, topic_data=topics)


def latest(name: str, index: int, epoch: int = -1) -> ListOffsetsRequest:
    partition = ListOffsetsPartition(partition_index=index, current_leader_epoch=epoch, timestamp=-1)
    topics = [ListOffsetsTopic(name=name, partitions=[partition])]
    return ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=topics)


def produced(response: Any) -> int:
    code: int = response.responses[0].partition_responses[0].error_code
    return code


def listed(response: Any) -> tuple[int, int]:
    found = response.topics[0].partitions[0]
    return found.error_code, found.offset


def test_both_nodes_tell_the_same_cluster_and_spread_the_leaders() -> None:
    async def test() -> None:
        async with both() as (broker, first, second):
            assert (await first.ask(topic("a", 4, 2), 7)).topics[0].error_code == 0
            told = [await client.ask(MetadataRequest(topics=None), 12) for client in (first, second)]
            assert told[0] == told[1]
            ids = [node.node_id for node in told[0].brokers]
            assert ids == [1, 2]
            assert told[0].controller_id in ids
            assert [f"{node.host}:{node.port}" for node in told[0].brokers] == broker.bound
            assert [partition.leader_id for partition in told[0].topics[0].partitions] == [1, 2, 1, 2]
            described = [await client.ask(DescribeClusterRequest(), 2) for client in (first, second)]
            assert described[0] == described[1]

    run(test)


def test_each_node_takes_records_and_answers_for_offsets_only_where_it_leads() -> None:
    async def test() -> None:
        async with both() as (_, *clients):
            await clients[0].ask(topic("a", 2), 7)
            for index in (0, 1):
                leader, other = clients[index], clients[1 - index]
                assert produced(await other.ask(produce("a", index), 9)) == NOT_LEADER
                assert produced(await leader.ask(produce("a", index), 9)) == 0
                assert listed(await other.ask(latest("a", index), 7)) == (NOT_LEADER, -1)
                assert listed(await leader.ask(latest("a", index), 7)) == (0, 1)

    run(test)


def test_after_a_move_the_new_leader_serves_in_a_new_epoch_and_the_old_one_refuses() -> None:
    async def test() -> None:
        async with both() as (broker, first, second):
            await first.ask(topic("a", 1, 2), 7)
            assert produced(await first.ask(produce("a", 0), 9)) == 0
            await broker.cluster.catalog.move_leader("a", 0, 2)
            assert produced(await first.ask(produce("a", 0), 9)) == NOT_LEADER
            assert produced(await second.ask(produce("a", 0), 9)) == 0
            assert listed(await second.ask(latest("a", 0, epoch=1), 7)) == (0, 2)
            assert listed(await second.ask(latest("a", 0, epoch=0), 7))[0] == FENCED
            assert listed(await second.ask(latest("a", 0, epoch=2), 7))[0] == UNKNOWN_EPOCH

    run(test)


def test_groups_are_coordinated_by_the_leader_of_their_partition() -> None:
    async def test() -> None:
        async with both() as (_, first, second):
            clients = {1: first, 2: second}
            found: dict[int, str] = {}
            for number in range(40):
                group = f"group-{number}"
                answers = [
                    await client.ask(FindCoordinatorRequest(coordinator_keys=[group], key_type=0), 4)
                    for client in clients.values()
                ]
                assert answers[0] == answers[1]
                assert answers[0].coordinators[0].error_code == 0
                found[answers[0].coordinators[0].node_id] = group
            assert set(found) == {1, 2}
            for node, group in found.items():
                heartbeat = HeartbeatRequest(group_id=group, generation_id=1, member_id="nobody")
                for other, client in clients.items():
                    expected = UNKNOWN_MEMBER if other == node else NOT_COORDINATOR
                    assert (await client.ask(heartbeat, 4)).error_code == expected

    run(test)


def test_producer_ids_of_two_nodes_never_meet() -> None:
    async def test() -> None:
        async with both() as (_, *clients):
            request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0)
            ids = [(await client.ask(request, 4)).producer_id for client in clients * 3]
            assert len(set(ids)) == 6

    run(test)


def test_both_nodes_tell_the_same_features_in_the_same_epoch() -> None:
    async def test() -> None:
        async with both() as (_, *clients):
            request = ApiVersionsRequest(client_software_name="tester", client_software_version="1")
            told = [await client.ask(request, 4) for client in clients]
            assert told[0] == told[1]
            assert told[0].finalized_features_epoch >= 0

    run(test)
