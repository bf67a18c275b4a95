"""Stock clients through `kbroker proxy`: they notice nothing, until the proxy is told to break something."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.conftest import CLIENTS
from compat_tests.drivers import Client
from compat_tests.every_client.test_groups import fill, places
from compat_tests.members import Members
from compat_tests.proxy.running import proxying
from compat_tests.tools import need_module, unique
from kbroker.trace.exchange import Exchange, read
from kbroker.trace.recording import recorded


@pytest.fixture(scope="module")
def proxy(broker: Process | Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Where it is, and the folder with its capture and its recording."""
    home = tmp_path_factory.mktemp("proxy")
    options = ("--pcap", str(home / "seen.pcap"), "--record", str(home / "seen.jsonl"))
    with proxying(broker.bootstrap, *options) as address:
        yield address, home


@pytest.mark.parametrize("name", CLIENTS)
def test_a_group_shares_through_the_proxy(
    name: str, proxy: tuple[str, Path], open_clients: Callable[[str, str], Client]
) -> None:
    client = open_clients(name, proxy[0])
    topic = client.create_topic(unique("topic"), partitions=2)
    fill(client, topic, 2, 50)
    with Members() as members:
        one = members.join(client.consumer(group=unique("group")), topic)
        members.wait("everything was read", lambda: len(one.records) == 100)
        assert one.assignment == places(topic, 2)


def test_nothing_went_past_the_proxy_unread(proxy: tuple[str, Path]) -> None:
    """After the clients above: every byte of what they sent and got has a name."""
    with open(proxy[1] / "seen.jsonl") as file:
        seen = list(recorded(file))
    apis = {found.api for found in (read(one.request, one.reply) for one in seen)}
    assert {"ApiVersions", "Metadata", "Produce", "Fetch", "FindCoordinator", "JoinGroup", "SyncGroup"} <= apis
    unread = [one.number for one in seen if _is_unread(one)]
    assert unread == []


def _is_unread(one: Exchange) -> bool:
    found = read(one.request, one.reply)
    return found.request is None or (one.reply is not None and found.response is None)


def test_wireshark_reads_the_same(proxy: tuple[str, Path]) -> None:
    """tshark's dissector on the capture, beside our own reading of the recording."""
    try:
        told = subprocess.run(
            ["tshark", "-r", str(proxy[1] / "seen.pcap"), "-Y", "tcp.dstport == 9092", "-T", "fields",
             "-e", "kafka.api_key", "-e", "kafka.api_version", "-e", "kafka.correlation_id"],
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout  # fmt: skip
    except FileNotFoundError:
        pytest.skip("tshark is not installed")
    with open(proxy[1] / "seen.jsonl") as file:
        ours = [read(one.request, None) for one in recorded(file)]
    theirs = [tuple(map(int, line.split("\t")[:3])) for line in told.splitlines() if line.split("\t")[0].isdecimal()]
    expected = {(one.key, one.version, one.correlation_id) for one in ours}
    assert len(theirs) > 50 and set(theirs) <= expected


def test_a_commit_whose_answer_was_lost_counts_once(broker: Process | Outside) -> None:
    kafka = need_module("confluent_kafka")
    topic = unique("topic")
    with proxying(broker.bootstrap, "--fault", "EndTxn drop once") as address:
        producer = kafka.Producer({"bootstrap.servers": address, "transactional.id": unique("txn")})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(topic, b"once")
        producer.commit_transaction(60)
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": unique("group"), "auto.offset.reset": "earliest",
                "isolation.level": "read_committed", "enable.partition.eof": True}  # fmt: skip
    consumer = kafka.Consumer(settings)
    consumer.subscribe([topic])
    values = []
    while True:
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            break
        values.append(message.value())
    consumer.close()
    assert values == [b"once"]
