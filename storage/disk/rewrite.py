"""A rewrite on files: a replacement that is filled by the caller, made ready by the disk thread, and published on the
loop.

Between its last two steps the log may have been trimmed, cut or deleted; so whether the old segments are still there
is asked again in the very call that publishes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ..engine import Buffer, Extent, LogFailed, Stale, StorageError
from ..outside import Spot
from ..placing import place
from .log import DiskLog
from .replacement import Replacement
from .segment import Disk, Segment


class DiskRewrite:
    """See `Engine.rewrite`. A Task of the syncer."""

    def __init__(self, disk: Disk, log: DiskLog, old: Sequence[Extent], ended: Callable[[], object]) -> None:
        self._disk = disk
        self._log = log
        self._old: list[Segment] = log.where(old)
        self._end = old[-1].end
        self._ended = ended
        prefix, generation = log.next_prefix()
        try:
            self._replacement = Replacement(disk, prefix, old[0].base, generation)
        except OSError as error:
            raise LogFailed(f"cannot rewrite log {log.name}: {error.strerror or error}") from error
        self._ready: Callable[[], None] | None = None
        self._future: asyncio.Future[None] | None = None
        self._over = False

    def add(self, batch: Buffer) -> None:
        placed = place(batch)
        if placed.base_offset < self._replacement.segment.end or placed.next_offset > self._end:
            raise ValueError(f"a batch at {placed.base_offset} does not belong into this rewrite of {self._log.name}")
        try:
            self._replacement.add(placed, batch)
        except OSError as error:
            self._disk.deleted.refused(error)
            raise LogFailed(f"cannot rewrite log {self._log.name}: {error.strerror or error}") from error

    def elsewhere(self) -> Spot:
        prefix, _, _ = self._replacement.segment.path.rpartition(f"-{self._old[0].base:020d}-")
        return Spot(prefix, self._old[0].base, self._replacement.segment.generation)

    def adopt(self) -> None:
        try:
            self._replacement.adopt(self._end)
        except OSError as error:
            raise LogFailed(f"cannot rewrite log {self._log.name}: {error.strerror or error}") from error

    def commit(self) -> asyncio.Future[None]:
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
            try:
                if self._over:
                    raise Stale(f"the rewrite of log {self._log.name} is over")
                self._ready = self._replacement.prepare(self._end)
            except (OSError, StorageError) as error:
                self._fail(error)
            else:
                self._disk.syncer.want(self)
        return self._future

    def begin(self) -> Callable[[], None]:
        assert self._ready is not None, "commit has prepared it"
        return self._ready

    def finish(self, error: OSError | None) -> None:
        try:
            if error is not None:
                raise error
            self._log.replace(self._old, self._replacement)
        except (OSError, StorageError) as failure:
            self._fail(failure)
            return
        self._end_it()
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def _fail(self, error: OSError | StorageError) -> None:
        self._discard()
        if isinstance(error, OSError):
            self._disk.deleted.refused(error)
            error = LogFailed(f"cannot rewrite log {self._log.name}: {error.strerror or error}")
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)

    def abort(self) -> None:
        if self._future is None:  # else the disk thread has it
            self._discard()

    def _discard(self) -> None:
        if not self._over:
            self._replacement.abandon()
            self._end_it()

    def _end_it(self) -> None:
        self._over = True
        self._ended()
