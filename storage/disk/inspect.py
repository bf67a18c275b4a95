"""Looking at a data directory without touching it: what `recovery.py` would find, and what is wrong with it.

Nothing is written, nothing is locked, so this may be done beside a running engine; then what it writes at the same
moment may look cut off. Rubbish that the next open would remove is told as a remark, and so is a tail that it
would take off; damage is what no open can mend, or what says that something was once there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from wire.batch import BATCH_OVERHEAD, Batch

from ..engine import FORMAT, Buffer, Identity, StorageError
from .checkpoints import note_of
from .deleted import SUFFIX
from .index import HEADER_SIZE, Index, Summary, summarize
from .journal import Entry, History, has_lines
from .recovery import Candidate, Found, batch_size, follows, living_of, recognize, whole


class Reader(Protocol):
    """A disk that is only read."""

    def list_dir(self, path: str) -> list[tuple[str, bool]]: ...

    def size(self, path: str) -> int: ...

    def read(self, path: str, limit: int | None = None) -> Buffer | None:
        """The file's first bytes, or all of them; None where there is no file."""


@dataclass(slots=True)
class SegmentView:
    """One segment that lives."""

    path: str
    base: int
    end: int
    size: int
    replacement: bool
    summary: Summary | None
    index: str
    """What its index file is: "whole", "of a prefix", "missing", "damaged"."""
    damage: list[str] = field(default_factory=list)


@dataclass(slots=True)
class NoteView:
    """One checkpoint; no data for a damaged one."""

    name: str
    at: int
    data: bytes | None


@dataclass(slots=True)
class LogView:
    """One log."""

    name: str
    entry: Entry
    segments: list[SegmentView] = field(default_factory=list)
    notes: list[NoteView] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.entry.start

    @property
    def end(self) -> int:
        return max(self.segments[-1].end if self.segments else 0, self.start)


@dataclass(slots=True)
class Directory:
    """All of it."""

    identity: Identity
    logs: dict[str, LogView]
    stopped: bool
    """Whether the last engine on it was closed properly."""
    owner: int | None
    """The process that holds it, or held it last."""
    damage: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class NoData(StorageError):
    """There is no data directory there."""


def look(files: Reader, root: str) -> Directory:
    """The directory by its names and headers; batches are looked at by `walk`."""
    directory = Directory(_identity(files, root), {}, False, _owner(files, root))
    entries = _journal(files, root, directory)
    found = {name: Found() for name in entries}
    _survey(files, f"{root}/logs", "", entries, found, directory)
    if directory.remarks and not entries and files.read(f"{root}/logs.journal") is None:
        directory.damage.append(f"{root}/logs.journal is gone, and with it which logs the files in {root}/logs are")
        directory.remarks.clear()
    for name, entry in sorted(entries.items()):
        directory.logs[name] = _log(files, root, LogView(name, entry), found[name], directory.stopped)
    return directory


