"""The pytest plugin, as a session of its own that uses it: fixtures, options, and what a failing test shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kbroker.testing import Broker

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, source: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\nkafka_configs =\n  num.partitions=2\n")
    command = [sys.executable, "-m", "pytest", "-p", "kbroker.testing.plugin", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_each_test_has_a_broker_of_its_own(tmp_path: Path) -> None:
    source = """
import socket
places = []

def test_one(kafka, kafka_broker):
    kafka.produce("t", "1")
    assert len(kafka.topic("t").partitions) == 2
    places.append((kafka.bootstrap, kafka.cluster_id, kafka_broker.pid))
    assert kafka_broker.topics() == []

def test_two(kafka, kafka_broker):
    assert kafka.topics() == []
    (bootstrap, cluster_id, pid), = places
    assert (kafka.bootstrap != bootstrap, kafka.cluster_id != cluster_id) == (True, True)
    assert kafka_broker.pid == pid == kafka.pid
    host, port = bootstrap.split(":")
    try:
        socket.create_connection((host, int(port)))
    except ConnectionRefusedError:
        return
    raise AssertionError("the last test's port still answers")
"""
    done = run(tmp_path, source, "-q")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


CLUSTER = """
def test_it(kafka_cluster):
    partition = kafka_cluster.partition(kafka_cluster.create_topic("t").name)
    leader = partition.leader
    kafka_cluster[leader].kill()
    assert partition.leader != leader and len(kafka_cluster.topic("t").partitions) == 1
    assert [node.rack for node in kafka_cluster.node_states()] == ["a", "b", "c"]
"""


def test_a_cluster_is_a_fixture_and_skips_on_a_real_kafka(tmp_path: Path) -> None:
    done = run(tmp_path, CLUSTER, "-q")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    done = run(tmp_path, CLUSTER, "-q", "--kafka-bootstrap", "127.0.0.1:1")
    assert "1 skipped" in done.stdout, done.stdout + done.stderr


FAILING = """
import socket, struct

def test_fails(kafka):
    kafka.faults.fail("Metadata", "REQUEST_TIMED_OUT", name="slow metadata")
    host, port = kafka.bootstrap.split(":")
    with socket.create_connection((host, int(port))) as client:
        body = struct.pack(">hhih", 3, 1, 7, 3) + b"app" + struct.pack(">ih", 1, 1) + b"t"
        client.sendall(struct.pack(">i", len(body)) + body)
        client.recv(1000)
    kafka.wait_requests("Metadata")
    assert False
"""


def test_a_failing_test_shows_what_the_broker_saw_and_keeps_it(tmp_path: Path) -> None:
    done = run(tmp_path, FAILING, "--kafka-trace", "traces")
    assert done.returncode == 1
    for line in (
        "what the broker saw",
        "app conn 1 Metadata v1 -> REQUEST_TIMED_OUT",
        "[slow metadata: error REQUEST_TIMED_OUT]",
        "slow metadata: met 1 of 1 that fitted",
    ):
        assert line in done.stdout, done.stdout
    (trace,) = (tmp_path / "traces").glob("*.jsonl")
    (request,) = map(json.loads, trace.read_text().splitlines())
    assert (request["api"], request["errors"]) == ("Metadata", ["REQUEST_TIMED_OUT"])
    (capture,) = (tmp_path / "traces").glob("*.pcap")
    (scenario,) = (tmp_path / "traces").glob("*.json")
    assert [list(step) for step in json.loads(scenario.read_text())] == [["faults.install"]]
    assert capture.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"


SEEDED = """
def test_passes(kafka):
    kafka.produce("kept", "not this")

def test_fails(kafka):
    print("id", kafka.create_topic("kept").id)
    kafka.produce("kept", "this")
    assert False
"""


def test_a_failing_test_keeps_its_data_and_its_seed_brings_back_its_ids(tmp_path: Path) -> None:
    done = run(tmp_path, SEEDED, "--kafka-data", "data")
    (kept,) = (tmp_path / "data").iterdir()
    assert f"kbroker serve --data {kept}" in done.stdout, done.stdout
    with Broker(data=kept) as broker:
        assert [record.value for record in broker.records("kept")] == [b"this"]

    seed, scenario = (re.search(rf"--kafka-{word} (\S+)\)", done.stdout) for word in ("seed", "scenario"))
    assert seed is not None and scenario is not None
    steps = json.loads(Path(scenario[1]).read_text())
    assert [next(iter(step)) for step in steps] == ["topics.create", "records.produce"]
    (first,) = re.findall("^id (.*)", done.stdout, re.MULTILINE)
    again = run(tmp_path, SEEDED, "--kafka-seed", seed[1])
    assert re.findall("^id (.*)", again.stdout, re.MULTILINE) == [first]
    other = run(tmp_path, SEEDED)
    assert re.findall("^id (.*)", other.stdout, re.MULTILINE) != [first]
    assert "--kafka-seed is a number, not x" in run(tmp_path, SEEDED, "--kafka-seed", "x").stderr


def test_on_a_real_kafka_control_skips_and_names_are_a_tests_own(tmp_path: Path) -> None:
    source = """
names = set()

def test_one(kafka):
    assert kafka.bootstrap == "example:9092"
    names.add(kafka.name("t"))

def test_two(kafka):
    assert kafka.name("t") not in names and kafka.name("t").endswith("-t")

def test_three(kafka):
    kafka.faults.fail("Produce", "REQUEST_TIMED_OUT")
"""
    done = run(tmp_path, source, "--kafka-bootstrap", "example:9092", "-rs")
    assert "2 passed, 1 skipped" in done.stdout, done.stdout
    assert "a real Kafka has no faults install" in done.stdout


@pytest.mark.parametrize(
    ("option", "sentence"), [("num.partition=2", "Unknown config name: num.partition"), ("x", "NAME=VALUE, not x")]
)
def test_a_config_that_cannot_be_is_told(tmp_path: Path, option: str, sentence: str) -> None:
    done = run(tmp_path, "def test_one(kafka): pass", "--kafka-set", option)
    assert sentence in done.stdout + done.stderr


def test_tests_that_ask_for_nothing_start_nothing(tmp_path: Path) -> None:
    source = "def test_one():\n    import sys; assert 'kbroker.testing.report' not in sys.modules"
    assert "1 passed" in run(tmp_path, source).stdout
