"""Java's clients, as in `test_cluster.py`: leaders that move and brokers that end and come back by a seed.

The program is `java/src/main/java/kbroker/compat/Ride.java`: an idempotent producer, two members of a group, and a
copier in transactions. It says what it was told; the log says what is true.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from compat_tests.cluster.life import Commits, steps
from compat_tests.crash.checks import PARTITIONS, check, read_everything
from compat_tests.drivers import Answer, Client, Stored
from compat_tests.java.jars import compiled
from compat_tests.tools import Deadline, need_command, unique
from kbroker.testing import Cluster

pytestmark = pytest.mark.kbroker_only("its brokers are stopped and leaders moved by kbroker's own verbs")

Open = Callable[[str, str], Client]
CHUNK = 200
OPTIONS = ["-Xmx512M", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
ENDING_S = 120


class Ride:
    """The program while it runs; `end` closes its standard input and gives what it has said."""

    def __init__(self, path: str, *words: str) -> None:
        command = [need_command("java", "java"), *OPTIONS, "-cp", path, "kbroker.compat.Ride", *words]
        self.lines: list[list[str]] = []
        self.complaints: list[str] = []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        out, err = self._process.stdout, self._process.stderr
        assert out is not None and err is not None
        self._threads = [
            threading.Thread(target=lambda: self.lines.extend(line.split() for line in out), daemon=True),
            threading.Thread(target=lambda: self.complaints.extend(err), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            status = self._process.wait(ENDING_S)
            for thread in self._threads:
                thread.join(10)
            assert (status, self.lines[-1:]) == (0, [["done"]]), "".join(self.complaints)[-4000:]
        finally:
            self.close()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def said(self, word: str) -> list[tuple[int, ...]]:
        return [tuple(map(int, rest)) for first, *rest in self.lines if first == word]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compiled(tmp_path_factory.mktemp("classes"))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(brokers=3, racks=["a", "b", "c"]) as running:
        yield running


@pytest.mark.parametrize(("protocol", "seed"), [("classic", 4), ("consumer", 5)])
def test_java_rides_through_leader_moves_and_brokers_that_die(
    protocol: str, seed: int, path: str, cluster: Cluster, open_clients: Open
) -> None:
    topic = unique("ride")
    copy, group = f"{topic}-copy", f"riders-{topic}"
    for name in (topic, copy):
        cluster.create_topic(name, PARTITIONS)
    ride, commits = Ride(path, cluster.bootstrap, topic, copy, protocol), Commits(cluster, group)
    try:
        deadline = Deadline("all steps", 150)
        for at, step in enumerate(steps(cluster, seed, rounds=2)):
            cluster.wait_records(topic, CHUNK * (at + 1), timeout=60)
            step()
            commits.look()
            deadline.check(f"(at step {at})")
        ride.end()
    finally:
        ride.close()
    commits.look()
    assert sum(commits.seen.values()) > CHUNK, "hardly a commit has come through"
    stored: list[Answer] = [Stored(partition, offset) for _, partition, offset in sorted(ride.said("stored"))]
    assert len(stored) >= 10 * CHUNK
    client = open_clients("confluent", cluster.bootstrap)
    check(read_everything(client, topic), stored)
    copied(cluster, topic, copy)


def copied(cluster: Cluster, topic: str, copy: str) -> None:
    """Exactly once: what is committed of the copy is the topic, record by record."""
    for partition in range(PARTITIONS):
        source, made = (cluster.records(name, partition=partition, limit=1 << 20) for name in (topic, copy))
        assert [record.value for record in made] == [record.value for record in source], f"partition {partition}"
        assert source, f"nothing is in partition {partition}"
