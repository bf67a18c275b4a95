"""What the broker has seen: every request with its answer, and every connection that ended, with the reason.

    request -> Tap.start -> the dispatcher -> answered at once, or `Pending` until it is -> a few wait -> one `Chunk`

The tap copies the first 64 KiB of a frame, before offsets are stamped into it, and of its reply, and decodes nothing;
they are read when somebody asks (`reading.py`), and secrets are left out for who looks. Without a tap nothing is seen
and nothing is paid: the dispatcher is as it always is.

The ring is bounded by bytes: the oldest go first, and who looks too slowly counts what has gone. It is made of chunks,
each the bytes of many exchanges in one piece (`trace/stream.py`). Twenty thousand small objects that live for a second
would cost a request more than everything else that is done here: their memory is cold whenever it is touched. And who
looks elsewhere gets the chunks as they are, so that looking costs the same however many requests there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from struct import Struct as Packing
from typing import TYPE_CHECKING, Final

from kbroker.control.shapes import Connection as Ended
from kbroker.control.views import connection_of
from kbroker.server.dispatch import Call, Refused
from kbroker.trace.secrets import SECRET, without_secrets
from kbroker.trace.stream import HEAD_BYTES, SIZE_BYTES, pack_head, unpack_head
from wire.registry import APIS

if TYPE_CHECKING:
    from kbroker.server.connection import Connection
    from kbroker.server.dispatch import Starts
    from kbroker.server.server import Server
    from kbroker.world import World
    from wire.frame import Frame
    from wire.primitives import Buffer

RING_BYTES = 16 << 20
FRAME_BYTES = 64 << 10
"""So much of a frame is kept, its size not counted."""
MOST_ENDED = 1000
CHUNK = 128
LEAST_CHUNKS_BYTES = 8192  # of the ring for each exchange in a chunk
SMALL_BYTES = 4096
"""Exchanges go into a chunk together, but what is larger does not wait for others."""
LAST_ANSWER_S = 1.0
MOST_PENDING = 10_000  # the broker's own memory bounds them, too
OVERHEAD_BYTES = 300  # of a chunk, whatever it holds
_REPLY_BYTES = SIZE_BYTES + FRAME_BYTES
_HEAD = Packing(">hhi")  # API key, version, correlation id
_KEY_BYTES = 2
_PLAIN = frozenset(key.to_bytes(_KEY_BYTES, "big") for key in frozenset(APIS) - SECRET)
_BETWEEN = "\0"
BEGAN: Final = 2  # in an Entry
CONNECTION: Final = 3
KEPT: Final = 6
REPLY: Final = 8


class Seen:
    """A request as it came, and its reply as it went with its size in front: None as long as there is none, empty if
    none was sent. Of both there is the beginning; `request_bytes` is how long the request was."""

    __slots__ = (
        "_at", "_data", "_kept", "_more", "_replied", "at_ms", "began_s", "connection", "node", "number",
        "request_bytes", "took_s",
    )  # fmt: skip

    def __init__(self, data: bytes, at: int) -> None:
        """`data` holds it at this place."""
        self._data = data
        self._at = at + HEAD_BYTES
        (
            self.number, self.at_ms, self.began_s, self.took_s, self.connection, self.node,
            self.request_bytes, self._kept, self._replied, self._more,
        ) = unpack_head(data, at)  # fmt: skip

    @property
    def request(self) -> bytes:
        return self._data[self._at : self._at + self._kept]

    @property
    def reply(self) -> bytes | None:
        start = self._at + self._kept
        return None if self._replied < 0 else self._data[start : start + self._replied]

    @property
    def head(self) -> tuple[int, int, int]:
        """API key, version, correlation id; of bytes that are no request, -1."""
        return _HEAD.unpack_from(self._data, self._at) if self._kept >= _HEAD.size else (-1, -1, -1)

    @property
    def key_bytes(self) -> bytes:
        return self._data[self._at : self._at + _KEY_BYTES] if self._kept >= _KEY_BYTES else b""

    def without_secrets(self) -> Entry:
        """All of it, for who looks."""
        request, reply = self.request, self.reply
        if self.key_bytes not in _PLAIN:
            request, bare = without_secrets(request, reply[SIZE_BYTES:] if reply else None)
            reply = reply[:SIZE_BYTES] + bare if reply and bare is not None else reply
        more = self._data[self.end - self._more : self.end]
        return (
            self.number, self.at_ms, self.began_s, self.connection, self.node, self.request_bytes, request,
            self.took_s, reply, more,
        )  # fmt: skip

    @property
    def is_done(self) -> bool:
        """Whether it has been answered, or never will be."""
        return self._replied >= 0 or bool(self.refused)

    @property
    def refused(self) -> str:
        """Why the connection was closed instead."""
        return self._texts[0] if self._more else ""

    @property
    def faults(self) -> list[str]:
        """Those that it has met."""
        return self._texts[1:] if self._more else []

    @property
    def _texts(self) -> list[str]:
        return self._data[self.end - self._more : self.end].decode().split(_BETWEEN)

    @property
    def end(self) -> int:
        """Where the next one begins."""
        end: int = self._at + self._kept + max(0, self._replied) + self._more
        return end


class Chunk:
    """Some exchanges, in the order of their answers; `first` counts the answers before them."""

    __slots__ = ("_is_bare", "_seen", "count", "data", "first")

    def __init__(self, data: bytes, first: int, count: int, is_bare: bool) -> None:
        """`is_bare`: no secret can be in it."""
        self._is_bare = is_bare
        self.data = data
        self.first = first
        self.count = count
        self._seen: list[Seen] | None = None

    @property
    def seen(self) -> list[Seen]:
        if self._seen is None:
            self._seen = list(_seen_in(self.data))
        return self._seen

    @property
    def bare(self) -> bytes:
        """The bytes without secrets."""
        if self._is_bare:
            return self.data
        return b"".join([part for seen in self.seen for part in _parts(seen.without_secrets())])


def _seen_in(data: bytes) -> Iterator[Seen]:
    at = 0
    while at < len(data):
        seen = Seen(data, at)
        yield seen
        at = seen.end


class Pending:
    """A request that has no answer yet (see `server.dispatch.Sees`); `asked` is what its entry begins with."""

    __slots__ = ("asked", "faults", "history")

    def __init__(self, history: History, asked: Asked) -> None:
        self.history = history
        self.asked = asked
        self.faults: tuple[str, ...] = ()

    def answered(self, call: Call) -> None:
        """Its reply is there; unless it has been forgotten, or was told to have none."""
        history, asked, parts = self.history, self.asked, call.reply
        if parts is None or history.pending.pop(asked[0], None) is None:
            return
        if self.faults or call.refused:
            history.add(self.entry(beginning(parts), call.refused))
        else:
            first = parts[0] if len(parts) == 1 else b""
            reply = first if type(first) is bytes and 0 < len(first) < SMALL_BYTES else beginning(parts)
            history.add((*asked, history.clock() - asked[BEGAN], reply, b""))

    def entry(self, reply: bytes | None, refused: str) -> Entry:
        more = _BETWEEN.join((refused, *self.faults)).encode() if refused or self.faults else b""
        return (*self.asked, self.history.clock() - self.asked[BEGAN], reply, more)


Asked = tuple[int, int, float, int, int, int, bytes]
"""Number, time, when it began by the clock, connection, node, bytes of the request, what is kept of it."""
Entry = tuple[int, int, float, int, int, int, bytes, float, bytes | None, bytes]
"""The same; seconds taken, what is kept of the reply, `more`."""


def _parts(entry: Entry) -> tuple[bytes, bytes, bytes, bytes]:
    """As a chunk has it."""
    number, at_ms, began_s, connection, node, size, kept, took_s, reply, more = entry
    head = pack_head(
        number, at_ms, began_s, took_s, connection, node,
        size, len(kept), -1 if reply is None else len(reply), len(more),
    )  # fmt: skip
    return head, kept, reply or b"", more


class Follower:
    """Reads the ring as it grows."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._next = history.settled()
        self.missed = 0
        """So many answers had gone when it looked."""

    def take(self) -> list[Chunk]:
        """What has come since the last time, oldest first."""
        end = self._history.settled()
        found = self._history.since(self._next)
        self.missed += (found[0].first if found else end) - self._next
        self._next = end
        return found


