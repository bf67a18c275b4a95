"""Apache Kafka's own Java clients: producer, consumers of three kinds, transactions, Kafka Streams that is killed.

The checks are Java (`src/`, `Checks.java` has the list) and run in one JVM, which starts with the first test and says
of each how it went. `tools/` is for Kafka's command-line tools.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.java.jars import SOURCES, compiled
from compat_tests.tools import need_command

NAMES = re.findall(r'ALL\.put\(\s*"(\w+)"', (SOURCES / "kbroker" / "compat" / "Checks.java").read_text())
ALL_S = 420
# a member that is killed is missed soon; the least that may be asked for comes first
SETTINGS = [
    f"group.{kind}.{setting}"
    for kind in ("consumer", "streams")
    for setting in (
        "min.session.timeout.ms=1000",
        "session.timeout.ms=3000",
        "min.heartbeat.interval.ms=100",
        "heartbeat.interval.ms=500",
    )
]


@pytest.fixture(scope="module")
def patient(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process | Outside]:
    """A broker that gives up silent members after seconds."""
    if address := request.config.getoption("--bootstrap"):
        yield Outside(address)
        return
    command = request.config.getoption("--broker-command")
    broker = Process(tmp_path_factory.mktemp("java"), settings=SETTINGS, command=command).start()
    yield broker
    broker.close()


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[str, str]]]:
    """What the JVM says of each check that is wanted: name -> ok or failed, and the rest of the line."""
    java = need_command("java", "java")
    path = compiled(tmp_path_factory.mktemp("classes"))
    broker = request.getfixturevalue("patient")
    wanted = [item for item in request.session.items if "told" in getattr(item, "fixturenames", ())]
    here = [item.callspec.params["name"] for item in wanted]
    options = ["-Xmx512M", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
    words = [java, *options, "-cp", path, "kbroker.compat.Checks", broker.bootstrap, *here]
    done = subprocess.run(words, capture_output=True, text=True, timeout=ALL_S)
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines() if line.startswith(("ok ", "failed "))]
    found = {name: (verdict, rest) for verdict, name, *more in lines for rest in [" ".join(more)]}
    for name in here:
        found.setdefault(name, ("missing", done.stderr[-4000:]))
        if found[name][0] == "failed":
            found[name] = ("failed", f"{found[name][1]}\n{done.stderr[-8000:]}")
    yield found


def test_there_are_checks() -> None:
    assert len(NAMES) >= 10 and len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_java(name: str, told: dict[str, tuple[str, str]]) -> None:
    verdict, rest = told[name]
    assert verdict == "ok", rest
