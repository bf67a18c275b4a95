"""`kbroker proxy` as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

READY = "kbroker proxy ready on "


@contextmanager
def proxying(upstream: str, *options: str) -> Iterator[str]:
    """A proxy before this cluster: its address. What it shows goes to nobody."""
    command = [sys.executable, "-m", "kbroker", "proxy", "--upstream", upstream, "--quiet", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith(READY), line
    try:
        yield line.removeprefix(READY).split()[0]
    finally:
        process.terminate()
        process.communicate(timeout=20)