def _identity(files: Reader, root: str) -> Identity:
    data = files.read(f"{root}/format.json")
    if data is None:
        raise NoData(f"there is no data in {root}: it has no format.json")
    try:
        said = json.loads(bytes(data))
        identity = Identity(str(said["cluster_id"]), int(said["node_id"]), int(said["format"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NoData(f"{root}/format.json is not what it should be: {error}") from error
    if identity.format > FORMAT:
        raise NoData(f"the data in {root} has format {identity.format}, written by a newer version")
    return identity


def _owner(files: Reader, root: str) -> int | None:
    text = bytes(files.read(f"{root}/lock", 20) or b"").strip()
    return int(text) if text.isdigit() else None


def _journal(files: Reader, root: str, directory: Directory) -> dict[str, Entry]:
    path = f"{root}/logs.journal"
    data = bytes(files.read(path) or b"")
    journal = History(path)
    journal.replay(data)
    directory.stopped = journal.stopped
    if journal.size < len(data):
        rest = data[journal.size :].partition(b"\n")[2]
        if has_lines(rest):
            directory.damage.append(f"{path} has a broken line at {journal.size}, with good ones behind it")
        else:
            directory.remarks.append(f"the last line of {path}, at {journal.size}, is torn")
    return journal.entries


def _survey(
    files: Reader, root: str, folder: str, entries: dict[str, Entry], found: dict[str, Found], directory: Directory
) -> None:
    for name, is_folder in sorted(files.list_dir(f"{root}/{folder}" if folder else root)):
        path = f"{folder}/{name}" if folder else name
        if is_folder:
            _survey(files, root, path, entries, found, directory)
        elif not recognize(path, entries, found):
            what = "was deleted, and is kept for a while" if path.endswith(SUFFIX) else "is rubbish"
            directory.remarks.append(f"{root}/{path} {what}")


def _log(files: Reader, root: str, log: LogView, found: Found, stopped: bool) -> LogView:
    prefix = f"{root}/logs/{log.name}@{log.entry.id}"
    headers = {each: files.read(f"{_path(prefix, each)}.index", HEADER_SIZE) for each in found.indexes}
    summaries = {each: _summary(header, each) for each, header in headers.items()}
    sealed = {each: summary for each, summary in summaries.items() if summary is not None and summary.sealed}
    living, end = living_of(found.segments, {c: s for c, s in sealed.items() if c in found.segments}, log.entry)
    for each in sorted(set(found.segments) - set(living)):
        log.remarks.append(f"{_path(prefix, each)}.log is rubbish: it was trimmed, cut or replaced")
    for orphan in sorted(set(found.indexes) - set(found.segments)):
        summary = summaries[orphan]
        if summary is not None and summary.sealed and not orphan.replacement and summary.end > log.start:
            log.damage.append(
                f"{_path(prefix, orphan)}.log is gone: offsets {summary.base} to {summary.end} were in it"
            )
    for at, each in enumerate(living):
        segment = _segment(files, _path(prefix, each), each)
        following = living[at + 1].base if at + 1 < len(living) else None
        if each.base != end:
            words = f"offsets {end} to {each.base} are missing before" if each.base > end else "offsets overlap in"
            log.damage.append(f"{words} {segment.path}")
        if segment.summary is None or not segment.summary.sealed:
            _measure(files, segment, following)
            if stopped and following is not None and segment.index == "missing":
                segment.damage.append(f"{segment.path.removesuffix('.log')}.index is gone; it can be made again")
        end = segment.end
        log.segments.append(segment)
    for at, name in sorted(found.checkpoints, reverse=True):
        data = note_of(bytes(files.read(f"{prefix}-{at:020d}-{name}.checkpoint") or b""))
        log.notes.append(NoteView(name, at, data))
        if data is None:
            log.remarks.append(f"the checkpoint {name} at {at} is damaged; it is not needed")
        elif at > log.end:
            log.damage.append(f"the log ends at {log.end}, but the checkpoint {name} is true up to {at}")
    return log


def _path(prefix: str, candidate: Candidate) -> str:
    return f"{prefix}-{candidate.base:020d}-{candidate.generation}{'r' if candidate.replacement else ''}"


def _summary(index: Buffer | None, candidate: Candidate) -> Summary | None:
    summary = summarize(bytes(index or b"")[:HEADER_SIZE])
    return summary if summary is not None and summary.base == candidate.base else None


def _segment(files: Reader, path: str, candidate: Candidate) -> SegmentView:
    """The index first, and at once: a broker may be sealing the segment, and then the size is its last."""
    data = files.read(path + ".index")
    summary = _summary(data, candidate)
    size = files.size(path + ".log")
    index = "missing" if data is None else "damaged"
    segment = SegmentView(path + ".log", candidate.base, candidate.base, size, candidate.replacement, summary, index)
    if summary is not None:
        segment.end = summary.end
        if Index.decode(bytes(data or b""), summary) is not None:
            segment.index = "whole" if summary.sealed else "of a prefix"
        if summary.sealed and summary.size != size:
            segment.damage.append(f"{segment.path} has {size} bytes, it was sealed with {summary.size}")
        elif summary.size > size:
            segment.index = "damaged"
    if segment.index == "damaged":
        segment.damage.append(f"{path}.index is damaged; it can be made again")
    return segment


def _measure(files: Reader, segment: SegmentView, following: int | None) -> None:
    """Where a segment ends that no index tells of."""
    for _, batch in walk(files, segment):
        if isinstance(batch, str):
            break
        segment.end = batch.next_offset
    if segment.replacement and following is not None:
        segment.end = following


def walk(files: Reader, segment: SegmentView) -> Iterator[tuple[int, Batch | str]]:
    """Every batch and its position; instead of the first that is not whole or right, a sentence on it, and the end."""
    window = memoryview(files.read(segment.path) or b"")
    at, end = 0, segment.base
    gaps = segment.replacement
    while at < len(window):
        left = len(window) - at
        if left < BATCH_OVERHEAD or batch_size(window, at) > left:
            yield at, f"{segment.path} is cut off at {at}, where offset {end} should be: {left} bytes are left"
            return
        batch = whole(window, at)
        if batch is None or not follows(batch, end, gaps):
            what = "is no sound batch (its CRC or its size is wrong)"
            if batch is not None:
                what = f"is offset {batch.base_offset}"
            yield at, f"{segment.path} at {at} {what}, where offset {end} should be"
            return
        yield at, batch
        at, end = at + batch.length, batch.next_offset
