"""Many exchanges as bytes: how a broker remembers them, and how they go to who looks at them elsewhere.

    b"kbroker-frames 1\\n"                                                    once, where they go elsewhere
    number, at ms, began s, took s, connection, node, 4 lengths,
    request, reply, more                                                     for each

When it began is by a clock that only runs forward, whatever time it is for the broker. The lengths are those of the
request, of what was kept of it, of what was kept of the reply, which has its own size in front (-1 where there is none,
0 where none was sent), and of `more`: texts with a zero byte between them, why the connection was closed instead of an
answer, then which faults the request met. An exchange with the number 0 is none: its first length says how many were
missed, because they came too fast. No secret is in any of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct as Packing
from typing import NamedTuple, Protocol

from kbroker.trace.exchange import Exchange

GREETING = b"kbroker-frames 1\n"
SIZE_BYTES = 4
_HEAD = Packing(">qqddqiiiii")
HEAD_BYTES = _HEAD.size
pack_head = _HEAD.pack
unpack_head = _HEAD.unpack_from


class Missed(NamedTuple):
    """So many exchanges are not in the stream."""

    exchanges: int


class Source(Protocol):
    """What bytes are read from; `read` gives fewer than asked for only at the end."""

    def read(self, count: int, /) -> bytes: ...


class NoStream(Exception):
    """The bytes are something else, in one sentence."""


def missed(count: int) -> bytes:
    return pack_head(0, 0, 0.0, 0.0, 0, 0, count, 0, -1, 0)


def exchanges(source: Source, broker: str) -> Iterator[Exchange | Missed]:
    """What a stream holds, to its end."""
    if source.read(len(GREETING)) != GREETING:
        raise NoStream("this is no stream of frames, or one of a newer version")
    while len(head := source.read(HEAD_BYTES)) == HEAD_BYTES:
        number, at_ms, _, took_s, connection, _, whole, kept, kept_of_reply, more = unpack_head(head)
        if not number:
            yield Missed(whole)
            continue
        request, reply = source.read(kept), source.read(max(0, kept_of_reply))
        source.read(more)
        yield Exchange(
            number=number,
            at_ms=at_ms,
            took_ms=round(took_s * 1000, 3),
            connection=f"#{connection}",
            broker=broker,
            request=request,
            reply=reply[SIZE_BYTES:] if reply else None,
            request_bytes=whole if whole > kept else None,
            reply_bytes=cut_from(reply),
        )


def cut_from(reply: bytes) -> int | None:
    """How long a reply was, its size not counted, of which this is the beginning; None where it is all."""
    whole = int.from_bytes(reply[:SIZE_BYTES], "big", signed=True)
    return whole if whole > len(reply) - SIZE_BYTES else None
