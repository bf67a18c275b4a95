"""`kbroker` as a process: what it says, how it ends."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
READY = re.compile(r"kbroker (\S+) ready on (\S+) data=(.+) pid=(\d+)(?: http=\S+)?\n")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "kbroker", *arguments]


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KBROKER_")}
    return clean | {"PYTHONPATH": str(ROOT)} | more


def finished(*arguments: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """A run that ends by itself."""
    return subprocess.run(
        command(*arguments), cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=30
    )


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[tuple["subprocess.Popen[str]", "re.Match[str]"]]:
    """A broker that serves: the process, and what its one line says."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = READY.fullmatch(line)
        assert ready, (line, process.communicate(timeout=10))
        yield process, ready
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)