class History:
    """The chunks of the ring, those who wait for an answer, and in `ended` the connections that are no more. `tell` is
    called with every answer and every end of a connection."""

    def __init__(self, world: World, limit_bytes: int = RING_BYTES) -> None:
        self._world = world
        self.clock = world.work_time
        self._limit = limit_bytes
        self._size = 0
        self._done = 0  # answers that are in chunks, or were
        self._chunks: deque[Chunk] = deque()
        self.pending: dict[int, Pending] = {}
        """By their numbers, the oldest first."""
        self.waiting: list[Entry] = []
        """Those that will make a chunk, once there are `most_waiting`."""
        self.most_waiting = max(1, min(CHUNK, limit_bytes // LEAST_CHUNKS_BYTES))
        self.last = 0
        """The number of the newest request."""
        self.ended: deque[Ended] = deque(maxlen=MOST_ENDED)
        self.tell: Callable[[], object] | None = None

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[Seen]:
        """All that is remembered, in the order in which it came."""
        self.settled()
        found = [seen for chunk in self._chunks for seen in chunk.seen]
        found += [Seen(b"".join(_parts(pending.entry(None, ""))), 0) for pending in self.pending.values()]
        return sorted(found, key=lambda seen: seen.number)

    def find(self, number: int) -> Seen | None:
        """The request of that number, as long as it is remembered."""
        return next((each for each in self.requests if each.number == number), None)

    def follow(self) -> Follower:
        """What is answered from now on."""
        return Follower(self)

    def since(self, first: int) -> list[Chunk]:
        """The chunks from this answer on: who counts by chunks always asks for the beginning of one."""
        found = []
        for chunk in reversed(self._chunks):
            if chunk.first < first:
                break
            found.append(chunk)
        return found[::-1]

    def clear(self) -> None:
        self.settled()
        self._forget(0)
        self.pending.clear()
        self.ended.clear()

    # --- what the tap tells -------------------------------------------------------------------------------------------

    def asked(self, connection: Connection, frame: Buffer) -> Pending:
        """A request that somebody else has seen than our own tap: a proxy."""
        self.last += 1
        kept = bytes(frame[:FRAME_BYTES])
        asked = self.last, self._world.time_ms(), self.clock(), connection.id, connection.node.id, len(frame), kept
        pending = self.pending[self.last] = Pending(self, asked)
        return pending

    def answered(self, pending: Pending, reply: list[Buffer] | None, refused: str) -> None:
        """Its answer: None if there is none. What has been forgotten meanwhile is not remembered again."""
        if self.pending.pop(pending.asked[0], None) is not None:
            self.add(pending.entry(None if reply is None else beginning(reply), refused))

    def add(self, entry: Entry) -> None:
        """A request has an answer, or never will have one."""
        self.waiting.append(entry)
        if len(self.waiting) >= self.most_waiting or len(entry[KEPT]) + len(entry[REPLY] or b"") > SMALL_BYTES:
            self.settled()
        if self.tell is not None:
            self.tell()

    def lost(self, connection: Connection) -> None:
        """A connection has ended. What is under way for it may still come to an answer, which nobody hears."""
        numbers = [number for number, each in self.pending.items() if each.asked[CONNECTION] == connection.id]
        if numbers:
            self._world.later(LAST_ANSWER_S, self._give_up, numbers)
        self.ended.append(connection_of(connection, connection.ended, self._world.time_ms()))
        if self.tell is not None:
            self.tell()

    def _give_up(self, numbers: list[int]) -> None:
        for number in numbers:
            if (pending := self.pending.pop(number, None)) is not None:
                self.add(pending.entry(None, ""))

    # --- the ring -----------------------------------------------------------------------------------------------------

    def settled(self) -> int:
        """Put what waits into a chunk. How many answers there have been."""
        if self.waiting:
            entries, self.waiting = self.waiting, []
            parts: list[bytes] = []
            for number, at_ms, began_s, connection, node, size, kept, took_s, reply, more in entries:
                replied = -1 if reply is None else len(reply)
                parts += (
                    pack_head(number, at_ms, began_s, took_s, connection, node, size, len(kept), replied, len(more)),
                    kept,
                    reply or b"",
                    more,
                )
            is_bare = {entry[KEPT][:_KEY_BYTES] for entry in entries} <= _PLAIN
            chunk = Chunk(b"".join(parts), self._done, len(entries), is_bare)
            self._done += len(entries)
            self._chunks.append(chunk)
            self._size += OVERHEAD_BYTES + len(chunk.data)
            self._forget(self._limit)
        return self._done

    def _forget(self, limit: int) -> None:
        while self._size > limit and self._chunks:
            self._size -= OVERHEAD_BYTES + len(self._chunks.popleft().data)


def beginning(parts: list[Buffer]) -> bytes:
    """The first bytes of a reply; of one small part nothing is copied."""
    if len(parts) == 1:
        part = parts[0]
        return bytes(part if len(part) <= _REPLY_BYTES else part[:_REPLY_BYTES])
    left, found = _REPLY_BYTES, []
    for part in parts:
        found.append(part[:left])
        left -= len(part)
        if left <= 0:
            break
    return b"".join(found)


class Tap:
    """Stands before a server's dispatcher, and tells the history of everything that goes through: from `attach` to
    `detach`, also on connections that are there already."""

    def __init__(self, server: Server, history: History) -> None:
        self._server = server
        self._history = history
        self._time_ms, self._clock = server.world.time_ms, server.world.work_time
        self._start: Starts = server.dispatcher.enter

    def attach(self) -> None:
        self._start = plain = self._server.dispatcher.enter
        self._server.dispatcher.enter = self.start
        self._server.on_lost.append(self._history.lost)
        self._turn(plain, self.start)

    def detach(self) -> None:
        self._server.dispatcher.enter = self._start
        self._server.on_lost.remove(self._history.lost)
        self._turn(self.start, self._start)

    def _turn(self, before: object, after: Starts) -> None:
        """Connections go by the dispatcher's way as it was when their client came, or logged in."""
        for connection in self._server.connections:
            if connection.dispatch == before:
                connection.dispatch = after

    def start(self, connection: Connection, frame: Frame, arrived_at: float) -> Call:
        """In the place of the dispatcher's. It is what every request pays, and calls as little as it can."""
        history = self._history
        history.last = number = history.last + 1
        size = len(frame)
        kept = bytes(frame) if size <= FRAME_BYTES else bytes(frame[:FRAME_BYTES])
        clock = self._clock
        began_s = clock()
        asked = number, self._time_ms(), began_s, connection.id, connection.node.id, size, kept
        try:
            call = self._start(connection, frame, arrived_at)
        except Refused as refusal:
            history.add(Pending(history, asked).entry(None, str(refusal)))
            raise
        parts = call.reply
        if parts is None:
            call.seen = history.pending[number] = Pending(history, asked)
            if len(history.pending) > MOST_PENDING:
                del history.pending[next(iter(history.pending))]
            return call
        first = parts[0] if len(parts) == 1 else b""
        reply = first if type(first) is bytes and 0 < len(first) < SMALL_BYTES else beginning(parts)
        history.add((*asked, clock() - began_s, reply, call.refused.encode()))
        return call
