"""Kafka Connect, distributed, and MirrorMaker 2, as their users run them: `make java-long` (two to three minutes).

Connect copies a file into a topic (exactly once) and that topic into another file, is killed in the middle and started
again. MirrorMaker copies topics and the offsets of a group from Apache Kafka to kbroker.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compat_tests.broker import Process
from compat_tests.differential import brokers
from compat_tests.differential.play import warm_up
from compat_tests.java.worker import READY_S, Java, Worker
from compat_tests.tools import need_module, until

pytestmark = pytest.mark.skipif(not os.environ.get("COMPAT_LONG"), reason="minutes of Java: make java-long")


def committed(bootstrap: str, topic: str) -> list[str]:
    """The values of a topic of one partition, as a reader of committed records finds them up to its end."""
    confluent = need_module("confluent_kafka")
    settings = {"bootstrap.servers": bootstrap, "group.id": "reader", "enable.partition.eof": True}
    reader = confluent.Consumer({**settings, "isolation.level": "read_committed"})
    found: list[str] = []
    try:
        reader.assign([confluent.TopicPartition(topic, 0, 0)])
        while True:
            message = reader.poll(10)
            if message is None or message.error():
                return found
            found.append(message.value().decode())
    finally:
        reader.close()


def create(bootstrap: str, topic: str) -> None:
    need_module("confluent_kafka")
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()


@pytest.fixture
def worker(new_broker: Callable[..., Process], tmp_path: Path) -> Iterator[tuple[Worker, str]]:
    broker = new_broker()
    made = Worker(broker.bootstrap, tmp_path)
    made.start()
    yield made, broker.bootstrap
    made.kill()


def test_connect_copies_files_exactly_once_over_a_kill(worker: tuple[Worker, str], tmp_path: Path) -> None:
    connect, bootstrap = worker
    source, sink = tmp_path / "source.txt", tmp_path / "sink.txt"
    lines = [f"line {number}" for number in range(2_000)]
    create(bootstrap, "lines")
    source.write_text("".join(f"{line}\n" for line in lines[:1_000]))
    connect.connect(
        "source", "FileStreamSourceConnector", file=str(source), topic="lines", exactly_once_support="required"
    )
    connect.connect("sink", "FileStreamSinkConnector", file=str(sink), topics="lines")
    until("lines in the sink", lambda: sink.exists() and len(sink.read_text().split("\n")) > 500, READY_S)
    connect.kill()
    with open(source, "a") as file:
        file.writelines(f"{line}\n" for line in lines[1_000:])
    connect.start()
    connect.runs("source")
    connect.runs("sink")
    until("all lines in the topic", lambda: len(committed(bootstrap, "lines")) >= len(lines), READY_S)
    assert committed(bootstrap, "lines") == lines, "each line once, in order"
    until("all lines in the sink", lambda: set(lines) <= set(sink.read_text().splitlines()), READY_S)


def test_mirror_maker_copies_from_apache_kafka(new_broker: Callable[..., Process], tmp_path: Path) -> None:
    if reason := brokers.why_no_kafka():
        pytest.skip(reason)
    confluent = need_module("confluent_kafka")
    target = new_broker()
    with brokers.kafka("plain", tmp_path / "kafka") as origin:
        warm_up(origin.host, origin.port)
        create(origin.bootstrap, "mirrored")
        producer = confluent.Producer({"bootstrap.servers": origin.bootstrap})
        values = [f"value {number}" for number in range(500)]
        for value in values:
            producer.produce("mirrored", value)
        producer.flush()
        reader = confluent.Consumer({"bootstrap.servers": origin.bootstrap, "group.id": "readers"})
        reader.commit(offsets=[confluent.TopicPartition("mirrored", 0, 200)], asynchronous=False)
        reader.close()
        mirror = Java("org.apache.kafka.connect.mirror.MirrorMaker", tmp_path, mirroring(origin, target))
        mirror.start()
        try:
            until("the topic is copied", lambda: committed(target.bootstrap, "origin.mirrored") == values, READY_S)
            until("the group's offset is copied", lambda: synced(target.bootstrap) in range(1, 201), READY_S)
        finally:
            mirror.kill()


def mirroring(origin: Process, target: Process) -> dict[str, object]:
    settings: dict[str, object] = {
        "clusters": "origin, target",
        "origin.bootstrap.servers": origin.bootstrap,
        "target.bootstrap.servers": target.bootstrap,
        "origin->target.enabled": "true",
        "target->origin.enabled": "false",
        "origin->target.topics": "mirrored",
        "origin->target.groups": "readers",
        "sync.group.offsets.enabled": "true",
        "offset.lag.max": 0,
        "emit.checkpoints.interval.seconds": 2,
        "sync.group.offsets.interval.seconds": 2,
        "refresh.groups.interval.seconds": 5,
        "replication.factor": 1,
    }
    for name in ("checkpoints.topic", "heartbeats.topic", "offset-syncs.topic"):
        settings[f"{name}.replication.factor"] = 1
    for name in ("offset", "status", "config"):
        settings[f"{name}.storage.replication.factor"] = 1
    return settings


def synced(bootstrap: str) -> int:
    """Where the group goes on at the copy."""
    confluent = need_module("confluent_kafka")
    reader = confluent.Consumer({"bootstrap.servers": bootstrap, "group.id": "readers"})
    try:
        return int(reader.committed([confluent.TopicPartition("origin.mirrored", 0)], timeout=10)[0].offset)
    finally:
        reader.close()
