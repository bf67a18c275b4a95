"""The journal: which logs there are, with their options and starts. The one file that is not per log.

`logs.journal` is a text file. A line is one call, whole or absent: eight hex digits of CRC-32, a blank, and a JSON
list of its changes:

    ["create", name, id, options]    ["configure", name, options]    ["delete", name]
    ["start", name, offset, floor]   ["ids", next id]                    ["stopped"]

A start that falls (a cut below it) has a floor: segment files up to that generation are worthless, though they may hold
the offset, since what a trim unlinked may come back after a power failure.

["stopped"] as the last line says that the engine was closed properly.

A line is written in the call and synced by the disk thread, always: what is rare is as durable as the disk can be.
Files are put away (deleted.py) only after the line that makes them worthless is synced; what a crash leaves of them is
worthless at the next open too, and removed there. A torn last line is taken off; a broken line before a good one is
Corrupt. When most lines are history, `load` writes the journal anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any
from zlib import crc32

from ..engine import Corrupt, LogFailed, LogOptions
from .deleted import Doomed
from .segment import Disk, write_all

Change = list[Any]
SPARE_LINES = 64
"""So many lines of history are left alone."""


class Entry:
    """What the journal knows of one log."""

    __slots__ = ("floor", "id", "options", "start")

    def __init__(self, id: int, options: LogOptions) -> None:
        self.id = id
        self.options = options
        self.start = 0
        self.floor = 0


class History:
    """What the lines of a journal say, one after the other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}
        self.next_id = 1
        self.stopped = False
        """Whether the last line says that the engine was closed properly."""
        self.size = 0

    def replay(self, data: bytes) -> int:
        """Apply the lines up to the first broken one, where `size` is then; how many there were."""
        lines = 0
        while self.size < len(data):
            stop = data.find(b"\n", self.size) + 1
            changes = _parse(data[self.size : stop])
            if changes is None:
                break
            for change in changes:
                self._apply(change)
            lines += 1
            self.size = stop
        return lines

    def _apply(self, change: Change) -> None:
        self.stopped = False
        match change:
            case ["create", str(name), int(id), dict(options)]:
                self.entries[name] = Entry(id, LogOptions(**options))
                self.next_id = max(self.next_id, id + 1)
            case ["configure", str(name), dict(options)]:
                self.entries[name].options = LogOptions(**options)
            case ["delete", str(name)]:
                del self.entries[name]
            case ["start", str(name), int(start), int(floor)]:
                self.entries[name].start, self.entries[name].floor = start, floor
            case ["stopped"]:
                self.stopped = True
            case ["ids", int(next_id)]:
                self.next_id = max(self.next_id, next_id)
            case _:
                raise Corrupt(f"{self.path} says {change!r}, which means nothing")


class Journal(History):
    """See the file's story. A Task of the syncer."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(f"{disk.root}/logs.journal")
        self._disk = disk
        self._error: OSError | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._covered: list[asyncio.Future[None]] = []
        self._doomed: list[Doomed] = []
        self._kept: list[tuple[list[str], Doomed]] = []
        self._handle: int | None = None

    def load(self) -> bool:
        """Read it, at open; whether the engine was closed properly."""
        files = self._disk.files
        handle = self._disk.handles.get(self.path, create=True)
        data = files.pread(handle, files.size(handle), 0)
        lines = self.replay(data)
        if self.size < len(data):
            rest = data[self.size :].partition(b"\n")[2]
            self._take_off_torn_line(rest)
        if self.stopped:
            line = _line([["ids", self.next_id]])
            write_all(files, handle, [line], self.size)
            self.size += len(line)
        files.fdatasync(handle)  # what a dead process wrote counts from now on
        if lines > SPARE_LINES and lines > 2 * len(self.entries):
            self._write_anew()
        files.fsync_dir(self._disk.root)
        return self.stopped

    def _take_off_torn_line(self, rest: bytes) -> None:
        if has_lines(rest):
            raise Corrupt(f"{self.path} has a broken line at {self.size}, with good ones behind it")
        self._disk.files.truncate(self._disk.handles.get(self.path), self.size)

    def _write_anew(self) -> None:
        files, handles = self._disk.files, self._disk.handles
        changes: list[Change] = [["ids", self.next_id]]
        for name, entry in self.entries.items():
            changes += [["create", name, entry.id, asdict(entry.options)], ["start", name, entry.start, entry.floor]]
        data = b"".join(_line([change]) for change in changes)
        handles.forget(self.path)
        handle = files.open(self.path + ".tmp", create=True)
        try:
            files.truncate(handle, 0)
            write_all(files, handle, [data], 0)
            files.fdatasync(handle)
        finally:
            files.close(handle)
        files.rename(self.path + ".tmp", self.path)
        self.size = len(data)

    def write(self, changes: Sequence[Change], doomed: Iterable[Doomed] = ()) -> asyncio.Future[None]:
        """Write a line and apply it, or raise LogFailed; once it is synced the doomed files are put away."""
        if self._error is not None:
            raise LogFailed(f"{self.path} has failed: {self._error.strerror}") from self._error
        line = _line(changes)
        try:
            write_all(self._disk.files, self._disk.handles.get(self.path), [line], self.size)
        except OSError as error:
            self._take_back()
            self._disk.deleted.refused(error)
            raise LogFailed(f"cannot write {self.path}: {error.strerror}") from error
        self.size += len(line)
        for change in changes:
            self._apply(change)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._doomed += doomed
        self._disk.syncer.want(self)
        return future

    def sync_now(self) -> None:
        """For those who cannot wait for the disk thread."""
        self._disk.files.fdatasync(self._disk.handles.get(self.path))

    def _take_back(self) -> None:
        try:
            self._disk.files.truncate(self._disk.handles.get(self.path), self.size)
        except OSError as error:
            self._error = error

    def begin(self) -> Callable[[], None]:
        self._covered, self._waiting = self._waiting, []
        doomed, self._doomed = self._doomed, []
        handle = self._handle = self._disk.handles.pin(self.path)
        files, kept = self._disk.files, self._kept

        def sync() -> None:
            files.fdatasync(handle)
            for one in doomed:
                kept.append((one.put_away(files), one))

        return sync

    def finish(self, error: OSError | None) -> None:
        if self._handle is not None:
            self._disk.handles.unpin(self._handle)
            self._handle = None
        if error is not None:
            self._error = error
        for paths, doomed in self._kept:
            self._disk.deleted.keep(paths, doomed)
        self._kept = []
        for future in self._covered:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(LogFailed(f"cannot sync {self.path}: {error.strerror}"))
        self._covered = []


def _line(changes: Sequence[Change]) -> bytes:
    body = json.dumps(changes, separators=(",", ":")).encode()
    return b"%08x %s\n" % (crc32(body), body)


def has_lines(data: bytes) -> bool:
    """Whether there is any whole line: then what is before it was not torn, but damaged."""
    return any(_parse(line + b"\n") is not None for line in data.split(b"\n"))


def _parse(line: bytes) -> list[Change] | None:
    """The changes of a line, None for a broken one."""
    body = line[9:-1]
    if line[-1:] != b"\n" or line[:9] != b"%08x " % crc32(body):
        return None
    changes: list[Change] = json.loads(body)
    return changes
