"""The process as a user meets it: its ready line, `localhost`, leader epochs over restarts, settings, memory only."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from compat_tests.broker import BrokerFailed, Process
from compat_tests.conftest import CLIENTS
from compat_tests.drivers import Client, Out
from compat_tests.members import Members
from compat_tests.tools import Deadline, unique
from compat_tests.wire.connection import Connection, batch
from compat_tests.wire.test_promises import create, produce

Make = Callable[..., Process]
Open = Callable[[str, str], Client]
ours = pytest.mark.kbroker_only("the command line is ours")


@ours
def test_one_line_on_stdout_and_a_clean_end(new_broker: Make) -> None:
    broker = new_broker()
    line = broker.ready_line
    assert line.startswith("kbroker ") and f" ready on 127.0.0.1:{broker.port} data={broker.data} pid=" in line
    assert int(line.rpartition("pid=")[2]) == broker.pid
    assert broker.stop() == 0
    assert broker.ready_line == line, "nothing else was said on stdout"
    assert "Traceback" not in broker.stderr_tail()


@ours
def test_a_second_broker_on_the_same_data_refuses_with_a_sentence(new_broker: Make, open_clients: Open) -> None:
    first = new_broker()
    second = Process(first.data.parent)
    second.stderr_path = first.data.parent / "second.log"
    with pytest.raises(BrokerFailed, match="ended with status 2"):
        second.start()
    assert "Traceback" not in second.stderr_tail()
    topic = unique("still")
    with open_clients("confluent", first.bootstrap).producer() as producer:
        assert producer.send(topic, Out(b"still there"))[0].offset == 0


@ours
@pytest.mark.parametrize("name", list(CLIENTS))
def test_localhost_is_reached_on_both_families(new_broker: Make, open_clients: Open, name: str) -> None:
    """`localhost` is ::1 first for librdkafka, Node and Go: a broker on 127.0.0.1 alone is an error at each start."""
    broker = new_broker(listen="localhost:0")
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.connect((address, broker.port))
        except OSError as error:
            if family == socket.AF_INET6 and not ipv6():
                pytest.skip("this machine has no ::1")
            raise AssertionError(address) from error
    topic = unique("local")
    client = open_clients(name, f"localhost:{broker.port}")
    with client.producer() as producer:
        producer.send(topic, Out(b"hello"))
    assert [record.value for record in client.read_all(topic, 1)] == [b"hello"]


def ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def end_for_epoch(connection: Connection, topic: str, epoch: int) -> tuple[int, int]:
    partition = {"partition": 0, "current_leader_epoch": -1, "leader_epoch": epoch}
    answer = connection.ask(
        "OffsetForLeaderEpoch", 3, replica_id=-1, topics=[{"topic": topic, "partitions": [partition]}]
    )
    (found,) = answer.topics[0].partitions
    assert found.error_code == 0
    return found.leader_epoch, found.end_offset


def epoch_of(connection: Connection, topic: str) -> int:
    deadline = Deadline("a leader")
    while True:
        (found,) = connection.ask("Metadata", 8, topics=[{"name": topic}]).topics
        if found.error_code == 0 and found.partitions[0].error_code == 0:
            return int(found.partitions[0].leader_epoch)
        deadline.check()


def test_leader_epochs_grow_over_kills_and_their_ends_stay_exact(new_broker: Make) -> None:
    """Java consumers validate their positions by these: a wrong end offset is seen as truncation and resets them."""
    broker = new_broker()
    with Connection(broker.host, broker.port) as connection:
        topic = create(connection, unique("epochs"))
        epochs = [epoch_of(connection, topic)]
        produce(connection, topic, batch(b"0", b"1", b"2"))
    ends = [3]
    for _ in range(2):
        broker.kill()
        broker.restart()
        with Connection(broker.host, broker.port) as connection:
            epochs.append(epoch_of(connection, topic))
            deadline = Deadline("the partition being led")
            while (stored := produce(connection, topic, batch(b"x", b"y"))).error_code:
                deadline.check(stored)
            ends.append(stored.base_offset + 2)
    assert epochs == sorted(epochs), "an epoch never goes back"
    assert ends == [3, 5, 7]
    with Connection(broker.host, broker.port) as connection:
        if len(set(epochs)) == 3:
            for epoch, end in zip(epochs, ends, strict=True):
                assert end_for_epoch(connection, topic, epoch) == (epoch, end)
        assert end_for_epoch(connection, topic, epochs[-1]) == (epochs[-1], 7)
        assert end_for_epoch(connection, topic, epochs[-1] + 5) == (-1, -1)


def test_a_producer_id_is_there_before_anything_else(new_broker: Make) -> None:
    """Every default producer asks for one first, and a fresh broker has neither topics nor groups then."""
    broker = new_broker()
    with Connection(broker.host, broker.port) as connection:
        deadline = Deadline("a producer id")  # Kafka may be loading yet
        while (given := connection.ask("InitProducerId", 4, transactional_id=None)).error_code == 14:
            deadline.check()
        assert (given.error_code, given.producer_epoch) == (0, 0)
        assert given.producer_id >= 0


@pytest.mark.parametrize("name", list(CLIENTS))
def test_two_consumers_live_with_a_session_cache_of_one(new_broker: Make, open_clients: Open, name: str) -> None:
    """One of them is refused a session and asks in full each time; neither starves, loses or repeats a record."""
    broker = new_broker("max.incremental.fetch.session.cache.slots=1")
    client = open_clients(name, broker.bootstrap)
    topic = client.create_topic(unique("cache"), partitions=4)
    with Members() as members, client.producer() as producer:
        for number in range(2):
            members.join(client.consumer(group=unique(f"group{number}")), topic)
        members.wait("both have all", lambda: all(len(member.assignment) == 4 for member in members.members))
        for first in range(0, 2000, 200):
            producer.send(topic, *(Out(b"%d" % n, partition=n % 4) for n in range(first, first + 200)))
        members.wait_records(4000)
        for member in members.members:
            assert sorted(int(record.value or b"") for record in member.records) == list(range(2000))


@ours
def test_memory_keeps_nothing_and_needs_no_directory(new_broker: Make, open_clients: Open) -> None:
    broker = new_broker(memory=True)
    assert " data=memory " in broker.ready_line
    topic = unique("memory")
    client = open_clients("confluent", broker.bootstrap)
    with client.producer() as producer:
        producer.send(topic, *(Out(b"%d" % number) for number in range(1000)))
    assert len(client.read_all(topic, 1000)) == 1000
    assert not broker.data.exists()
