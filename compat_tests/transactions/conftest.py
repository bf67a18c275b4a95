"""Transactional producers and their readers, closed at the end of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compat_tests.broker import Process
from compat_tests.transactions.clients import CONSUMERS, PRODUCERS, Consumer, Producer


class Desk:
    """Makes producers and consumers of one library (or of a named one) on one broker."""

    def __init__(self, name: str, bootstrap: str) -> None:
        self.name = name
        self.bootstrap = bootstrap
        self.opened: list[Any] = []

    def producer(self, transactional_id: str, timeout_ms: int = 60_000) -> Producer:
        return self._keep(PRODUCERS[self.name](self.bootstrap, transactional_id, timeout_ms))

    def consumer(
        self,
        topic: str,
        *,
        group: str | None = None,
        committed: bool = True,
        name: str | None = None,
        partition: int = 0,
    ) -> Consumer:
        """For a group, or alone from the start of one partition."""
        return self._keep(CONSUMERS[name or self.name](self.bootstrap, topic, group, committed, partition))

    def _keep(self, made: Any) -> Any:
        self.opened.append(made)
        return made

    def close(self) -> None:
        for each in reversed(self.opened):
            each.close()


@pytest.fixture(params=list(PRODUCERS))
def desk(request: pytest.FixtureRequest, broker: Any) -> Iterator[Desk]:
    """Each library in turn, on the shared broker."""
    made = Desk(request.param, broker.bootstrap)
    yield made
    made.close()


@pytest.fixture
def process(new_broker: Callable[..., Process]) -> Process:
    """A broker that the test may kill."""
    return new_broker()


@pytest.fixture
def own(desk: Desk, process: Process) -> Iterator[Desk]:
    """The same library on it."""
    made = Desk(desk.name, process.bootstrap)
    yield made
    made.close()
