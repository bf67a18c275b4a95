"""Which client uses which version of which API: every client's own suite against a kbroker that counts.

    python -m compat_tests.versions                 measure all clients anew: 5 minutes and more
    python -m compat_tests.versions KafkaJS Java    only these; the others stay as they are in the file

The broker counts requests by API and version for its metrics; here they are read after the suite. `tests/pages.py` puts
the table on the pages of docs/protocol/. A client that negotiates takes the newest version that both have: what stands
here is what these releases do with a broker of Kafka 4.4.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import NamedTuple

from compat_tests.broker import REPOSITORY
from compat_tests.java.test_java import SETTINGS

HERE = Path(__file__).resolve().parent
FILE = HERE / "versions.json"
READY = re.compile(r"ready on (\S+) .* http=(\S+)")
COUNTED = re.compile(r'_requestmetrics_requests_total\{request="(\w+)",version="(\d+)"\} (\S+)')
KINDS_OF_FETCH = re.compile(r"^Fetch(Consumer|Follower)$")


class Measured(NamedTuple):
    """A client, where its release is written, and the runs of pytest that it is measured by."""

    name: str
    release: Callable[[], str]
    runs: Sequence[Sequence[str]]


def package(name: str) -> str:
    """Of a Node package, as the lock file has it."""
    lock = json.loads((HERE / "node" / "package-lock.json").read_text())
    return str(lock["packages"][f"node_modules/{name}"]["version"])


def module(name: str) -> str:
    """Of a Go module."""
    found = re.search(rf"{re.escape(name)} v(\S+)", (HERE / "go" / "go.mod").read_text())
    assert found is not None, name
    return found[1]


def java() -> str:
    return re.findall(r"<kafka>(.*)</kafka>", (HERE / "java" / "pom.xml").read_text())[0]


def librdkafka() -> str:
    import confluent_kafka

    return f"{installed('confluent-kafka')}, librdkafka {confluent_kafka.libversion()[0]}"


EVERY = "compat_tests/every_client/test_groups.py"
CLIENTS = (
    Measured("kafka-python", lambda: installed("kafka-python"),
             (("compat_tests/kafka_python",), (EVERY, "-k", "kafka-python"))),
    Measured("aiokafka", lambda: installed("aiokafka"), (("compat_tests/aiokafka",), (EVERY, "-k", "aiokafka"))),
    Measured("confluent-kafka", librdkafka,
             (("compat_tests/confluent", "compat_tests/consumer_protocol"), (EVERY, "-k", "confluent"))),
    Measured("Java", java, (("compat_tests/java/test_java.py",),)),
    Measured("KafkaJS", lambda: package("kafkajs"), (("compat_tests/node", "-k", "kafkajs"),)),
    Measured("@platformatic/kafka", lambda: package("@platformatic/kafka"),
             (("compat_tests/node", "-k", "platformatic"),)),
    Measured("franz-go", lambda: module("github.com/twmb/franz-go"), (("compat_tests/go", "-k", "franz"),)),
    Measured("Sarama", lambda: module("github.com/IBM/sarama"), (("compat_tests/go", "-k", "sarama"),)),
    Measured("kafka-go", lambda: module("github.com/segmentio/kafka-go"), (("compat_tests/go", "-k", "kafkago"),)),
)  # fmt: skip


def measure(client: Measured) -> dict[str, list[int]]:
    """The versions of each API that the client has asked with."""
    words = [sys.executable, "-m", "kbroker", "serve", "--memory", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    for setting in SETTINGS:
        words += ["--set", setting]
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        process = subprocess.Popen(
            words, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert process.stdout is not None
        try:
            ready = READY.search(process.stdout.readline())
            assert ready is not None
            for run in client.runs:
                pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *run]
                subprocess.run([*pytest, "--bootstrap", ready[1]], cwd=REPOSITORY, check=True)
            return counted(urllib.request.urlopen(f"http://{ready[2]}/metrics").read().decode())
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()


def counted(page: str) -> dict[str, list[int]]:
    """What a page of metrics says was asked, by API."""
    found: dict[str, set[int]] = {}
    for name, version, count in COUNTED.findall(page):
        if float(count):
            found.setdefault(KINDS_OF_FETCH.sub("Fetch", name), set()).add(int(version))
    return {name: sorted(versions) for name, versions in sorted(found.items())}


def main() -> None:
    wanted = sys.argv[1:] or [client.name for client in CLIENTS]
    unknown = set(wanted) - {client.name for client in CLIENTS}
    if unknown:
        raise SystemExit(f"no such clients: {', '.join(sorted(unknown))}")
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    for client in CLIENTS:
        if client.name in wanted:
            known[client.name] = {"release": client.release(), "versions": measure(client)}
    ordered = {client.name: known[client.name] for client in CLIENTS if client.name in known}
    rows = (f"  {json.dumps(name)}: {json.dumps(told)}" for name, told in ordered.items())
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
