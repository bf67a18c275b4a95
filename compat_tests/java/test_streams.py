"""Kafka Streams from Maven Central with the streams protocol (KIP-1071), every step of its life named."""

import shutil
import subprocess
from pathlib import Path

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.programs import run_program
from compat_tests.tools import need_command, unique

HERE = Path(__file__).parent

STEPS = [
    "count words",
    "share tasks with another process",
    "keep standbys",
    "take over",
    "go on after all have stopped",
    "delete the group",
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled beside its jars."""
    for command in ("mvn", "javac", "java"):
        need_command(command, "java")
    home = tmp_path_factory.mktemp("java")
    shutil.copy(HERE / "pom.xml", home)
    copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
    subprocess.run(copy, cwd=home, check=True, timeout=600)
    subprocess.run(["javac", "-cp", "jars/*", "-d", ".", str(HERE / "Streams.java")], cwd=home, check=True, timeout=200)
    return home


def test_a_word_count_stays_exact_through_the_life_of_its_group(programs: Path, broker: Process | Outside) -> None:
    command = ["java", "-Xmx400M", "-cp", "jars/*:.", "Streams"]
    assert run_program(command, broker.bootstrap, unique("streams"), cwd=programs) == STEPS
