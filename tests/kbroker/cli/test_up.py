"""`kbroker up`, `status`, `logs` and `down`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .processes import finished

Run = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    def command(*arguments: str) -> "CompletedProcess[str]":
        return finished(*arguments, cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))

    yield command
    command("down")


def test_a_broker_in_the_background_is_seen_heard_and_ended(run: Run, tmp_path: Path) -> None:
    started = run("up", "-d", "--listen", "127.0.0.1:0", "--data", "d", "--topic", "orders:3", "--log-level", "debug")
    assert started.returncode == 0 and "ready on 127.0.0.1:" in started.stdout
    (row,) = json.loads(run("status", "--json").stdout)
    assert (row["name"], row["state"]) == ("default", "up")
    topics = run("topic", "list", "--json", "--to", row["bootstrap"]).stdout
    assert json.loads(topics) == [{"name": "orders", "partitions": 3, "replicas": 1, "internal": False}]
    again = run("up", "-d", "--memory")
    assert again.returncode == 1 and "is up already" in again.stderr
    assert run("logs").returncode == run("logs", "--name", "default").returncode == 0
    assert run("down", "--name", "another").returncode == 1
    ended = run("down", "--wipe", "--yes")
    assert ended.stdout.startswith("default is down\n") and not (tmp_path / "d").exists()
    assert "no broker was started" in run("status").stderr
    assert run("down").returncode == 1


def test_why_it_does_not_come_up_is_said(run: Run) -> None:
    started = run("up", "-d", "--set", "num.partitions=none")
    assert started.returncode == 2 and "Invalid value none" in started.stderr
    assert json.loads(run("status", "--json").stdout) == []


def test_a_directory_that_is_not_ours_is_never_wiped(run: Run, tmp_path: Path) -> None:
    run("up", "-d", "--listen", "127.0.0.1:0", "--data", "d")
    (tmp_path / "d" / "format.json").rename(tmp_path / "format.json")
    refused = run("down", "--wipe", "--yes")
    assert refused.returncode == 1 and "does not look like a data directory" in refused.stderr
    assert (tmp_path / "d").exists()
