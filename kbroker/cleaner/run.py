"""Compaction of one log: learn, then write anew, beside everything else.

    survey, learn     see work.py
    write             all pieces up to where was learned, neighbours together: what stays is sifted (work.py), the
                      engine swaps
    note              "clean up to here", as a checkpoint of the log

When the table of keys was full, learn and write again from there. Each piece that is swapped is swapped durably, for
good, and makes sense alone: what is dropped from it has a later record in the log, in a piece that is still as it was
or has been written anew with that record in it. So a run may end anywhere, by a crash too. Before the first swap the
partition saves its note, since what it knows (epochs, producers) comes from batches that may go.

Up to 16 MiB the work is done on the loop, in small steps; above that by a process of its own (outside.py) where the
world and the engine have one to offer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from storage.compaction import Dirt, groups, measure
from storage.engine import Engine, Extent, Stale

from .breath import Breath
from .dirty import CHECKPOINT, first_dirty, young
from .settings import Policy
from .sieve import Last, Rules
from .work import Work

if TYPE_CHECKING:
    from kbroker.world import Servant

    from .outside import Outside

log = logging.getLogger("kbroker.cleaner")

MODULE = "kbroker.cleaner.hand"
ON_THE_LOOP_BYTES = 16 << 20
"""More than this is not walked through beside the clients."""

Hire = Callable[[str], "Servant | None"]
"""See `World.servant`."""


def _nobody(module: str) -> None:
    """Nobody can be hired."""


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
        self,
        engine: Engine,
        log: str,
        source: Source,
        policy: Policy,
        most_keys: int,
        breath: Breath,
        now: int,
        hire: Hire = _nobody,
    ) -> None:
        self._engine = engine
        self._log = log
        self._source = source
        self._policy = policy
        self._most_keys = most_keys
        self._breath = breath
        self._now = now
        self._hire = hire
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
        work = await self._worker(dirt)
        try:
            await work.survey(self._engine.bounds(self._log).start, self._source.written_end())
            while clean < dirt.end:
                extents = self._engine.extents(self._log)
                clean = await work.learn(clean, dirt.end)
                await self._write(work, extents, clean)
                await self._engine.checkpoint(self._log, clean, CHECKPOINT, b"")
        finally:
            self._breath.stop_with(None)
            await work.close()
        return Done(clean, self._before, self._after)

    async def _worker(self, dirt: Dirt) -> Work | Outside:
        """Who looks into the batches."""
        most_keys, max_bytes = self._most_keys, self._policy.max_decompressed_bytes
        large = dirt.clean + dirt.dirty > ON_THE_LOOP_BYTES and self._engine.pieces(self._log) is not None
        servant = self._hire(MODULE) if large else None
        if servant is not None:
            from .outside import Outside

            try:
                await servant.start()
            except OSError as error:
                log.warning("no process can be made for compaction, it is done beside the clients: %s", error)
            else:
                self._breath.stop_with(servant.end)
                outside = Outside(self._engine, self._log, servant)
                await outside.open(most_keys, max_bytes)
                return outside
        return Work(self._engine, self._log, most_keys, max_bytes, self._breath)

    async def _write(self, work: Work | Outside, extents: Sequence[Extent], end: int) -> None:
        policy = self._policy
        last = self._source.last_batches()
        rules = Rules(end, self._now, policy.delete_retention_ms, last, policy.max_decompressed_bytes)
        await work.begin(rules)
        runs = groups(extents, end, policy.segment_bytes)
        for at, group in enumerate(runs):
            rest = [extent for other in runs[at:] for extent in other]
            await self._write_group(work, group, rest)

    async def _write_group(self, work: Work | Outside, group: list[Extent], rest: list[Extent]) -> None:
        rewrite = self._engine.rewrite(self._log, group)
        try:
            start = max(group[0].base, self._engine.bounds(self._log).start)
            sifted = await work.sift(start, group[-1].end, rewrite, len(group) == 1)
            if not sifted.same:
                self._check(rest)
                await rewrite.commit()
                self._before += sifted.before
                self._after += sifted.after
        finally:
            rewrite.abort()

    def _check(self, rest: Sequence[Extent]) -> None:
        """What was learned must still be true: a cut in the meantime may have taken the later record of a key."""
        there = set(self._engine.extents(self._log))
        if not there.issuperset(rest):
            raise Stale(f"log {self._log} was cut or trimmed while it was compacted")
