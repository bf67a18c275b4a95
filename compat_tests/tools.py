"""Small things that every suite needs: deadlines, unique names, and what to do when a tool is missing.

Nothing here sleeps: whoever waits does so inside a call of the client under test, or on a condition that another
thread sets, and gives up at a deadline that is far above what any healthy run needs.
"""

from __future__ import annotations

import importlib
import itertools
import os
import secrets
import shutil
import time
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

import pytest

T = TypeVar("T")

DEADLINE_S = 60.0  # for one wait; reaching it is a failure, never a measurement
T0 = (int(time.time()) - 3600) * 1000  # the time of tests' records: retention.ms lets them live as long as any run

_SESSION = secrets.token_hex(3)
_counter = itertools.count(1)


def unique(stem: str) -> str:
    """A name that no other test, and no earlier run against the same outside broker, has used."""
    return f"{stem}-{_SESSION}-{next(_counter)}"


class Deadline:
    """How long a wait may still take; `check` fails the test with a sentence when it is over."""

    def __init__(self, what: str, seconds: float = DEADLINE_S) -> None:
        self.what = what
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def check(self, state: object = "") -> None:
        if self.left() <= 0:
            pytest.fail(f"not within {self.seconds:g} s: {self.what} {state}".rstrip())


def until(what: str, ask: Callable[[], T], seconds: float = DEADLINE_S) -> T:
    """Asks again and again (a call that itself waits a little on the client) until the answer is truthy."""
    deadline = Deadline(what, seconds)
    while not (answer := ask()):
        deadline.check(f"(last answer {answer!r})")
    return answer


def _missing(group: str, reason: str) -> None:
    required = {name.strip() for name in os.environ.get("COMPAT_REQUIRE", "").split(",")}
    if group in required:
        pytest.fail(f"{reason}, and COMPAT_REQUIRE names {group}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def need_module(name: str, group: str = "python") -> ModuleType:
    """The client library `name`, or a visible skip (a failure when COMPAT_REQUIRE names its group)."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        _missing(group, f"{name} is not installed ({error})")
        raise


def need_command(name: str, group: str, places: str | None = None) -> str:
    """The path of a program, or a visible skip (a failure when COMPAT_REQUIRE names its group)."""
    path = shutil.which(name, path=places)
    if path is None:
        _missing(group, f"{name} is not installed")
        raise AssertionError
    return path
