"""Programs in other languages: they get an address and a prefix for their names, and print each step that they have
done.

A step is a line {"step": NAME}. A program that fails prints why on standard error and ends with a status that is not 0.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

LONGEST_S = 240


def run_program(command: Sequence[str], bootstrap: str, prefix: str, *, cwd: Path) -> list[str]:
    """The steps that were done; a failure of the program is one of the test, with what the program said."""
    try:
        done = subprocess.run(
            [*command, bootstrap, prefix], cwd=cwd, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{command[-1]} did not end within {LONGEST_S} s, having said: {late.stdout!r} {late.stderr!r}")
    steps = [json.loads(line)["step"] for line in done.stdout.splitlines() if line.startswith('{"step"')]
    if done.returncode:
        pytest.fail(f"{command[-1]} failed after {steps[-1:] or 'nothing'}:\n{done.stderr[-4000:]}", pytrace=False)
    return steps
