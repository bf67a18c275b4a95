"""Compaction of one log: learn, then write anew, in small steps, beside everything else.

    survey    the headers of the whole log: which transactions ended how (the marker of what lies below the last stable
              offset may lie above it, behind the beginning of another transaction that is still open)
    learn     the dirty pieces: the last offset of each key, until the table is full
    write     all pieces up to where was learned, neighbours together, through `sieve`
    note      "clean up to here", as a checkpoint of the log

When the table was full, learn and write again from there. Each piece that is swapped is swapped durably, for good, and
makes sense alone: what is dropped from it has a later record in the log, in a piece that is still as it was or has
been written anew with that record in it. So a run may end anywhere, by a crash too. Before the first swap the
partition saves its note, since what it knows (epochs, producers) comes from batches that may go.

Nothing that is damaged is touched: a batch whose CRC is wrong ends the run with Corrupt. A rewritten batch has a new
CRC, which would make the damage look sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from storage.compaction import groups, measure
from storage.engine import Corrupt, Engine, Extent, Read, Stale
from wire.batch import Batch, batches, verify_crc

from .breath import Breath
from .dirty import CHECKPOINT, first_dirty, young
from .keys import Keys
from .marks import Marks
from .settings import Policy
from .sieve import Last, Rules, learn, sift

READ_BYTES = 1 << 20


class Source(Protocol):
    """The writer of the log that is compacted."""

    def stable_end(self) -> int:
        """Below it every transaction has been decided on, and nothing will be cut off."""

    def written_end(self) -> int:
        """Below it lie all decisions."""

    def last_batches(self) -> Mapping[int, Last]: ...

    def save(self, end: int) -> asyncio.Future[None] | None:
        """Keep what is known from the batches below `end`."""


class Done(NamedTuple):
    """What a run has done."""

    end: int
    before: int
    after: int


class Run:
    """See the file's story. `now` is the time of the whole run."""

    def __init__(
        self, engine: Engine, log: str, source: Source, policy: Policy, most_keys: int, breath: Breath, now: int
    ) -> None:
        self._engine = engine
        self._log = log
        self._source = source
        self._policy = policy
        self._most_keys = most_keys
        self._breath = breath
        self._now = now
        self._marks = Marks()
        self._before = self._after = 0

    async def run(self) -> Done:
        """Raises StorageError where the log was changed meanwhile (Stale, OutOfRange ...), is damaged or cannot be
        written; Stopped."""
        stable_end = self._source.stable_end()
        clean = first_dirty(self._engine, self._log)
        dirt = measure(self._engine.extents(self._log), clean, stable_end, young(self._policy, self._now))
        if dirt.end <= clean:
            return Done(clean, 0, 0)
        saving = self._source.save(dirt.end)
        if saving is not None:
            await saving
        async for batch in self._batches(self._engine.bounds(self._log).start, self._source.written_end(), False):
            self._marks.survey(batch)
        while clean < dirt.end:
            extents = self._engine.extents(self._log)
            keys = Keys(self._most_keys)
            clean = await self._learn(keys, clean, dirt.end)
            await self._write(extents, keys, clean)
            await self._engine.checkpoint(self._log, clean, CHECKPOINT, b"")
        return Done(clean, self._before, self._after)

    async def _learn(self, keys: Keys, start: int, end: int) -> int:
        """The offset up to which all keys are known."""
        async for batch in self._batches(start, end):
            for _ in learn(batch, keys, self._marks, self._policy.max_decompressed_bytes):
                await self._breath.take()
            if keys.is_full:
                return batch.next_offset
        return end

    async def _write(self, extents: Sequence[Extent], keys: Keys, end: int) -> None:
        policy = self._policy
        last = self._source.last_batches()
        rules = Rules(end, self._now, policy.delete_retention_ms, last, policy.max_decompressed_bytes)
        self._marks.begin()
        runs = groups(extents, end, policy.segment_bytes)
        for at, group in enumerate(runs):
            rest = [extent for other in runs[at:] for extent in other]
            await self._write_group(group, rest, keys, rules)

    async def _write_group(self, group: list[Extent], rest: list[Extent], keys: Keys, rules: Rules) -> None:
        rewrite = self._engine.rewrite(self._log, group)
        before = after = 0
        same = len(group) == 1
        try:
            start = max(group[0].base, self._engine.bounds(self._log).start)
            async for batch in self._batches(start, group[-1].end):
                stays = await self._sift(batch, keys, rules)
                before += batch.length
                same = same and stays is batch.buffer
                if stays is not None:
                    after += len(stays)
                    rewrite.add(stays)
                await self._breath.take()
            if not same:
                self._check(rest)
                await rewrite.commit()
                self._before += before
                self._after += after
        finally:
            rewrite.abort()

    async def _sift(self, batch: Batch, keys: Keys, rules: Rules) -> bytes | bytearray | memoryview | None:
        steps = sift(batch, keys, self._marks, rules)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                result: bytes | bytearray | memoryview | None = stop.value
                return result
            await self._breath.take()

    def _check(self, rest: Sequence[Extent]) -> None:
        """What was learned must still be true: a cut in the meantime may have taken the later record of a key."""
        there = set(self._engine.extents(self._log))
        if not there.issuperset(rest):
            raise Stale(f"log {self._log} was cut or trimmed while it was compacted")

    async def _batches(self, start: int, end: int, checked: bool = True) -> AsyncIterator[Batch]:
        """The batches from `start` that end at or below `end`."""
        offset = start
        while offset < end:
            chunk = (await self._engine.read([Read(self._log, offset, READ_BYTES, end)]))[0]
            if chunk.error is not None:
                raise chunk.error
            if not chunk.buffers:
                return
            for buffer in chunk.buffers:
                for batch in batches(buffer):
                    if checked and not verify_crc(batch):
                        raise Corrupt(f"log {self._log}: the batch at offset {batch.base_offset} fails its CRC")
                    yield batch
                    await self._breath.take()
            offset = chunk.next_offset
