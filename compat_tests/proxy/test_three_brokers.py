"""The proxy before an Apache Kafka of three brokers: clients of every kind work, stay inside, and meet what they are
made to meet. `python -m compat_tests.proxy` runs their whole suites so.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from compat_tests.broker import Process
from compat_tests.conftest import CLIENTS
from compat_tests.differential.brokers import why_no_kafka
from compat_tests.drivers import Client, Out
from compat_tests.every_client.test_groups import fill, places
from compat_tests.java.jars import compiled
from compat_tests.kafka_cluster import three_kafkas
from compat_tests.members import Members
from compat_tests.proxy.running import proxying
from compat_tests.tools import DEADLINE_S, need_command, need_module, unique
from compat_tests.transactions.clients import PRODUCERS
from compat_tests.transactions.conftest import Desk
from kbroker.trace.exchange import Exchange, read
from kbroker.trace.recording import recorded
from wire.explain import DAMAGE, ERROR, REST, explain

JAVA_S = 300
JAVA_CHECKS = (
    "an_idempotent_producer_writes_in_order",
    "classic_consumers_share_a_topic",
    "consumer_protocol_members_share_a_topic",
    "the_later_of_two_transactional_producers_wins",
    "offsets_and_records_commit_as_one",
)
NAMES_BROKERS = ("Metadata", "FindCoordinator", "DescribeCluster")


class Proxied(NamedTuple):
    """The three brokers, the way to them, and what has gone over it."""

    brokers: list[Process]
    address: str
    recording: Path

    @property
    def upstream(self) -> set[str]:
        return {broker.bootstrap for broker in self.brokers}

    def seen(self) -> list[Exchange]:
        with open(self.recording) as file:
            return list(recorded(file))


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    if reason := why_no_kafka():
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("kafkas")
    recording = home / "seen.jsonl"
    with three_kafkas(home) as brokers, proxying(brokers[0].bootstrap, "--record", str(recording)) as address:
        yield Proxied(brokers, address, recording)


@pytest.fixture(scope="module")
def java(proxied: Proxied, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the JVM says of each check."""
    words = [need_command("java", "java"), "-Xmx256M", "-XX:TieredStopAtLevel=1",
             "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]  # fmt: skip
    words += ["-cp", compiled(tmp_path_factory.mktemp("classes")), "kbroker.compat.Checks", proxied.address]
    done = subprocess.run([*words, *JAVA_CHECKS], capture_output=True, text=True, timeout=JAVA_S)
    lines = (line.split(maxsplit=2) for line in done.stdout.splitlines())
    return {name: verdict if verdict == "ok" else f"{rest}\n{done.stderr[-4000:]}" for verdict, name, *rest in lines}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_group_shares_partitions_of_three_brokers(
    name: str, proxied: Proxied, open_clients: Callable[[str, str], Client]
) -> None:
    client = open_clients(name, proxied.address)
    topic, group = client.create_topic(unique("topic"), partitions=6), unique("group")
    fill(client, topic, 6, 20)
    with Members() as members:
        one = members.join(client.consumer(group=group), topic)
        members.wait("everything was read", lambda: len(one.records) == 120)
        members.join(client.consumer(group=group), topic)
        members.wait_shared(places(topic, 6))


@pytest.mark.parametrize("name", PRODUCERS)
def test_transactions_commit_and_abort_across_brokers(name: str, proxied: Proxied) -> None:
    desk = Desk(name, proxied.address)
    topic = unique("topic")
    create(proxied, topic, 3)
    try:
        producer = desk.producer(unique("txn"))
        for values, committed in (((b"a",), False), ((b"b", b"c"), True)):
            producer.begin()
            for value in values:
                for partition in range(3):
                    producer.send(topic, value, partition)
            producer.flush()
            producer.commit() if committed else producer.abort()
        for partition in range(3):
            assert desk.consumer(topic, partition=partition).until(b"c") == [b"b", b"c"]
    finally:
        desk.close()


@pytest.mark.parametrize("name", JAVA_CHECKS)
def test_java(name: str, java: dict[str, str]) -> None:
    assert java.get(name, "it did not get that far") == "ok"


def test_an_admin_sees_the_cluster_as_it_is_but_at_the_proxys_ports(proxied: Proxied) -> None:
    direct = need_module("confluent_kafka.admin").AdminClient({"bootstrap.servers": proxied.brokers[0].bootstrap})
    through, name = admin(proxied), unique("topic")
    create(proxied, name, 3, replicas=3)
    theirs, ours = (each.describe_cluster().result(DEADLINE_S) for each in (direct, through))
    assert ours.cluster_id == theirs.cluster_id
    assert sorted(node.id for node in ours.nodes) == sorted(node.id for node in theirs.nodes) == [1, 2, 3]
    assert not {f"{node.host}:{node.port}" for node in ours.nodes} & proxied.upstream
    assert {(index, each.leader, tuple(each.replicas)) for index, each in partitions(through, name)} == {
        (index, each.leader, tuple(each.replicas)) for index, each in partitions(direct, name)
    }
    through.delete_topics([name])[name].result(DEADLINE_S)


def test_nobody_is_led_past_the_proxy_and_every_byte_has_a_name(proxied: Proxied) -> None:
    """After the clients above: what they were told, and what went over the wire."""
    exchanges = proxied.seen()
    assert {one.broker for one in exchanges} == proxied.upstream
    told = {
        f"{host}:{port}"
        for one in exchanges
        if (found := read(one.request, one.reply)).api in NAMES_BROKERS
        for host, port in addresses(found.response)
    }
    assert told and not told & proxied.upstream
    assert [words for one in exchanges for words in unexplained(one)] == []


def test_a_commit_whose_answer_is_lost_counts_once(proxied: Proxied, tmp_path: Path) -> None:
    kafka, topic, recording = need_module("confluent_kafka"), unique("topic"), tmp_path / "seen.jsonl"
    create(proxied, topic, 1)
    options = ("--fault", "EndTxn drop once", "--record", str(recording))
    with proxying(proxied.brokers[0].bootstrap, *options) as address:
        producer = kafka.Producer({"bootstrap.servers": address, "transactional.id": unique("txn")})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(topic, b"once")
        producer.commit_transaction(60)
    with open(recording) as file:
        ends = [one for one in recorded(file) if read(one.request, None).api == "EndTxn"]
    assert len(ends) >= 2  # more where the markers did not stand yet (CONCURRENT_TRANSACTIONS)
    desk = Desk("confluent", proxied.address)
    assert desk.consumer(topic, committed=False).until(b"once") == [b"once"]
    desk.close()


def test_a_delayed_fetch_comes_late_and_whole(
    proxied: Proxied, tmp_path: Path, open_clients: Callable[[str, str], Client]
) -> None:
    recording = tmp_path / "seen.jsonl"
    faults = ("--fault", "Fetch delay=700ms once", "--record", str(recording))
    with proxying(proxied.brokers[0].bootstrap, *faults) as address:
        client = open_clients("confluent", address)
        topic = client.create_topic(unique("topic"))
        with client.producer() as producer:
            producer.send(topic, *(Out(b"%d" % number) for number in range(10)))
        assert [record.value for record in client.read_all(topic, 10)] == [b"%d" % number for number in range(10)]
    with open(recording) as file:
        fetches = [one.took_ms for one in recorded(file) if read(one.request, None).api == "Fetch"]
    assert fetches[0] >= 700


def admin(proxied: Proxied) -> Any:
    return need_module("confluent_kafka.admin").AdminClient({"bootstrap.servers": proxied.address})


def create(proxied: Proxied, name: str, count: int, replicas: int = 1) -> None:
    asked = admin(proxied)
    topic = need_module("confluent_kafka.admin").NewTopic(name, count, replicas)
    asked.create_topics([topic])[name].result(DEADLINE_S)


def partitions(client: Any, name: str) -> Any:
    return client.list_topics(name, timeout=DEADLINE_S).topics[name].partitions.items()


def addresses(message: Any) -> Iterator[tuple[str, int]]:
    """Every host with its port, wherever in the message."""
    if isinstance(message, dict):
        if message.get("host") and "port" in message:
            yield message["host"], message["port"]
        message = list(message.values())
    if isinstance(message, list):
        for each in message:
            yield from addresses(each)


def unexplained(one: Exchange) -> Iterator[str]:
    """Bytes of both frames that the annotated form has no name for."""
    found = read(one.request, one.reply)
    frames = [(one.request, {})]
    if one.reply is not None:
        frames.append((one.reply, {"api": found.key, "version": found.version, "response": True}))
    for frame, known in frames:
        whole = len(frame).to_bytes(4, "big") + frame
        notes = list(explain(whole, **known))
        if b"".join(note.raw for note in notes if not note.source) != whole:
            yield f"{found.api} v{found.version}: bytes are left out"
        for note in notes:
            if note.type in (ERROR, DAMAGE, REST):
                yield f"{found.api} v{found.version}, {note.path}: {note.meaning or note.value}"
