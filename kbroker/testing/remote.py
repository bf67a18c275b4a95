"""A real Kafka in the place of a broker of ours: `pytest --kafka-bootstrap HOST:PORT`.

The same verbs (`verbs.py`), as far as any Kafka can do them: topics, records, groups, and waiting for them
(`outside.py`). Every other verb skips the test, visibly, and so do faults, the clock and the like.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from kbroker.testing.clock import Clock
from kbroker.testing.faults import Faults
from kbroker.testing.outside import Outside
from kbroker.testing.verbs import Verbs

_numbers = itertools.count(1)


def _skip(what: str) -> None:
    pytest.skip(f"a real Kafka has no {what}: this test needs the test broker")


class Remote(Verbs):
    """`bootstrap` is what was given. Names get a prefix of their own, in place of a broker of its own: two tests do not
    meet."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._prefix = f"t{os.getpid()}-{next(_numbers)}-"
        self._line = Outside(bootstrap, _skip)
        self.faults = Faults(lambda: self._line)
        self.clock = Clock(lambda: self._line)

    @property
    def _link(self) -> Outside:
        return self._line

    def name(self, text: str) -> str:
        """The name of a topic, group or transactional id, of this test alone."""
        return self._prefix + text

    def close(self) -> None:
        self._line.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        _skip(f"{name}()")
