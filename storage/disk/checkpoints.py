"""The checkpoints of one log: opaque notes, the last two of each name, one small file each.

    <leaf>@<log id>-<at, 20 digits>-<name>.checkpoint      4s "KBCP", I CRC-32 of "KBCP" and the data, the data

A note is written under another name and renamed; whether it reached the disk is told by its CRC, so only an engine
that promises fsync waits for that. A cut, and a recovery that lost a tail, unlink the notes that became false, and
sync the directory before any new batch can make their offsets look true again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from zlib import crc32

from ..engine import Checkpoint
from .segment import Disk, write_all

HEADER = Struct("<4sI")
MAGIC = b"KBCP"
KEPT = 2


class Checkpoints:
    """See the file's story."""

    def __init__(self, disk: Disk, prefix: str) -> None:
        self._disk = disk
        self._prefix = prefix
        self._folder = prefix.rpartition("/")[0]
        self._kept: dict[str, list[int]] = {}

    def path(self, at: int, name: str) -> str:
        return f"{self._prefix}-{at:020d}-{name}.checkpoint"

    def found(self, at: int, name: str) -> None:
        """Recovery has seen one."""
        self._kept[name] = sorted({*self._kept.get(name, ()), at}, reverse=True)

    def greatest(self) -> int:
        """The greatest offset that a note speaks of."""
        return max((at for kept in self._kept.values() for at in kept), default=0)

    def write(self, at: int, name: str, data: bytes) -> str:
        """Keep a note; the path of its file."""
        files, path = self._disk.files, self.path(at, name)
        files.make_dirs(self._folder)
        handle = files.open(path + ".tmp", create=True)
        try:
            files.truncate(handle, 0)
            write_all(files, handle, [_header(data) + data], 0)
        finally:
            files.close(handle)
        files.rename(path + ".tmp", path)
        later = [known for known in self._kept.get(name, ()) if known > at]
        self.found(at, name)
        for gone in [*later, *self._kept[name][len(later) + KEPT :]]:
            self._give_up(gone, name)
        return path

    def read(self, name: str) -> list[Checkpoint]:
        """The unbroken ones, newest first; broken ones are given up."""
        notes = []
        for at in list(self._kept.get(name, ())):
            data = note_of(self._load(self.path(at, name)))
            if data is not None:
                notes.append(Checkpoint(at, data))
            else:
                self._give_up(at, name)
        return notes[:KEPT]

    def _load(self, path: str) -> bytes:
        files = self._disk.files
        try:
            handle = files.open(path)
            try:
                return files.pread(handle, files.size(handle), 0)
            finally:
                files.close(handle)
        except OSError:
            return b""

    def _give_up(self, at: int, name: str) -> None:
        self._kept[name].remove(at)
        with suppress(OSError):
            self._disk.files.unlink(self.path(at, name))

    def drop_above(self, end: int) -> None:
        """Forget for good what is true of offsets that are no more."""
        doomed = [(at, name) for name, kept in self._kept.items() for at in kept if at > end]
        for at, name in doomed:
            self._kept[name].remove(at)
            with suppress(FileNotFoundError):
                self._disk.files.unlink(self.path(at, name))
        if doomed:
            self._disk.files.fsync_dir(self._folder)

    def paths(self) -> list[str]:
        return [self.path(at, name) for name, kept in self._kept.items() for at in kept]


def note_of(file: bytes) -> bytes | None:
    """The note in a file, None if it is damaged."""
    data = file[HEADER.size :]
    return data if file[: HEADER.size] == _header(data) else None


def _header(data: bytes) -> bytes:
    return HEADER.pack(MAGIC, crc32(data, crc32(MAGIC)))


class SyncCheckpoint:
    """Sync one note and its name: a Task of the syncer, where the engine promises fsync."""

    def __init__(self, disk: Disk, path: str, done: Callable[[OSError | None], None]) -> None:
        self._files = disk.files
        self._path = path
        self._done = done

    def begin(self) -> Callable[[], None]:
        files, path = self._files, self._path

        def sync() -> None:
            try:
                handle = files.open(path)
            except FileNotFoundError:  # replaced by newer ones meanwhile
                return
            try:
                files.fdatasync(handle)
            finally:
                files.close(handle)
            files.fsync_dir(path.rpartition("/")[0])

        return sync

    def finish(self, error: OSError | None) -> None:
        self._done(error)
