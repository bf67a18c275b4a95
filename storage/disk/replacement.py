"""A segment that takes the place of others: what a rewrite leaves over, or the front that a cut spares.

It is made beside what it replaces, in this order: batches into `.log.tmp`, synced; the index, synced and renamed, and
the directory synced; then `.log.tmp` gets its name `.log`, and the directory is synced again. That last rename is the
moment. Before it a crash leaves rubbish, after it the old files are rubbish: recovery tells them by their lower
generation and offsets that the new one covers. Its name has an `r` behind the generation: such a file is always whole
and sealed, and may have gaps between its batches.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..engine import Buffer, Files, LogFailed, Placed
from .index import Index, summarize
from .segment import Disk, Segment, write_all

BUFFER_BYTES = 1 << 20


class Replacement:
    """See the file's story."""

    def __init__(self, disk: Disk, prefix: str, base: int, generation: int) -> None:
        self._files = disk.files
        self.segment = Segment(disk, f"{prefix}-{base:020d}-{generation}r", base, generation)
        self._folder = prefix.rpartition("/")[0]
        self._path = self.segment.log_path + ".tmp"
        self._handle: int | None = disk.files.open(self._path, create=True)
        self._buffers: list[bytes] = []
        self._buffered = 0
        self._written = 0

    def add(self, placed: Placed, batch: Buffer) -> None:
        """One more batch."""
        self.segment.add((placed,))
        self.add_bytes(batch)

    def add_bytes(self, data: Buffer) -> None:
        """Bytes of batches that the segment is told about otherwise."""
        self._buffers.append(bytes(data))
        self._buffered += len(data)
        if self._buffered >= BUFFER_BYTES:
            self._spill()

    def adopt(self, end: int) -> None:
        """Another process has filled the file up to this offset, and an index beside it says with what."""
        data = read_index(self._files, self.segment.index_path)
        summary = summarize(data)
        index = Index.decode(data, summary) if summary is not None else None
        size = self._files.size(self._handle) if self._handle is not None else -1
        if (
            summary is None
            or index is None
            or (summary.base, summary.end, summary.size) != (self.segment.base, end, size)
        ):
            raise LogFailed(f"{self._path} was to be filled by another process, and is not whole")
        self.segment.trust(summary, index)
        self.segment.indexed = self.segment.saved = 0

    def _spill(self) -> None:
        if self._buffers and self._handle is not None:
            write_all(self._files, self._handle, self._buffers, self._written)
            self._written += self._buffered
            self._buffers, self._buffered = [], 0

    def prepare(self, end: int) -> Callable[[], None]:
        """No more batches come; the call that makes everything ready for `publish`, for any thread."""
        self._spill()
        segment, files, handle, folder = self.segment, self._files, self._handle, self._folder
        segment.end = end
        segment.sealed = True
        index = segment.encode_index(sealed=True)
        assert handle is not None, "a replacement is prepared once"

        def ready() -> None:
            files.fdatasync(handle)
            write_index(files, segment.index_path, index, folder)

        return ready

    def publish(self) -> Segment:
        """From here on it counts."""
        self._close()
        self._files.rename(self._path, self.segment.log_path)
        self._files.fsync_dir(self._folder)
        self.segment.indexed = self.segment.size
        return self.segment

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._close()
        for path in (self._path, self.segment.index_path):
            with suppress(OSError):
                self._files.unlink(path)

    def _close(self) -> None:
        if self._handle is not None:
            self._files.close(self._handle)
            self._handle = None


def read_index(files: Files, path: str) -> bytes:
    """The whole index file; nothing where there is none."""
    try:
        handle = files.open(path)
    except FileNotFoundError:
        return b""
    try:
        return files.pread(handle, files.size(handle), 0)
    finally:
        files.close(handle)


def write_index(files: Files, path: str, data: bytes, folder: str) -> None:
    """Make an index file that is whole or absent, and durable."""
    handle = files.open(path + ".tmp", create=True)
    try:
        files.truncate(handle, 0)
        write_all(files, handle, [data], 0)
        files.fdatasync(handle)
    finally:
        files.close(handle)
    files.rename(path + ".tmp", path)
    files.fsync_dir(folder)


class Seal:
    """Sync a segment and write its index: a Task of the syncer, for full segments and for long ones that still grow.

    If it fails nothing is lost: the segment is read through at the next open. One that a trim has dropped is sealed
    like any other while its file is there: until the journal is synced it may come back, with sealed ones behind it.
    """

    def __init__(self, disk: Disk, segment: Segment) -> None:
        self._disk = disk
        self._segment = segment
        self._handle: int | None = None
        self._size = 0

    def begin(self) -> Callable[[], None]:
        segment, files = self._segment, self._disk.files
        self._size = segment.size
        data = segment.encode_index(segment.sealed)
        handle = self._handle = self._disk.handles.pin(segment.log_path)
        path = segment.index_path

        def seal() -> None:
            files.fdatasync(handle)
            write_index(files, path, data, path.rpartition("/")[0])

        return seal

    def finish(self, error: OSError | None) -> None:
        if self._handle is not None:
            self._disk.handles.unpin(self._handle)
            self._handle = None
            if error is None:
                self._segment.indexed = self._size
            if self._segment.dead:
                self._disk.handles.forget(self._segment.log_path)
