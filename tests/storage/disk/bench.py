"""What the tests of the disk engine share: an engine on a simulated disk whose calls can be counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from storage.disk.deleted import At
from storage.disk.engine import DiskEngine
from storage.engine import Engine, EngineOptions, Identity, LogOptions, Read, Write
from tests.storage.batches import batch
from tests.storage.simdisk import SimFiles

SMALL = LogOptions(segment_bytes=1000)


class Bench:
    """A simulated disk, and engines on it."""

    def __init__(self) -> None:
        self.files = SimFiles()
        self.now = 0
        self.made: list[DiskEngine] = []

    async def engine(self, at: At | None = None, **options: Any) -> DiskEngine:
        """A new engine, opened. Without `at` deleted files go at once."""
        given = EngineOptions(Identity("c", 1), **options)
        engine = DiskEngine("/data", files=self.files, now=lambda: self.now, options=given, at=at)
        self.made.append(engine)
        await engine.open()
        return engine

    def calls(self, call: str, part: str = "") -> int:
        """How often a call was made on a path that has this in it."""
        return sum(1 for line in self.files.log if line.startswith(call + " ") and part in line)

    def paths(self, part: str) -> list[str]:
        return [path for path in self.files.paths() if part in path]

    async def until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            await asyncio.sleep(0)


def on_bench(test: Callable[[Bench], Awaitable[None]]) -> Callable[[], None]:
    """Run the test on a bench of its own, and close what it opened."""

    def run() -> None:
        async def body() -> None:
            bench = Bench()
            await test(bench)
            for engine in bench.made:
                await engine.close()

        asyncio.run(body())

    run.__name__ = getattr(test, "__name__", "test")
    run.__doc__ = test.__doc__
    return run


async def fill(engine: Engine, log: str, count: int, *, size: int = 300, start: int = 0) -> list[bytes]:
    """So many batches of one offset each behind `start`; three to a segment of SMALL."""
    if log not in engine.logs():
        await engine.create([(log, SMALL)])
    batches = [batch(start + i, size=size, fill=start + i, timestamp=start + i) for i in range(count)]
    for i, one in enumerate(batches):
        await engine.append([Write(log, start + i, [one])])
    return batches


async def content(engine: Engine, log: str) -> bytes:
    """Everything that there is to read; raises what the chunk carries."""
    at, end = engine.bounds(log)
    blob = b""
    while at < end:
        chunk = (await engine.read([Read(log, at, 500)]))[0]
        if chunk.error is not None:
            raise chunk.error
        if not chunk.buffers:
            break
        blob += b"".join(chunk.buffers)
        at = chunk.next_offset
    return blob
