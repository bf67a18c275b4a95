"""What a running broker hears, as exchanges: from its tap whole requests, from its connections those that never came
whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kbroker.trace.exchange import Exchange

if TYPE_CHECKING:
    from kbroker.control.history import Seen
    from kbroker.server.connection import Connection

SIZE_BYTES = 4


def exchange_of(seen: Seen, broker: str) -> Exchange:
    """A request with its answer, secrets and all."""
    return Exchange(
        number=seen.number,
        at_ms=seen.at_ms,
        took_ms=round(seen.took_s * 1000, 3),
        connection=f"#{seen.connection}",
        broker=broker,
        request=bytes(seen.request),
        reply=seen.reply[SIZE_BYTES:] if seen.reply else None,
    )


def unfinished(connection: Connection, broker: str, number: int, at_ms: int) -> Exchange | None:
    """What has come of a request that is not whole, if there is such a one."""
    begun = connection.begun
    if len(begun) < SIZE_BYTES:
        return None
    size = int.from_bytes(begun[:SIZE_BYTES], "big", signed=True)
    request = begun[SIZE_BYTES:]
    return Exchange(number, at_ms, 0.0, f"#{connection.id}", broker, request, None, size - len(request))


class Unfinished:
    """Tells of each request that stays unfinished: once a second look finds as many bytes as the first, or its
    connection ends. `tell` is called once for each."""

    def __init__(self, tell: Callable[[Connection], object]) -> None:
        self._tell = tell
        self._before: dict[Connection, int] = {}
        self._told: dict[Connection, int] = {}

    def look(self, connections: list[Connection]) -> None:
        now = {each: len(each.begun) for each in connections if each.begun}
        for each, size in now.items():
            if self._before.get(each) == size:
                self._say(each, size)
        self._before = now

    def ended(self, connection: Connection) -> None:
        if size := len(connection.begun):
            self._say(connection, size)
        self._before.pop(connection, None)
        self._told.pop(connection, None)

    def _say(self, connection: Connection, size: int) -> None:
        if self._told.get(connection) != size:
            self._told[connection] = size
            self._tell(connection)
