"""What docs/learn/ teaches, held against Apache Kafka 4.4: every program of it, and every promise of `kbroker check`.

Each program asserts what its page says; here it has to end well, on kbroker and on Apache Kafka, which is started from
its jars where there is Java. `tests/learn` holds the bytes on the pages against kbroker.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from compat_tests.broker import REPOSITORY, Process, free_port
from compat_tests.java.jars import jars
from compat_tests.tools import need_command

FOLDER = REPOSITORY / "docs" / "learn"
USER, PASSWORD = "alice", "alice-secret"
STAGES = 9

LESSONS = {
    "1_api_versions": ([], "key  18  versions 0 to 5"),
    "2_metadata": (["orders"], "orders-0: leader 1, replicas [1], in sync [1]"),
    "3_produce": (["orders", "one", "two", "three"], "3 records at offset 0"),
    "4_fetch": (["orders"], "0: one\n1: two\n2: three"),
    "5_compression": (["orders"], "20 records, the last of them: order 20"),
    "6_idempotence": (["orders"], "sequence 5, where 1 comes next: error 45"),
    "7_group": (["orders", "readers"], "committed: 42 (from chapter 7)"),
    "8_transaction": (["orders", "cashier"], "committed: ['from one account', 'to another']"),
    "9_consumer_group": (["orders", "fast"], "orders: [0]"),
    "10_scram": ([USER, PASSWORD], "logged in as alice, and the broker has proved itself"),
}


class Places(NamedTuple):
    """HOST:PORT where everybody may do everything, and where one has to log in."""

    plain: str
    login: str


def kbroker(home: Path) -> tuple[Process, int]:
    login = free_port()
    listeners = f"listeners=PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:{login}"
    settings = (listeners, f"kbroker.sasl.users={USER}:{PASSWORD}")
    return Process(home, settings=settings, listen="", memory=True), login


def kafka(home: Path) -> tuple[Process, int]:
    need_command("java", "java")
    jars("pom-server.xml")  # downloading is no part of starting
    login = free_port()
    words = f"{sys.executable} -m compat_tests.java.server {{port}} {{dir}} --login {login} {USER}:{PASSWORD}"
    return Process(home, command=words), login


@pytest.fixture(scope="module", params=[kbroker, kafka], ids=["kbroker", "kafka"])
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    process, login = request.param(tmp_path_factory.mktemp(request.param.__name__))
    process.start()
    yield Places(f"127.0.0.1:{process.port}", f"127.0.0.1:{login}")
    process.close()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_program_does_what_its_page_says(places: Places, lesson: str) -> None:
    """In their order: a later one reads what an earlier one has written."""
    arguments, expected = LESSONS[lesson]
    where = places.login if lesson == "10_scram" else places.plain
    done = subprocess.run(
        [sys.executable, f"{lesson}.py", where, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, expected in done.stdout) == (0, True), f"{done.stdout}\n{done.stderr}"


def test_every_program_is_here() -> None:
    assert set(LESSONS) == {path.stem for path in FOLDER.glob("[1-9]*_*.py")}


def test_every_promise_of_check_holds(places: Places) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kbroker", "check", places.plain, "--json"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    rows = json.loads(done.stdout)
    assert [row for row in rows if not row["holds"]] == []
    assert {row["stage"] for row in rows} == set(range(1, STAGES + 1))
