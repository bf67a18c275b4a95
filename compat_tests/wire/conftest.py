"""Raw connections to the shared broker, closed at the end of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.wire.connection import Connection


@pytest.fixture
def connect(broker: Process | Outside) -> Iterator[Callable[[], Connection]]:
    mine: list[Connection] = []

    def make() -> Connection:
        mine.append(Connection(broker.host, broker.port))
        return mine[-1]

    yield make
    for connection in mine:
        connection.close()


@pytest.fixture
def connection(connect: Callable[[], Connection]) -> Connection:
    return connect()
