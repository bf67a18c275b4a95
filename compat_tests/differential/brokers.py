"""The brokers of the comparison: Apache Kafka, started from its jars, and kbroker with the same settings beside it.

    plain    as it comes, with Kafka's timing
    quick    groups wait for nobody: what otherwise takes Kafka seconds is over at once

Kafka's jars come from Maven Central by the harness outside of this repository (`../shared/bench`, or KBROKER_BENCH says
where); KAFKA_VERSION says which (4.4.0).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compat_tests.broker import REPOSITORY, Process

VERSION = os.environ.get("KAFKA_VERSION", "4.4.0")
PRESETS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "quick": (
        "group.initial.rebalance.delay.ms=0",
        "group.consumer.assignment.interval.ms=0",
        "group.share.assignment.interval.ms=0",
        "group.streams.initial.rebalance.delay.ms=0",
        "group.streams.assignment.interval.ms=0",
        "group.min.session.timeout.ms=1000",
        "auto.create.topics.enable=false",
    ),
}


def start_script() -> Path:
    return Path(os.environ.get("KBROKER_BENCH", REPOSITORY.parent / "shared" / "bench")) / "kafka" / "start.sh"


def why_no_kafka() -> str | None:
    """Why Apache Kafka cannot be started here; None if it can."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        return f"Apache Kafka needs {' and '.join(missing)}"
    return None if start_script().is_file() else f"no {start_script()} (KBROKER_BENCH says where it is)"


@contextmanager
def kafka(preset: str, home: Path) -> Iterator[Process]:
    process = Process(home, settings=PRESETS[preset], command=f"bash {start_script()} {{port}} {{dir}}")
    os.environ["KAFKA_VERSION"] = VERSION
    os.environ.setdefault("KAFKA_HEAP_OPTS", "-Xmx512M")
    try:
        yield process.start()
    finally:
        process.close()


@contextmanager
def kbroker(preset: str, program: tuple[str, ...] = ("-m", "kbroker")) -> Iterator[tuple[str, int]]:
    """On fresh data, with Kafka's timing and the preset's settings: its host and port."""
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, *program, "serve", "--listen", "127.0.0.1:0", "--data", home, "--preset", "kafka"]
        for setting in PRESETS[preset]:
            words += ["--set", setting]
        process = subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                host, _, port = line.split(" ready on ", 1)[1].split()[0].split(",")[0].rpartition(":")
                yield host, int(port)
            finally:
                process.terminate()
