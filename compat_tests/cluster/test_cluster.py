"""Three brokers in one process, leaders that move and brokers that end and come back by a seed, under stock clients.

Producers are idempotent with acks=all, topics have three replicas and min.insync.replicas 2. Whatever happens in
between: nothing that was acknowledged is lost or doubled, a group reads all of it, and no committed offset goes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compat_tests.cluster.life import Commits, Reader, steps
from compat_tests.conftest import CLIENTS
from compat_tests.crash.checks import PARTITIONS, Writer, check, read_everything
from compat_tests.drivers import Client, Out, Stored
from compat_tests.tools import Deadline, unique
from kbroker.testing import Cluster

pytestmark = pytest.mark.kbroker_only("its brokers are stopped and leaders moved by kbroker's own verbs")

Open = Callable[[str, str], Client]
CHUNK = 200


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(brokers=3, racks=["a", "b", "c"]) as running:
        yield running


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for seed, name in enumerate(CLIENTS, 1)])
def test_clients_ride_through_leader_moves_and_brokers_that_die(
    name: str, seed: int, cluster: Cluster, open_clients: Open
) -> None:
    client = open_clients(name, cluster.bootstrap)
    topic, group = unique("ride"), unique("riders")
    cluster.create_topic(topic, PARTITIONS)
    commits, told = Commits(cluster, group), threading.Condition()
    readers = [Reader(client.consumer(group=group), topic, told) for _ in range(2)]
    writer = Writer(client.producer(), topic, CHUNK)
    for thread in (*readers, writer):
        thread.start()
    deadline = Deadline("all steps", 100)
    for at, step in enumerate(steps(cluster, seed, rounds=2)):
        cluster.wait_records(topic, CHUNK * (at + 1), timeout=60)
        step()
        commits.look()
        deadline.check(f"(at step {at})")
    answers = writer.end()
    assert len(answers) >= 10 * CHUNK
    everything = {(partition, offset) for partition, offset in map(_place, answers) if offset >= 0}

    def read() -> set[tuple[int, int]]:
        return {(record.partition, record.offset) for reader in readers for record in reader.records}

    with told:  # a member whose coordinator has died may be waited for until its session is over, 45 s, and once more
        done = told.wait_for(lambda: everything <= read() or any(reader.error for reader in readers), 120)
    for reader in readers:
        reader.end()  # before anything can fail: a consumer that is polled cannot be closed
    assert [reader.error for reader in readers] == [None, None]
    assert done, f"{len(everything - read())} records were never read"
    commits.look()
    assert sum(commits.seen.values()) > CHUNK, "hardly a commit has come through"
    check(read_everything(client, topic), answers)


def _place(answer: Any) -> tuple[int, int]:
    assert isinstance(answer, Stored), answer
    return answer.partition, answer.offset


def test_a_producer_waits_until_enough_replicas_are_there_again(cluster: Cluster, open_clients: Open) -> None:
    """NOT_ENOUGH_REPLICAS is retried by the client; what was written meanwhile with acks=1 stays."""
    client = open_clients("confluent", cluster.bootstrap)
    cluster.create_topic("orders")
    for node in cluster:
        if node.id != cluster.partition("orders").leader:
            node.stop()
    answers: list[Any] = []
    producer = client.producer()
    sending = threading.Thread(target=lambda: answers.extend(producer.send("orders", Out(b"1"))), daemon=True)
    sending.start()
    cluster.wait_requests("Produce", 2, failed=True)
    assert cluster.records("orders") == []
    for state in cluster.node_states():
        if state.state == "stopped":
            cluster[state.id].start()
    sending.join(60)
    assert answers == [Stored(0, 0)]
