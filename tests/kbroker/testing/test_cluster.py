"""`kbroker.testing.Cluster`: three brokers in a process of their own, by their handles."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from kbroker.testing import Cluster, ControlError


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    with Cluster(brokers=3, racks=["a", "b"]) as running:
        yield running


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    shared.reset()
    return shared


def test_it_is_several_brokers_with_ids_and_racks(cluster: Cluster) -> None:
    assert [(node.id, node.rack, node.state) for node in cluster.node_states()] == [
        (1, "a", "running"), (2, "b", "running"), (3, "a", "running"),
    ]  # fmt: skip
    assert cluster.bootstrap == ",".join(node.bootstrap for node in cluster)
    with pytest.raises(KeyError, match="there is no broker 4; there are 1, 2, 3"):
        cluster[4]


def test_topics_survive_one_broker(cluster: Cluster) -> None:
    cluster.create_topic("orders", 3)
    partition = cluster.partition("orders", 1)
    leader = partition.leader
    assert leader is not None and len(partition.isr) == 3
    cluster[leader].kill()
    assert partition.leader not in (None, leader) and leader not in partition.isr
    cluster.produce("orders", "a", partition=1)
    cluster[leader].start()
    assert len(partition.isr) == 3
    assert [record.value for record in cluster.records("orders")] == [b"a"]
    assert cluster.elect("orders") == 1 and partition.leader == leader


def test_leaders_are_set_and_taken_away(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    partition = cluster.partition("orders")
    others = [node for node in partition.replicas if node != partition.leader]
    partition.leader = others[0]
    assert partition.leader == others[0]
    partition.leader = None
    assert partition.leader is None
    partition.leader = others[1]
    assert partition.leader == others[1]


def test_replicas_and_those_in_sync_are_set(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    partition = cluster.partition("orders")
    leader = partition.leader
    assert leader is not None
    partition.isr = [leader]
    assert partition.isr == [leader]
    partition.replicas = [2, 1]
    assert partition.replicas == [2, 1]
    with pytest.raises(ControlError, match="INVALID_REQUEST"):
        partition.isr = [3]


def test_a_shuffle_moves_every_partition(cluster: Cluster) -> None:
    cluster.create_topic("orders", 6)
    before = [each.leader for each in cluster.topic("orders").partitions]
    assert cluster.shuffle_leaders(seed=3, topic="orders") == 6
    after = [each.leader for each in cluster.topic("orders").partitions]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_stopped_broker_keeps_its_port_for_itself(cluster: Cluster) -> None:
    host, _, port = cluster[2].bootstrap.rpartition(":")
    cluster[2].stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((host, int(port)))
    cluster[2].start()
    socket.create_connection((host, int(port)), 5).close()


def test_in_asyncio_nothing_blocks_the_loop(cluster: Cluster) -> None:
    async def test() -> None:
        await cluster[1].restart.aio()
        assert [node.state for node in await cluster.node_states.aio()] == ["running"] * 3

    asyncio.run(test())
