"""The stream of all frames, for programs (`kbroker trace`): of a broker, or of a proxy. See `trace/stream.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kbroker.trace.stream import GREETING, missed

if TYPE_CHECKING:
    from kbroker.control.history import Follower
    from kbroker.world import World

BYTES = "application/octet-stream"
BEAT_S = 0.1
"""How often it has something to say: a request pays for no more than its bytes."""
PIECE_BYTES = 1 << 20


async def tapped(follower: Follower, world: World) -> AsyncIterator[bytes]:
    """Chunks as they lie in the ring, without secrets. What was gone before it was read is counted."""
    yield GREETING
    while True:
        await pause(world, BEAT_S)
        said: list[bytes] = []
        size = 0
        for chunk in follower.take():
            said.append(chunk.bare)
            size += len(said[-1])
            if size > PIECE_BYTES:
                yield b"".join(said)
                said, size = [], 0
        if follower.missed:
            said.append(missed(follower.missed))
            follower.missed = 0
        if said:
            yield b"".join(said)


async def pause(world: World, seconds: float) -> None:
    over = world.future()
    timer = world.later(seconds, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()
