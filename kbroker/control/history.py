"""What the broker has seen: every request with its answer, and every connection that ended, with the reason.

The tap copies the bytes of a frame and of its reply, and nothing else; they are read when somebody asks (`reading.py`).
The ring is bounded by bytes: the oldest go first. Without a history there is no tap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from struct import Struct as Packing
from typing import TYPE_CHECKING, Any

from kbroker.control.shapes import Connection as Ended
from kbroker.control.views import connection_of
from kbroker.server.dispatch import Call, Dispatcher, Refused

if TYPE_CHECKING:
    from kbroker.server.connection import Connection
    from kbroker.world import World
    from wire.frame import Frame
    from wire.primitives import Buffer

MOST_ENDED = 1000
OVERHEAD_BYTES = 500  # of one entry, whatever its frames hold
_HEAD = Packing(">hhi")  # API key, version, correlation id


class Seen:
    """A request as it came, and its reply as it went: None as long as there is none, empty if none was sent."""

    __slots__ = (
        "at_ms", "connection", "faults", "node", "number", "refused", "reply", "request", "started_s", "took_s",
    )  # fmt: skip

    def __init__(self, number: int, connection: Connection, request: bytes, at_ms: int, started_s: float) -> None:
        self.number = number
        self.connection = connection.id
        self.node = connection.node.id
        self.request = request
        self.at_ms = at_ms
        self.started_s = started_s
        self.took_s = 0.0
        self.reply: bytes | None = None
        self.refused = ""
        self.faults: list[str] = []

    @property
    def head(self) -> tuple[int, int, int]:
        """API key, version, correlation id; of bytes that are no request, -1."""
        return _HEAD.unpack_from(self.request) if len(self.request) >= _HEAD.size else (-1, -1, -1)

    @property
    def size(self) -> int:
        return OVERHEAD_BYTES + len(self.request) + len(self.reply or b"")


class History:
    """`requests` in the order in which they came, `ended` the connections that are no more. `tell` is called with every
    request that has been answered, and with every end of a connection."""

    def __init__(self, world: World, limit_bytes: int) -> None:
        self._world = world
        self._limit = limit_bytes
        self._size = 0
        self._last = 0
        self.requests: deque[Seen] = deque()
        self.ended: deque[Ended] = deque(maxlen=MOST_ENDED)
        self.tell: Callable[[Seen | Ended], object] = lambda news: None

    def asked(self, connection: Connection, frame: Frame, started_s: float) -> Seen:
        self._last += 1
        seen = Seen(self._last, connection, bytes(frame), self._world.time_ms(), started_s)
        self.requests.append(seen)
        self._grow(seen.size)
        return seen

    def answered(self, seen: Seen, reply: list[Buffer], refused: str) -> None:
        seen.took_s = self._world.loop_time() - seen.started_s
        seen.reply = b"".join(reply)
        seen.refused = refused
        self._grow(len(seen.reply))
        self.tell(seen)

    def refused(self, seen: Seen, reason: str) -> None:
        seen.refused = reason
        self.tell(seen)

    def lost(self, connection: Connection) -> None:
        ended = connection_of(connection, connection.ended, self._world.time_ms())
        self.ended.append(ended)
        self.tell(ended)

    def clear(self) -> None:
        self.requests.clear()
        self.ended.clear()
        self._size = 0

    def _grow(self, size: int) -> None:
        self._size += size
        while self._size > self._limit and self.requests:
            self._size -= self.requests.popleft().size


class Watched(Call):
    """A call that tells when its reply has been made."""

    __slots__ = ("_history", "_reply", "seen")

    def __init__(self, history: History, seen: Seen, *arguments: Any) -> None:
        self._history = history
        self.seen = seen
        super().__init__(*arguments)

    @property
    def reply(self) -> list[Buffer] | None:
        return self._reply

    @reply.setter
    def reply(self, reply: list[Buffer] | None) -> None:
        self._reply = reply
        if reply is not None:
            self._history.answered(self.seen, reply, self.refused)


class Tap:
    """Stands before a dispatcher, and tells the history of everything that goes through."""

    def __init__(self, dispatcher: Dispatcher, history: History) -> None:
        self._history = history
        self._start = dispatcher.start
        self._seen: Seen | None = None
        dispatcher.start = self.start  # type: ignore[method-assign]
        dispatcher.make_call = self._make_call

    def start(self, connection: Connection, frame: Frame, arrived_at: float) -> Call:
        seen = self._seen = self._history.asked(connection, frame, arrived_at)
        try:
            return self._start(connection, frame, arrived_at)
        except Refused as refusal:
            self._history.refused(seen, str(refusal))
            raise

    def _make_call(self, *arguments: Any) -> Call:
        assert self._seen is not None
        return Watched(self._history, self._seen, *arguments)
