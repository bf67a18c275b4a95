"""Kafka Streams with the streams protocol (KIP-1071), every step of its group's life named."""

import subprocess
from pathlib import Path

from compat_tests.broker import Outside, Process
from compat_tests.java.jars import HERE, jars
from compat_tests.programs import run_program
from compat_tests.tools import need_command, unique

STEPS = [
    "count words",
    "share tasks with another process",
    "keep standbys",
    "take over",
    "go on after all have stopped",
    "delete the group",
]


def test_a_word_count_stays_exact_through_the_life_of_its_group(broker: Process | Outside, tmp_path: Path) -> None:
    javac, libraries = need_command("javac", "java"), f"{jars()}/*"
    subprocess.run([javac, "-cp", libraries, "-d", str(tmp_path), str(HERE / "Streams.java")], check=True, timeout=200)
    command = [need_command("java", "java"), "-Xmx400M", "-cp", f"{libraries}:{tmp_path}", "Streams"]
    assert run_program(command, broker.bootstrap, unique("streams"), cwd=tmp_path) == STEPS
