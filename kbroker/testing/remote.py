"""A real Kafka in the place of a broker of ours: the same tests, as far as they ask for nothing that only a test broker
can do.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

_numbers = itertools.count(1)


class Remote:
    """`bootstrap` is what was given. Names get a prefix of their own, in place of a broker of its own: two tests do not
    meet. Everything else skips the test, visibly."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._prefix = f"t{os.getpid()}-{next(_numbers)}-"

    def name(self, text: str) -> str:
        """The name of a topic, group or transactional id, of this test alone."""
        return self._prefix + text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        pytest.skip(f"a real Kafka has no {name}(): this test needs the test broker")
