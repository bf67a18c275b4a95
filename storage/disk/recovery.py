"""What is on the disk after whatever happened: from file names, index headers and, for tails, batches read through.

Why this is enough. Batches only reach the end of the newest segment; a segment is sealed (its index says so) only
after its bytes and its name are synced, oldest first; nothing is unlinked before what makes it worthless is synced.
So:

1.  A file whose log id is not the current one of its log, or which ends in `.tmp`, or an index without its segment, is
    rubbish.
2.  A segment that a sealed one of a higher generation covers is rubbish: a rewrite or a cut has replaced it.
3.  Segments below the one that holds the log's start are rubbish: a trim has dropped them. So are those up to the floor
    in the journal: a cut below the start has dropped them.
4.  A sealed segment is trusted by its index header and its size. One that is not sealed is read through, from where its
    index of a prefix ends, and checked batch by batch: offsets follow each other and the CRC is right.
5.  At the first torn byte the log ends: the segment is shortened there, and segments behind it are removed, durably,
    before anything new can be written. The same if a segment is missing whole. But if a sealed one lies behind, what is
    wrong was once safely stored: then the log is Corrupt, and left as it is.
6.  What a dead process did to names may still be undone by a power failure, an interrupted cut for instance: unless the
    engine was closed properly, every folder is synced, so that what is shown from now on stays.
7.  Checkpoints beyond the end are false now, and removed.

What is repaired, and what looks as if somebody had taken files away, is said in the process's log with names and
offsets: nothing is mended silently.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import NamedTuple

from wire.batch import BATCH_OVERHEAD, MAGIC, Batch, verify_crc

from ..engine import Corrupt, LogFailed, StorageError
from ..placing import PREFIX
from .index import HEADER_SIZE, Index, Summary, summarize
from .journal import Entry
from .log import DiskLog, seal
from .segment import Disk, Segment

log_of_process = logging.getLogger("kbroker.storage")

FILE = re.compile(r"(?P<leaf>[^@]+)@(?P<id>\d+)-(?P<at>\d{20})-(?P<rest>.+)")
SEGMENT = re.compile(r"(?P<generation>\d+)(?P<replacement>r?)\.(?P<kind>log|index)")
CHECKPOINT = re.compile(r"(?P<name>[a-z0-9_-]+)\.checkpoint")
SCAN_BYTES = 1 << 20
MAGIC_AT = 16


class Candidate(NamedTuple):
    """A segment file that was found."""

    base: int
    generation: int
    replacement: bool

    def path(self, log: DiskLog) -> str:
        return f"{log.prefix}-{self.base:020d}-{self.generation}{'r' if self.replacement else ''}"


class Found:
    """The files of one log."""

    __slots__ = ("checkpoints", "indexes", "segments")

    def __init__(self) -> None:
        self.segments: list[Candidate] = []
        self.indexes: list[Candidate] = []
        self.checkpoints: list[tuple[int, str]] = []


def survey(disk: Disk, entries: dict[str, Entry], stopped: bool) -> dict[str, Found]:
    """All files by log; rubbish by rule 1 and empty folders are removed."""
    found = {name: Found() for name in entries}
    _survey_folder(disk, "", entries, found, stopped)
    return found


def _survey_folder(
    disk: Disk, folder: str, entries: dict[str, Entry], found: dict[str, Found], stopped: bool
) -> None:
    root = f"{disk.root}/logs"
    removed = False
    names = disk.files.list_dir(f"{root}/{folder}" if folder else root)
    for name, is_folder in sorted(names):
        path = f"{folder}/{name}" if folder else name
        if is_folder:
            _survey_folder(disk, path, entries, found, stopped)
        elif not recognize(path, entries, found):
            disk.files.unlink(f"{root}/{path}")
            removed = True
    if removed or not stopped:
        disk.files.fsync_dir(f"{root}/{folder}" if folder else root)
    if folder and (removed or not names):
        with suppress(OSError):
            disk.files.remove_dir(f"{root}/{folder}")


def recognize(path: str, entries: dict[str, Entry], found: dict[str, Found]) -> bool:
    """Put a file to its log; False for rubbish. Files that are not ours are left alone."""
    match = FILE.fullmatch(path)
    if match is None:
        return True
    entry = entries.get(match["leaf"])
    if entry is None or entry.id != int(match["id"]):
        return False
    at = int(match["at"])
    log = found[match["leaf"]]
    if segment := SEGMENT.fullmatch(match["rest"]):
        candidate = Candidate(at, int(segment["generation"]), bool(segment["replacement"]))
        (log.segments if segment["kind"] == "log" else log.indexes).append(candidate)
    elif checkpoint := CHECKPOINT.fullmatch(match["rest"]):
        log.checkpoints.append((at, checkpoint["name"]))
    else:
        return False
    return True


def recover(disk: Disk, log: DiskLog, found: Found) -> None:
    """Make the log what its files say; a Corrupt one is failed."""
    log.generation = max((c.generation for c in found.segments + found.indexes), default=0)
    log.generation = max(log.generation, log.entry.floor)
    for at, name in found.checkpoints:
        log.checkpoints.found(at, name)
    try:
        orphans = sorted(set(found.indexes) - set(found.segments))
        recovery = _Recovery(disk, log)
        recovery.run(found.segments)
        recovery.lost(orphans)
        log.checkpoints.drop_above(log.end)
    except StorageError as error:
        log.error, log.known = error, False
        log_of_process.error("log %s cannot be used: %s", log.name, error)
    except OSError as error:
        log.known = False
        log.error = LogFailed(f"cannot recover log {log.name}: {error.strerror or error}")
        log.error.__cause__ = error
        log_of_process.error("%s", log.error)


class _Recovery:
    """Rules 2 to 5 for one log."""

    def __init__(self, disk: Disk, log: DiskLog) -> None:
        self.disk = disk
        self.log = log

    def run(self, candidates: list[Candidate]) -> None:
        start = self.log.entry.start
        summaries = {candidate: self._summary(candidate) for candidate in candidates}
        sealed = {c: s for c, s in summaries.items() if s is not None and s.sealed}
        living, first = living_of(candidates, sealed, self.log.entry)
        self._remove(sorted(set(candidates) - set(living)))

        segments: list[Segment] = []
        end = first
        torn: str | None = None
        doomed: list[Candidate] = []
        for at, candidate in enumerate(living):
            if torn is None and candidate.base < end:
                raise Corrupt(f"{candidate.path(self.log)}.log begins before {end}, where the segment before it ends")
            if torn is None and candidate.base > end:
                torn = f"offsets {end} to {candidate.base} are missing before {candidate.path(self.log)}.log"
            if torn is not None:
                if candidate in sealed or candidate.replacement:
                    raise Corrupt(f"log {self.log.name}: {torn}")
                doomed.append(candidate)
                continue
            segment = Segment(self.disk, candidate.path(self.log), candidate.base, candidate.generation)
            next_base = living[at + 1].base if at + 1 < len(living) else None
            torn = self._take(segment, candidate, summaries[candidate], next_base)
            segments.append(segment)
            end = segment.end
        self._settle(segments, doomed, torn, max(end, start))

    def _settle(self, segments: list[Segment], doomed: list[Candidate], torn: str | None, end: int) -> None:
        """Make the outcome durable, from the back, and let the log go on from it."""
        self._remove(doomed[::-1])
        start = self.log.entry.start
        for segment in [s for s in segments if s.end <= start or not (s.size or s.sealed)]:
            segments.remove(segment)
            self._remove([Candidate(segment.base, segment.generation, segment.path.endswith("r"))])
        if torn is not None:
            log_of_process.warning("log %s ends at %d: %s; what is behind is removed", self.log.name, end, torn)
        if torn is not None and segments:
            handle = self.disk.handles.get(segments[-1].log_path)
            self.disk.files.truncate(handle, segments[-1].size)
            self.disk.files.fdatasync(handle)
        for segment in segments[:-1]:
            if not segment.sealed:
                segment.sealed = True
                seal(self.disk, segment)
        if self.disk.fsync or self.log.options.flush_messages == 1:
            self._sync([segment for segment in segments if segment.indexed < segment.size])
        self.log.recovered(segments, end)

    def lost(self, orphans: list[Candidate]) -> None:
        """Indexes without their segments are rubbish. But they and checkpoints may tell of offsets that were there."""
        end, known = self.log.end, self.log.end
        for orphan in orphans:
            summary = self._summary(orphan)
            if summary is not None and summary.sealed and not orphan.replacement:
                known = max(known, summary.end)
            self.disk.files.unlink(orphan.path(self.log) + ".index")
        known = max(known, self.log.checkpoints.greatest())
        if known > end:
            log_of_process.warning(
                "log %s ends at %d, but once it went on to %d: what lay between is lost, by a power failure or with a "
                "file that has vanished", self.log.name, end, known,
            )  # fmt: skip

    def _sync(self, segments: list[Segment]) -> None:
        """What is shown from now on stays."""
        for segment in segments:
            self.disk.files.fdatasync(self.disk.handles.get(segment.log_path))
        if segments:
            self.disk.files.fsync_dir(self.log.folder)

    def _remove(self, candidates: list[Candidate]) -> None:
        for candidate in candidates:
            path = candidate.path(self.log)
            self.disk.handles.forget(path + ".log")
            for suffix in (".index", ".log"):
                with suppress(FileNotFoundError):
                    self.disk.files.unlink(path + suffix)
        if candidates:
            self.disk.files.fsync_dir(self.log.folder)

    def _summary(self, candidate: Candidate) -> Summary | None:
        data = self._read(candidate.path(self.log) + ".index", HEADER_SIZE)
        summary = summarize(data)
        return summary if summary is not None and summary.base == candidate.base else None

    def _read(self, path: str, limit: int | None = None) -> bytes:
        files = self.disk.files
        try:
            handle = files.open(path)
        except FileNotFoundError:
            return b""
        try:
            return files.pread(handle, files.size(handle) if limit is None else limit, 0)
        finally:
            files.close(handle)

    def _take(
        self, segment: Segment, candidate: Candidate, summary: Summary | None, next_base: int | None
    ) -> str | None:
        """Fill in what the segment holds; why it is torn, or None."""
        files = self.disk.files
        handle = files.open(segment.log_path)
        try:
            size = files.size(handle)
            if summary is not None and summary.sealed:
                if summary.size != size:
                    raise Corrupt(f"{segment.log_path} has {size} bytes, it was sealed with {summary.size}")
                segment.trust(summary, None)
                segment.sealed = True
                return None
            if summary is not None and summary.size <= size:
                index = Index.decode(self._read(segment.index_path), summary)
                if index is not None:
                    segment.trust(summary, index)
            torn = self._scan(segment, handle, size, candidate.replacement)
            if torn is None and next_base is not None:
                log_of_process.info(
                    "%s is missing or not whole: its segment was read through, offsets %d to %d",
                    segment.index_path, segment.base, segment.end,
                )  # fmt: skip
        finally:
            files.close(handle)
        if candidate.replacement:
            if torn is not None:
                raise Corrupt(f"log {self.log.name}: {torn}")
            segment.sealed = True
            segment.end = segment.end if next_base is None else next_base
            seal(self.disk, segment)
        return torn

    def _scan(self, segment: Segment, handle: int, size: int, gaps: bool) -> str | None:
        """Read batches through until the end, or until one is not whole and right."""
        while segment.size < size:
            start = segment.size
            window = memoryview(self.disk.files.pread(handle, min(SCAN_BYTES, size - start), start))
            if len(window) >= PREFIX and batch_size(window, 0) > len(window):
                window = memoryview(self.disk.files.pread(handle, min(batch_size(window, 0), size - start), start))
            while left := len(window) - (segment.size - start):
                at = segment.size - start
                if at and (left < PREFIX or batch_size(window, at) > left):
                    break
                batch = whole(window, at)
                if batch is None or not follows(batch, segment.end, gaps):
                    return f"{segment.log_path} is torn at {segment.size}, where offset {segment.end} should be"
                segment.add(((batch.base_offset, batch.next_offset, batch.length, batch.max_timestamp),))
        return None


def batch_size(window: memoryview, at: int) -> int:
    """What the batch there says of its size."""
    return int.from_bytes(window[at + 8 : at + PREFIX], "big", signed=True) + PREFIX


def whole(window: memoryview, at: int) -> Batch | None:
    """The batch there, if it is whole and its CRC is right."""
    if len(window) - at < BATCH_OVERHEAD or window[at + MAGIC_AT] != MAGIC:
        return None
    size = batch_size(window, at)
    if not BATCH_OVERHEAD <= size <= len(window) - at:
        return None
    batch = Batch.parse(window[at : at + size])
    return batch if verify_crc(batch) else None


def follows(batch: Batch, end: int, gaps: bool) -> bool:
    return batch.last_offset_delta >= 0 and (batch.base_offset == end or (gaps and batch.base_offset > end))


def living_of(
    candidates: list[Candidate], sealed: dict[Candidate, Summary], entry: Entry
) -> tuple[list[Candidate], int]:
    """Rules 2 and 3: the files that are not rubbish, in order, and where the first of them should begin."""
    covers = [(c, s) for c, s in sealed.items() if c.replacement and c.generation > entry.floor]
    living = [c for c in sorted(candidates) if c.generation > entry.floor]
    living = [c for c in living if not any(_covers(c, other, s) for other, s in covers)]
    first = max((c.base for c in living if c.base <= entry.start), default=entry.start)
    return [c for c in living if c.base >= first], first


def _covers(candidate: Candidate, other: Candidate, summary: Summary) -> bool:
    """Whether a sealed replacement has taken the candidate's place."""
    return other.generation > candidate.generation and other.base <= candidate.base < max(summary.end, other.base + 1)
