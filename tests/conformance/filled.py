"""What the tests of the contract share: a log with batches in it, and all that can be read of one."""

from __future__ import annotations

from storage.engine import (
    Appended,
    Chunk,
    Engine,
    LogOptions,
    Read,
    Write,
)
from tests.storage.batches import batch

SMALL = LogOptions(segment_bytes=1000)


async def fill(engine: Engine, log: str, count: int, *, size: int = 300, options: LogOptions = SMALL) -> list[bytes]:
    """A new log with so many batches of two offsets each, timestamps 1000, 1001, ...; three to a piece."""
    await engine.create([(log, options)])
    batches = [batch(2 * i, 2, size=size, timestamp=1000 + i, fill=i) for i in range(count)]
    for i, one in enumerate(batches):
        assert await engine.append([Write(log, 2 * i, [one])]) == [Appended(2 * i, 2 * i + 2)]
    return batches


async def read_all(engine: Engine, log: str, offset: int | None = None, max_bytes: int = 1 << 20) -> bytes:
    """Everything from the offset on, by as many reads as it takes."""
    at = engine.bounds(log).start if offset is None else offset
    blob = b""
    while True:
        chunk = (await engine.read([Read(log, at, max_bytes)]))[0]
        assert chunk.error is None
        assert sum(len(buffer) for buffer in chunk.buffers) == chunk.size
        if not chunk.buffers:
            assert chunk.next_offset == at
            return blob
        assert chunk.next_offset > at
        at = chunk.next_offset
        blob += b"".join(chunk.buffers)


async def one(engine: Engine, read: Read) -> Chunk:
    return (await engine.read([read]))[0]
