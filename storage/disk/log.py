"""One log on files: its segments in order, the last of which may grow.

A write is queued in the call and lands when the engine flushes, once per turn of the loop, with one `pwritev` per log
(and segment). Then it is answered, or, where fsync is promised, waits for a sync that begins after it. `end` counts
what is queued, `written` what has landed; reads see what has landed.

If a write is refused, its bytes are taken back by shortening the file to its true end (no map and no reader is beyond
it), it is Failed, and those queued behind it conflict. If the bytes cannot be taken back, or a sync fails (after which
nobody knows what the disk holds), the log is failed until the engine is opened again.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ..answers import tell
from ..engine import (
    Appended,
    Bounds,
    Buffer,
    Chunk,
    Conflict,
    Extent,
    Failed,
    Found,
    LogFailed,
    LogOptions,
    OutOfRange,
    Read,
    Stale,
    StorageError,
    Write,
)
from ..placing import room
from .checkpoints import Checkpoints
from .deleted import Doomed
from .journal import Entry, Journal
from .segment import Disk, Segment

if TYPE_CHECKING:
    from .replacement import Replacement

PREFIX_BYTES = 128 << 20
"""A growing segment's index is saved so often: at most so much of it is read through after a crash."""
COPY_BYTES = 1 << 20

_new = tuple.__new__  # for what is made of each write: a named tuple's own way takes twice as long


