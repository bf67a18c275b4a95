"""kill -9 in the middle of traffic, a restart on the same data and port, and the promises that survive it.

The clients are not told: they lose their connections, try again, and go on. An idempotent producer re-sends what it
does not know to be stored, so the broker must know again, from its own data, what it had stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from compat_tests.broker import Process
from compat_tests.conftest import CLIENTS
from compat_tests.crash.checks import PARTITIONS, Writer, check, read_everything
from compat_tests.drivers import Client, Out, Place, Producer, Record, Refused, Stored
from compat_tests.members import Members
from compat_tests.tools import DEADLINE_S, Deadline, unique

Make = Callable[..., Process]
Open = Callable[[str, str], Client]


@pytest.fixture
def own(new_broker: Make) -> Process:
    return new_broker()


@pytest.fixture(params=list(CLIENTS))
def own_client(request: pytest.FixtureRequest, own: Process, open_clients: Open) -> Client:
    return open_clients(request.param, own.bootstrap)


@pytest.fixture
def write() -> Iterator[Callable[[Producer, str], Writer]]:
    writers: list[Writer] = []

    def start(producer: Producer, topic: str) -> Writer:
        writers.append(Writer(producer, topic))
        writers[-1].start()
        return writers[-1]

    yield start
    for writer in writers:
        writer._ended.set()


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(
    own: Process, own_client: Client, write: Callable[[Producer, str], Writer]
) -> None:
    name = own_client.create_topic(unique("crash"), partitions=PARTITIONS)
    tail = own_client.consumer(fetch_max_wait_ms=100)
    tail.assign([(name, partition) for partition in range(PARTITIONS)])
    seen: list[Record] = []
    with own_client.producer(linger_ms=0) as producer:
        writer = write(producer, name)
        for crash in range(3):
            seen += tail.read(1500)  # a reader says when: in the middle of a chunk, with requests in flight
            own.kill()
            own.restart()
            deadline = Deadline(f"the producer going on after crash {crash + 1}")
            answered = len(writer.answers)
            while len(writer.answers) < answered + writer.chunk:
                seen += tail.poll(0.1)
                assert writer.is_alive(), writer.error
                deadline.check()
        answers = writer.end()
    stored = read_everything(own_client, name)
    check(stored, answers)
    for partition in range(PARTITIONS):
        live = [record for record in seen if record.partition == partition]
        assert live == stored[partition][: len(live)], "the reader that lived through it saw another log"


def test_a_group_resumes_at_its_commit_after_a_kill(own: Process, own_client: Client, group: str) -> None:
    name = own_client.create_topic(unique("crash"), partitions=2)
    with own_client.producer() as producer:
        producer.send(name, *(Out(b"%d" % number, partition=number % 2) for number in range(200)))
        consumer = own_client.consumer(group=group, session_timeout_ms=6000)
        consumer.subscribe(name)
        consumer.read(200)
        consumer.commit({(name, 0): 30, (name, 1): 71})
        own.kill()
        own.restart()
        consumer.close()
        with own_client.consumer(group=group) as again:
            again.subscribe(name)
            seen = again.read(99)
        assert sorted((record.partition, record.offset) for record in seen) == [
            (0, offset) for offset in range(30, 100)
        ] + [(1, offset) for offset in range(71, 100)]


def test_members_go_on_after_a_kill_without_a_new_start(own: Process, own_client: Client, group: str) -> None:
    name = own_client.create_topic(unique("crash"), partitions=2)
    whole: set[Place] = {(name, 0), (name, 1)}
    with Members() as members, own_client.producer() as producer:
        for _ in range(2):
            members.join(own_client.consumer(group=group), name)
            members.wait_shared({(name, 0), (name, 1)})
        producer.send(name, *(Out(b"%d" % number, partition=number % 2) for number in range(100)))
        members.wait_records(100)
        own.kill()
        own.restart()
        producer.send(name, *(Out(b"%d" % number, partition=number % 2) for number in range(100, 200)))
        members.wait("every record was seen", lambda: len({r.value for r in members.records}) == 200)
        members.wait_shared(whole)


def test_topics_settings_and_identity_survive_a_kill(own: Process, own_client: Client, open_clients: Open) -> None:
    name = own_client.create_topic(unique("crash"), 3, {"max.message.bytes": "50000"})
    own_client.delete_topic(own_client.create_topic(unique("gone")))
    with own_client.producer(idempotent=False) as producer:
        producer.send(name, Out(b"before", partition=2))
    before = identity(own, open_clients, name)
    own.kill()
    own.restart()
    after = identity(own, open_clients, name)
    assert after == before
    with own_client.producer(idempotent=False) as producer:
        (refused,) = producer.send_all(name, [Out(b"x" * 60_000)])
        assert isinstance(refused, Refused) and refused.code == 10
        assert producer.send(name, Out(b"after", partition=2)) == [Stored(2, 1)]


@pytest.mark.kbroker_only("Kafka notes a new log start within a minute; a kill before that brings records back")
def test_deleted_records_stay_deleted_after_a_kill(own: Process, own_client: Client) -> None:
    name = own_client.create_topic(unique("crash"))
    with own_client.producer() as producer:
        producer.send(name, *(Out(b"%d" % number) for number in range(10)))
        own_client.delete_records((name, 0), 4)
        own.kill()
        own.restart()
        producer.send(name, Out(b"10"))
    with own_client.consumer() as consumer:
        consumer.assign([(name, 0)])
        assert consumer.watermarks((name, 0)) == (4, 11)
        assert [record.offset for record in consumer.read(7)] == list(range(4, 11))


def identity(broker: Process, open_clients: Open, topic: str) -> tuple[str, list[str], int]:
    """The cluster id, the names of all topics, and the partitions of one, as librdkafka shows them."""
    admin = open_clients("confluent", broker.bootstrap).admin  # type: ignore[attr-defined]
    metadata = admin.list_topics(timeout=DEADLINE_S)
    return metadata.cluster_id, sorted(metadata.topics), len(metadata.topics[topic].partitions)


def test_a_producer_that_lives_through_a_clean_stop_goes_on(
    own: Process, own_client: Client, write: Callable[[Producer, str], Writer]
) -> None:
    name = own_client.create_topic(unique("stop"), partitions=PARTITIONS)
    with own_client.consumer() as tail, own_client.producer(linger_ms=0) as producer:
        tail.assign([(name, partition) for partition in range(PARTITIONS)])
        writer = write(producer, name)
        tail.read(1500)
        own.stop()
        own.restart()
        tail.read(1500)
        answers = writer.end()
    check(read_everything(own_client, name), answers)
