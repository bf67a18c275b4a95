"""A segment: one file of whole batches, head to tail, and nothing else.

It grows until it is sealed, and never changes afterwards. A sealed segment is mapped when it is first read. The growing
one is read by pread where little is wanted; for a large piece its bytes so far are mapped, and mapped again when a
large piece reaches further: a copy of a megabyte costs more than the map, its fresh memory above all. Neither kind is
ever shortened where somebody may be reading: only bytes that a failed write left behind are taken back, which no map
reaches, and recovery takes off a torn tail before anyone reads. A cut makes a new file.

File names in a folder of `logs/` (everything behind `@` is ours, a log's name has no `@`):

    <leaf>@<log id>-<base offset, 20 digits>-<generation>.log      the batches
    ... .index                                                     see index.py
    ... .log.deleted                                               see deleted.py
    ... .log.tmp  ... .index.tmp                                   being written; left behind by a crash: rubbish

The log id is new for each log ever created, the generation for each file of it. So no file name is ever used twice:
what a crash or a late thread leaves behind cannot be taken for something newer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from wire.batch import BATCH_OVERHEAD

from ..engine import Buffer, Corrupt, Extent, Files, Found, Now, Outcome, Place, Placed, Write
from ..placing import PLACE, PREFIX
from .deleted import Deleted
from .handles import Handles, Maps
from .index import HEADER_SIZE, Boundary, Index, Summary, summarize
from .syncer import Syncer

if TYPE_CHECKING:
    from ..outside import Piece

log_of_process = logging.getLogger("kbroker.storage")

WINDOW = 8192
"""Bytes read at once to look for headers."""
IOV_MAX = 1024
MAPPED_READ = 64 << 10
"""A read of the growing segment that is at least so large is worth a map."""

_unpack = PLACE.unpack_from


class Disk(NamedTuple):
    """What all parts of one engine share."""

    files: Files
    root: str
    now: Now
    fsync: bool
    mapping: bool
    handles: Handles
    maps: Maps
    syncer: Syncer
    deleted: Deleted
    answers: list[tuple[Write, Outcome]]
    """For what has landed: told when everything of this turn of the loop has."""


class Part(NamedTuple):
    """What a read takes from one segment; `offset` is where the next read goes on."""

    buffer: Buffer
    offset: int


class Segment:
    """One file. `path` is without its last suffix."""

    __slots__ = (
        "_disk", "_index", "base", "created_ms", "dead", "end", "first_timestamp", "generation", "indexed", "log_path",
        "max_timestamp", "path", "saved", "sealed", "size",
    )  # fmt: skip

    def __init__(self, disk: Disk, path: str, base: int, generation: int) -> None:
        self._disk = disk
        self.path = path
        self.log_path = path + ".log"
        self.base = self.end = base
        self.generation = generation
        self.size = 0
        self.max_timestamp = self.first_timestamp = -1
        self.sealed = False
        self.dead = False
        self.created_ms = disk.now()
        self.indexed = 0
        """So many bytes are known to be synced and described by the index file."""
        self.saved = 0
        """The same, counting an index file that is on its way."""
        self._index: Index | None = Index()

    @property
    def index_path(self) -> str:
        return self.path + ".index"

    def extent(self) -> Extent:
        written_ms = self._disk.files.modified_ms(self.log_path) if self.max_timestamp < 0 and self.size else -1
        return Extent(self.base, self.end, self.size, self.max_timestamp, self.sealed, written_ms)

    def piece(self) -> Piece:
        from ..outside import Piece  # a start does without it

        return Piece(self.path, self.base, self.end, self.size, self.sealed)

    # --- writing ---

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Put the buffers behind what is there. After an OSError some of them may be there: see `take_back`."""
        handle = self._disk.handles.get(self.log_path)
        write_all(self._disk.files, handle, buffers, self.size)

    def take_back(self) -> None:
        """Take away for good what a failed write left; an OSError if not even that is possible."""
        handle = self._disk.handles.get(self.log_path)
        self._disk.files.truncate(handle, self.size)
        self._disk.files.fdatasync(handle)

    def add(self, places: Sequence[Place]) -> None:
        """Account for batches that have been written, or found."""
        if not self.size:
            self.first_timestamp = places[0][3]
        self.size, latest = (self._index or self.index).add(places, self.size)
        if latest > self.max_timestamp:
            self.max_timestamp = latest
        self.end = places[-1][1]

    def encode_index(self, sealed: bool) -> bytes:
        return self.index.encode(sealed, self.base, self.end, self.size, self.max_timestamp, self.first_timestamp)

    # --- reading ---

    @property
    def index(self) -> Index:
        if self._index is None:
            self._index = self._load_index()
        return self._index

    def trust(self, summary: Summary, index: Index | None) -> None:
        """Take over what an index file says; its columns are read when they are needed."""
        self.end, self.size = summary.end, summary.size
        self.max_timestamp, self.first_timestamp = summary.max_timestamp, summary.first_timestamp
        self.indexed = self.saved = summary.size
        self._index = index

    def take_over(self, piece: Piece) -> None:
        """What another process says of it. Its files are that one's: nothing is mended here."""
        self.end, self.size, self.sealed = piece.end, piece.size, piece.sealed
        self._index = self._read_index() or self._made_index()

    def unload(self) -> None:
        """Forget what can be read again."""
        if self.sealed and self.indexed == self.size:
            self._index = None

    def _load_index(self) -> Index:
        index = self._read_index()
        if index is None:
            index = self._made_index()
            self._mend(index)
        return index

    def _read_index(self) -> Index | None:
        """What the file says, if it is whole and of all of the segment."""
        files = self._disk.files
        try:
            handle = files.open(self.index_path)
            try:
                data = files.pread(handle, files.size(handle), 0)
            finally:
                files.close(handle)
        except FileNotFoundError:
            data = b""
        summary = summarize(data[:HEADER_SIZE])
        if summary is not None and summary.size == self.size and summary.base == self.base:
            return Index.decode(data, summary)
        return None

    def _made_index(self) -> Index:
        index = Index()
        for position, placed in self.walk(0):
            index.add((placed,), position)
        return index

    def _mend(self, index: Index) -> None:
        """What the file should say is written again."""
        from .replacement import Seal

        log_of_process.warning(
            "%s is missing or damaged: it is made again, offsets %d to %d", self.index_path, self.base, self.end
        )
        self._index = index
        self._disk.syncer.want(Seal(self._disk, self))

    def _view(self, end: int, size: int) -> memoryview | None:
        """A map that holds the `size` bytes before `end`, if there is one or they are worth one."""
        disk = self._disk
        if not disk.mapping or not size:
            return None
        view = disk.maps.get(self.path)
        if view is not None and len(view) >= end:
            return view
        if not self.sealed and size < MAPPED_READ:
            return None
        view = disk.files.map(disk.handles.get(self.log_path), self.size)
        if self.sealed:
            disk.handles.forget(self.log_path)
        disk.maps.put(self.path, view, self.unload)
        return view

    def bytes(self, position: int, size: int) -> Buffer:
        view = self._view(position + size, size)
        if view is not None:
            return view[position : position + size]
        data = self._disk.files.pread(self._disk.handles.get(self.log_path), size, position)
        if len(data) != size:
            raise Corrupt(f"{self.log_path} ends at {position + len(data)}, {position + size} expected")
        return data

    def walk(self, position: int) -> Iterator[tuple[int, Placed]]:
        """The batches from a boundary on: each one's position and place."""
        while position < self.size:
            start, window = position, self.bytes(position, min(WINDOW, self.size - position))
            while position - start + BATCH_OVERHEAD <= len(window):
                base_offset, length, delta, max_timestamp = _unpack(window, position - start)
                size = length + PREFIX
                if size < BATCH_OVERHEAD or delta < 0 or position + size > self.size:
                    raise Corrupt(f"{self.log_path} has no batch at {position}, where offset {base_offset} should be")
                yield position, Placed(base_offset, base_offset + delta + 1, size, max_timestamp)
                position += size
            if position == start:
                raise Corrupt(f"{self.log_path} has no batch at {position}, only {len(window)} bytes")

    def begin(self, offset: int) -> Boundary:
        """Where the first batch begins that ends behind the offset."""
        if not self.size or offset >= self.end:
            return Boundary(self.size, self.end)
        boundary = self.index.at_offset(offset)
        if boundary.offset == offset or boundary.offset > offset:
            return boundary
        for position, placed in self.walk(boundary.position):
            if placed.next_offset > offset:
                return Boundary(position, placed.base_offset)
        return Boundary(self.size, self.end)

    def read(self, offset: int, max_bytes: int, before: int, at_least_one: bool) -> Part | None:
        """Whole batches from the offset on, or None if none may be taken."""
        begin = self.begin(offset)
        if begin.position == self.size:
            return None
        stop = self._stop(begin, max_bytes, before, at_least_one)
        size = stop.position - begin.position
        return Part(self.bytes(begin.position, size), stop.offset) if size else None

    def _stop(self, begin: Boundary, max_bytes: int, before: int, at_least_one: bool) -> Boundary:
        if before >= self.end and self.size - begin.position <= max_bytes:
            return Boundary(self.size, self.end)
        index = self.index
        stop = index.at_position(min(begin.position + max(max_bytes, 0), self.size))
        if before < self.end:
            stop = min(stop, index.at_offset(before))
            if stop.offset > before:
                return begin
        if stop.position > begin.position:
            return stop
        stop = begin
        for position, placed in self.walk(begin.position):
            size = position + placed.size - begin.position
            if placed.next_offset > before or (size > max_bytes and not (at_least_one and position == begin.position)):
                break
            stop = Boundary(position + placed.size, placed.next_offset)
            if size >= max_bytes:
                break
        return stop

    def find(self, at_ms: int, start: int) -> Found | None:
        """The first batch that ends behind start and has the timestamp or a later one."""
        if at_ms > self.max_timestamp or not self.size:
            return None
        for _, placed in self.walk(max(self.begin(start).position, self.index.at_time(at_ms))):
            if placed.max_timestamp >= at_ms:
                return Found(placed.base_offset, placed.next_offset, placed.max_timestamp)
        return None

    # --- ending ---

    def paths(self) -> list[str]:
        """Its files, in the order in which they are to be unlinked."""
        return [self.index_path, self.log_path]

    def forget(self) -> None:
        """Let go of the file: it is going to be unlinked."""
        self.dead = True
        self._disk.maps.forget(self.path)
        self._disk.handles.forget(self.log_path)


def write_all(files: Files, handle: int, buffers: Sequence[Buffer], position: int) -> None:
    """Write the buffers one behind the other, whatever the disk takes at once."""
    at, left = 0, list(buffers)
    while at < len(left):
        group = left[at : at + IOV_MAX]
        written = files.pwritev(handle, group, position)
        if written <= 0:
            raise OSError(5, "the disk takes no more bytes")
        position += written
        if written == sum(map(len, group)):
            at += len(group)
            continue
        for buffer in group:
            if written < len(buffer):
                left[at] = memoryview(buffer)[written:]
                break
            written -= len(buffer)
            at += 1
