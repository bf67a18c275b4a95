"""The part of a run that looks into batches: survey, learn, sift. In the broker's process or in one of its own.

    survey    the headers of the whole log: which transactions ended how (the marker of what lies below the last stable
              offset may lie above it, behind the beginning of another transaction that is still open)
    learn     the dirty pieces: the last offset of each key, until the table is full
    sift      some neighbours, through `sieve`: what stays of them goes on

Nothing that is damaged is touched: a batch whose CRC is wrong ends the run with Corrupt. A rewritten batch has a new
CRC, which would make the damage look sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from storage.engine import Buffer, Chunk, Corrupt, Read
from wire.batch import Batch, batches, verify_crc

from .keys import Keys
from .marks import Marks
from .sieve import Rules, learn, sift

READ_BYTES = 1 << 20


class Reader(Protocol):
    """The log: an engine, or the files of one."""

    def read(self, reads: Sequence[Read], /) -> asyncio.Future[list[Chunk]]: ...


class Taker(Protocol):
    """Who gets what stays."""

    def add(self, batch: Buffer, /) -> None: ...


class Pause(Protocol):
    """Giving way; raises what ends the work."""

    async def take(self) -> None: ...


class Sifted(NamedTuple):
    """Bytes before and after, and whether nothing changes at all."""

    before: int
    after: int
    same: bool


class Work:
    """See the file's story. `max_bytes` is the most that a batch may have when it is decompressed."""

    def __init__(self, reader: Reader, log: str, most_keys: int, max_bytes: int, pause: Pause) -> None:
        self.reader = reader
        self._log = log
        self._most_keys = most_keys
        self._max_bytes = max_bytes
        self._pause = pause
        self._marks = Marks()
        self._keys = Keys(most_keys)

    async def survey(self, start: int, end: int) -> None:
        """First of all, of the whole log."""
        async for batch in self._batches(start, end, False):
            self._marks.survey(batch)

    async def learn(self, start: int, end: int) -> int:
        """The offset up to which all keys are known."""
        keys = self._keys = Keys(self._most_keys)
        async for batch in self._batches(start, end):
            for _ in learn(batch, keys, self._marks, self._max_bytes):
                await self._pause.take()
            if keys.is_full:
                return batch.next_offset
        return end

    async def begin(self, rules: Rules) -> None:
        """Everything up to `rules.end` is going to be sifted, from the start of the log on."""
        self._rules = rules
        self._marks.begin()

    async def sift(self, start: int, end: int, taker: Taker, alone: bool) -> Sifted:
        """The pieces from `start` to `end`; `alone` if it is one that gets no neighbours."""
        before = after = 0
        same = alone
        async for batch in self._batches(start, end):
            stays = await self._sift(batch)
            before += batch.length
            same = same and stays is batch.buffer
            if stays is not None:
                after += len(stays)
                taker.add(stays)
            await self._pause.take()
        return Sifted(before, after, same)

    async def close(self) -> None:
        """Nothing is held."""

    async def _sift(self, batch: Batch) -> Buffer | None:
        steps = sift(batch, self._keys, self._marks, self._rules)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                result: Buffer | None = stop.value
                return result
            await self._pause.take()

    async def _batches(self, start: int, end: int, checked: bool = True) -> AsyncIterator[Batch]:
        """The batches from `start` that end at or below `end`."""
        offset = start
        while offset < end:
            chunk = (await self.reader.read([Read(self._log, offset, READ_BYTES, end)]))[0]
            if chunk.error is not None:
                raise chunk.error
            if not chunk.buffers:
                return
            for buffer in chunk.buffers:
                for batch in batches(buffer):
                    if checked and not verify_crc(batch):
                        raise Corrupt(f"log {self._log}: the batch at offset {batch.base_offset} fails its CRC")
                    yield batch
                    await self._pause.take()
            offset = chunk.next_offset
