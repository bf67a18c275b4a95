"""An Apache Kafka of three brokers: the first is its controller as well, every topic has three replicas.

The jars are those of the harness that `differential/brokers.py` starts its single broker from.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from compat_tests.broker import Process, free_port
from compat_tests.differential.brokers import VERSION, start_script

CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
JAVA = ("-Xmx384M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
SETTINGS = (
    "default.replication.factor=3",
    "min.insync.replicas=2",
    "offsets.topic.replication.factor=3",
    "offsets.topic.num.partitions=6",
    "transaction.state.log.replication.factor=3",
    "transaction.state.log.min.isr=2",
    "transaction.state.log.num.partitions=6",
    "share.coordinator.state.topic.replication.factor=3",
    "share.coordinator.state.topic.min.isr=2",
    "share.coordinator.state.topic.num.partitions=6",
    "group.initial.rebalance.delay.ms=0",
    "group.consumer.assignment.interval.ms=0",
    "group.consumer.min.heartbeat.interval.ms=100",
    "group.consumer.heartbeat.interval.ms=500",
    "group.share.assignment.interval.ms=0",
)


@contextmanager
def three_kafkas(home: Path) -> Iterator[list[Process]]:
    """All three answer; those who want to see more kill one of them."""
    found = subprocess.run(
        ["bash", str(start_script()), "jars"],
        env=os.environ | {"KAFKA_VERSION": VERSION}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    java = ("java", *JAVA, "-cp", f"{found.stdout.strip()}/*")
    control = free_port()
    with ExitStack() as stack:
        processes = []
        for number in (1, 2, 3):
            folder = home / str(number)
            folder.mkdir(parents=True)
            port = free_port()
            properties = folder / "server.properties"
            properties.write_text("\n".join(_properties(number, folder, port, control)) + "\n")
            _format(java, properties, first=number == 1)
            process = Process(
                folder, listen=f"127.0.0.1:{port}", command=" ".join((*java, "kafka.Kafka", str(properties)))
            )
            stack.callback(process.close)
            processes.append(process)
        for process in processes:
            process.start()
        yield processes


def _properties(number: int, folder: Path, port: int, control: int) -> list[str]:
    listeners = f"PLAINTEXT://127.0.0.1:{port}"
    roles = "broker"
    if number == 1:
        roles, listeners = "broker,controller", f"{listeners},CONTROLLER://127.0.0.1:{control}"
    return [
        f"process.roles={roles}",
        f"node.id={number}",
        f"broker.rack={'abc'[number - 1]}",
        f"controller.quorum.bootstrap.servers=127.0.0.1:{control}",
        f"listeners={listeners}",
        f"advertised.listeners={listeners}",
        "inter.broker.listener.name=PLAINTEXT",
        "controller.listener.names=CONTROLLER",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        f"log.dirs={folder / 'logs'}",
        *SETTINGS,
    ]


def _format(java: tuple[str, ...], properties: Path, *, first: bool) -> None:
    standalone = ["--standalone"] if first else []
    words = [*java, "kafka.tools.StorageTool", "format", *standalone, "-t", CLUSTER_ID, "-c", str(properties)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