class DiskLog:
    """See the file's story. A Task of the syncer."""

    def __init__(self, disk: Disk, journal: Journal, name: str, entry: Entry) -> None:
        self._disk = disk
        self._journal = journal
        self.name = name
        self.entry = entry
        self.prefix = f"{disk.root}/logs/{name}@{entry.id}"
        self.folder = self.prefix.rpartition("/")[0]
        self.segments: list[Segment] = []
        self.checkpoints = Checkpoints(disk, self.prefix)
        self.generation = 0
        self.end = self.written = entry.start
        self.error: StorageError | None = None
        self.known = True
        """Whether its bounds are; not if recovery found the log broken."""
        self._pending: list[Write] = []
        self._unsynced: dict[Segment, None] = {}
        self._new_names = False
        self._waiting: list[Write] = []
        self._covered: list[Write] = []
        self._pinned: list[tuple[Segment, int]] = []
        self._flushed_end = entry.start
        self._flush_timer: asyncio.TimerHandle | None = None

    @property
    def options(self) -> LogOptions:
        return self.entry.options

    @property
    def bounds(self) -> Bounds:
        if not self.known and self.error is not None:
            raise self.error
        return Bounds(self.entry.start, self.end)

    def recovered(self, segments: list[Segment], end: int) -> None:
        """What there is, told by recovery."""
        self.segments = segments
        self.end = self.written = self._flushed_end = end
        self._unsynced = dict.fromkeys(segment for segment in segments if segment.indexed < segment.size)
        self._new_names = bool(self._unsynced)

    def next_prefix(self) -> tuple[str, int]:
        """For a new file: its name so far, and its generation."""
        self.generation += 1
        return self.prefix, self.generation

    # --- append ---

    def queue(self, write: Write) -> bool:
        """Whether it is the first: then somebody has to call `flush`."""
        self._pending.append(write)
        self.end = write.end
        return len(self._pending) == 1

    def flush(self) -> None:
        """Land what is queued."""
        queued, self._pending = self._pending, []
        while queued:
            try:
                segment, count = self._segment_for(queued)
                run = queued if count == len(queued) else queued[:count]
                segment.write([batch for write in run for batch in write.batches])
            except OSError as error:
                self._refused(queued, error)
                return
            self._landed(segment, run)
            queued = queued[count:]

    def _segment_for(self, queued: list[Write]) -> tuple[Segment, int]:
        """Where the first of these writes goes, and so many more as fit there too."""
        last = self.segments[-1] if self.segments else None
        if last is not None and not last.sealed:
            if count := self._fitting(last, queued):
                return last, count
            self._seal(last)
        last = self._new_segment(queued[0].expected_end)
        return last, self._fitting(last, queued)

    def _fitting(self, segment: Segment, queued: list[Write]) -> int:
        """How many of these writes fit into the segment, one after the other."""
        options, size, disk = self.entry.options, segment.size, self._disk
        left, latest = room(options, size, segment.first_timestamp if size else -1, segment.created_ms, disk.now)
        count = 0
        for write in queued:
            left -= write.size
            if (left < 0 or write.max_timestamp > latest) and (size or count):
                break
            count += 1
        return count

    def _new_segment(self, base: int) -> Segment:
        prefix, generation = self.next_prefix()
        segment = Segment(self._disk, f"{prefix}-{base:020d}-{generation}", base, generation)
        try:
            self._disk.handles.get(segment.log_path, create=True)
        except FileNotFoundError:
            self._disk.files.make_dirs(self.folder)
            self._disk.handles.get(segment.log_path, create=True)
        self._new_names = True
        self.segments.append(segment)
        return segment

    def seal(self) -> None:
        """The last segment grows no more."""
        last = self.segments[-1] if self.segments else None
        if last is not None and last.size and not last.sealed:
            self._seal(last)

    def _seal(self, segment: Segment) -> None:
        segment.sealed = True
        seal(self._disk, segment)
        self._unsynced = {s: None for s in self._unsynced if s.indexed < s.size}

    def _landed(self, segment: Segment, run: list[Write]) -> None:
        segment.add([placed for write in run for placed in write.placed])
        self.written = segment.end
        self._unsynced[segment] = None
        options = self.entry.options
        if self._disk.fsync or options.flush_messages == 1:
            self._waiting += run
            self._disk.syncer.want(self)
            return
        self._disk.answers.extend([(write, _new(Appended, (write.expected_end, write.end))) for write in run])
        if options.flush_messages is not None and self.written - self._flushed_end >= options.flush_messages:
            self._disk.syncer.want(self)
        elif options.flush_ms is not None and self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(options.flush_ms / 1000, self._flush_is_due)
        if segment.size - segment.saved >= PREFIX_BYTES and not segment.sealed:
            segment.saved = segment.size
            seal(self._disk, segment)

    def _flush_is_due(self) -> None:
        self._flush_timer = None
        self._disk.syncer.want(self)

    def _refused(self, queued: list[Write], error: OSError) -> None:
        failure = LogFailed(f"cannot write log {self.name}: {error.strerror or error}")
        failure.__cause__ = error
        self._disk.deleted.refused(error)
        self.end = self.written
        last = self.segments[-1] if self.segments else None
        if last is not None and not last.sealed:
            try:
                last.take_back()
            except OSError:
                self.error = failure
        first, *behind = queued
        outcome = Failed(failure) if self.error else Conflict(self.end)
        self._disk.answers.extend([(first, Failed(failure)), *[(write, outcome) for write in behind]])

    # --- sync ---

    def begin(self) -> Callable[[], None]:
        self._covered, self._waiting = self._waiting, []
        self._flushed_end = self.written
        unsynced, self._unsynced = self._unsynced, {}
        self._pinned = []
        for segment in unsynced:
            with suppress(FileNotFoundError):  # trimmed ones are still there, and may come back; cut ones are not
                self._pinned.append((segment, self._disk.handles.pin(segment.log_path)))
        handles, files = [handle for _, handle in self._pinned], self._disk.files
        folder = self.folder if self._new_names and handles else None
        self._new_names = False

        def sync() -> None:
            for handle in handles:
                files.fdatasync(handle)
            if folder is not None:
                files.fsync_dir(folder)

        return sync

    def finish(self, error: OSError | None) -> None:
        for segment, handle in self._pinned:
            self._disk.handles.unpin(handle)
            if segment.dead:
                self._disk.handles.forget(segment.log_path)
        self._pinned = []
        if error is not None:
            self.error = LogFailed(f"cannot sync log {self.name}: {error.strerror or error}")
            self.error.__cause__ = error
        covered, self._covered = self._covered, []
        if self.error is None:
            tell([(write, Appended(write.expected_end, write.end)) for write in covered])
        else:
            failed = Failed(self.error)
            tell([(write, failed) for write in covered])

    def save_index(self, least: int) -> None:
        """Spare the next open from reading more than so many bytes; for a clean stop."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        last = self.segments[-1] if self.segments else None
        if last is not None and last.size - last.indexed >= least and self.error is None:
            seal(self._disk, last)

    # --- read ---

    def read(self, read: Read) -> Chunk:
        """See rule 6."""
        self._check()
        if not self.entry.start <= read.offset <= self.end:
            raise OutOfRange(self.name, read.offset, self.entry.start, self.end)
        before = self.written if read.before is None else min(read.before, self.written)
        buffers: list[Buffer] = []
        next_offset, size = read.offset, 0
        segments, at = self.segments, self._segment_at(read.offset)
        while at < len(segments) and next_offset < before:
            try:
                part = segments[at].read(next_offset, read.max_bytes - size, before, not buffers)
            except OSError as error:
                raise LogFailed(f"cannot read log {self.name} at {next_offset}: {error.strerror or error}") from error
            if part is None:
                if segments[at].end > before or segments[at].begin(next_offset).position < segments[at].size:
                    break
            else:
                buffers.append(part.buffer)
                next_offset, size = part.offset, size + len(part.buffer)
                if next_offset < segments[at].end:
                    break
            at += 1
        return Chunk(buffers, next_offset, size)

    def _segment_at(self, offset: int) -> int:
        segments = self.segments
        if segments and offset >= segments[-1].base:
            return len(segments) - 1
        return max(bisect_right(segments, offset, key=_base) - 1, 0)

    def find(self, at_ms: int) -> Found | None:
        """See rule 9."""
        self._check()
        for segment in self.segments:
            try:
                found = segment.find(at_ms, self.entry.start)
            except OSError as error:
                raise LogFailed(f"cannot search log {self.name}: {error.strerror or error}") from error
            if found is not None:
                return found
        return None

    def extents(self) -> list[Extent]:
        return [segment.extent() for segment in self.segments if segment.size or segment.sealed]

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    # --- front and back ---

    def trim(self, start: int) -> asyncio.Future[None] | None:
        """See rule 11; None where there is nothing to do."""
        self.flush()
        if start > self.end:
            raise OutOfRange(self.name, start, self.entry.start, self.end)
        if start <= self.entry.start:
            return None
        count = 0
        while count < len(self.segments) and self.segments[count].end <= start:
            count += 1
        doomed = self.segments[:count]
        paths = [path for segment in doomed for path in segment.paths()]
        future = self._journal.write([["start", self.name, start, self.entry.floor]], [self.doom(paths)])
        for segment in doomed:
            segment.forget()
        del self.segments[:count]
        future.add_done_callback(partial(self._gone, doomed))
        return future

    def _gone(self, segments: list[Segment], trimmed: asyncio.Future[None]) -> None:
        """Their trim is durable: they cannot come back, so nothing of them has to be synced any more."""
        if not trimmed.cancelled() and trimmed.exception() is None:
            for segment in segments:
                self._unsynced.pop(segment, None)

    def cut(self, end: int) -> tuple[int, asyncio.Future[None] | None]:
        """See rule 12. From the back, each step durable before the next: a crash in between leaves a longer log."""
        self.flush()
        self._check()
        if end >= self.end:
            return self.end, None
        start_moved = None
        try:
            if end > self.entry.start:
                end = max(self._boundary(end), self.entry.start)
            self.checkpoints.drop_above(end)
            while self.segments and (self.segments[-1].base >= end or end <= self.entry.start):
                self._remove(self.segments[-1])
                self._disk.files.fsync_dir(self.folder)
            if self.segments and self.segments[-1].end > end:
                self._sync_now()
                self._shorten(self.segments[-1], end)
            self.end = self.written = self._flushed_end = end
            if end < self.entry.start:
                start_moved = self._journal.write([["start", self.name, end, self.generation]])
        except (OSError, StorageError) as error:
            self.error = LogFailed(f"cannot cut log {self.name} at {end}: {error}")
            raise self.error from error
        return end, start_moved

    def _boundary(self, end: int) -> int:
        """The base of the batch that straddles this offset, or the offset itself."""
        segment = self.segments[self._segment_at(end)] if self.segments else None
        return end if segment is None else min(end, segment.begin(end).offset)

    def _remove(self, segment: Segment) -> None:
        self.segments.remove(segment)
        self._unsynced.pop(segment, None)
        segment.forget()
        self._disk.deleted.put_away(self.doom(segment.paths()))

    def _sync_now(self) -> None:
        """Segments are sealed oldest first: nothing before one that is going to be may be lost, nor a trim's line."""
        self._journal.sync_now()
        for segment in self.segments:
            if segment.indexed < segment.size:
                self._disk.files.fdatasync(self._disk.handles.get(segment.log_path))
        self._disk.files.fsync_dir(self.folder)

    def _shorten(self, segment: Segment, end: int) -> None:
        """Put the front of the last segment in its place."""
        from .replacement import Replacement

        prefix, generation = self.next_prefix()
        stop = segment.begin(end).position
        front = Replacement(self._disk, prefix, segment.base, generation)
        try:
            for position, placed in segment.walk(0):
                if position >= stop:
                    break
                front.segment.add((placed,))
            for position in range(0, stop, COPY_BYTES):
                front.add_bytes(segment.bytes(position, min(COPY_BYTES, stop - position)))
            front.prepare(end)()
            self.segments.append(front.publish())
        except (OSError, StorageError):
            front.abandon()
            raise
        self._supersede([segment])

    def _supersede(self, old: list[Segment]) -> None:
        """Remove what a replacement covers; what cannot be removed is rubbish at the next open."""
        for segment in old:
            with suppress(OSError):
                self._remove(segment)

    # --- rewrite ---

    def where(self, old: Sequence[Extent]) -> list[Segment]:
        """The segments that are these extents; Stale if they are not there."""
        bases = [segment.base for segment in self.segments]
        if old[0].base in bases:
            at = bases.index(old[0].base)
            found = self.segments[at : at + len(old)]
            if [segment.extent() for segment in found] == list(old):
                return found
        raise Stale(f"log {self.name} does not have the extents from {old[0].base} to {old[-1].end}")

    def replace(self, old: list[Segment], replacement: Replacement) -> None:
        """Put one segment in place of neighbours; Stale if they are not there any more."""
        at = self.segments.index(old[0]) if old[0] in self.segments else -1
        if at < 0 or self.segments[at : at + len(old)] != old:
            raise Stale(f"the extents of log {self.name} under rewrite are gone")
        self.segments.insert(at, replacement.publish())
        self._supersede(old)

    def doom(self, paths: Sequence[str], folders: bool = False) -> Doomed:
        """Files of this log, to be put away."""
        return self._disk.deleted.doom(paths, self.entry.options.file_delete_delay_ms, folders)

    def paths(self) -> list[str]:
        """All files of the log."""
        return self.checkpoints.paths() + [path for segment in self.segments for path in segment.paths()]

    def forget(self) -> None:
        """The log is deleted: let go of its files."""
        for segment in self.segments:
            segment.forget()
        self.segments = []
        if self._flush_timer is not None:
            self._flush_timer.cancel()


def seal(disk: Disk, segment: Segment) -> None:
    """Sync it and write its index, beside everything else."""
    from .replacement import Seal  # a start does without it

    disk.syncer.want(Seal(disk, segment))


def _base(segment: Segment) -> int:
    return segment.base
