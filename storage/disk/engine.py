"""The engine on files. The data directory:

    format.json     {"format": 1, "cluster_id": ..., "node_id": ...}: written first, checked at open
    lock            held as long as the engine is open; names the process
    logs.journal    which logs there are (journal.py)
    logs/           segments, indexes and checkpoints, in a folder per leading part of a log's name (segment.py)

Stated durability: the page cache (what was answered survives the death of the process), or with `fsync` the disk.
What is not an append or a checkpoint is on the disk when it is answered, always.

Group commit: `append` only queues; one callback per turn of the loop lands everything that was queued in that turn,
one `pwritev` per log. Reads never wait: mapped or from the page cache, their futures are done when they are returned.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..answers import append, tell
from ..engine import (
    CHECKPOINT_NAME,
    FORMAT,
    Bounds,
    Checkpoint,
    Chunk,
    Closed,
    Conflict,
    Corrupt,
    EngineOptions,
    Extent,
    Failed,
    Files,
    Found,
    Identity,
    LogExists,
    LogFailed,
    LogOptions,
    NewerFormat,
    Now,
    Outcome,
    Read,
    Rewrite,
    StorageError,
    UnknownLog,
    Unwritable,
    Usage,
    Write,
)
from ..futures import after, done
from ..placing import adjacent, check_name, measure
from . import recovery
from .checkpoints import SyncCheckpoint
from .deleted import At, Deleted
from .handles import Handles, Maps
from .journal import Entry, Journal
from .log import DiskLog
from .segment import Disk, write_all
from .syncer import Syncer

if TYPE_CHECKING:
    from ..outside import Piece
    from .rewrite import DiskRewrite

INDEX_AT_CLOSE_BYTES = 1 << 20
"""Shorter tails are read through at the next open faster than their index is written."""


class DiskEngine:
    """See `engine.Engine`, which says what each method promises."""

    def __init__(self, path: str, *, files: Files, now: Now, options: EngineOptions, at: At | None = None) -> None:
        self._root = path.rstrip("/") or "/"
        self._files = files
        self._now = now
        self._at = at
        self._options = options
        self._identity = options.identity
        self._logs: dict[str, DiskLog] = {}
        self._opened = False
        self._lock: int | None = None
        self._queued: list[DiskLog] = []
        self._gathering: list[Callable[[], object]] = []
        self._rewriting: dict[DiskLog, DiskRewrite] = {}
        self._disk = self._make_disk()
        self._journal = Journal(self._disk)
        self.submit: Callable[[Write], None] = self._submit  # a test may put a disk that is full or slow before it

    def _make_disk(self) -> Disk:
        mapping = self._options.mapping and self._files.maps
        maps = max(self._options.open_files * 2 // 5, 1) if mapping else 0  # a map keeps its file open too
        handles = Handles(self._files, self._options.open_files - maps)
        syncer = Syncer(self._files)
        deleted = Deleted(self._files, self._now, self._at, syncer)
        fsync = self._options.fsync
        return Disk(self._files, self._root, self._now, fsync, mapping, handles, Maps(maps), syncer, deleted, [])

    @property
    def identity(self) -> Identity:
        return self._identity

    # --- open and close ---

    async def open(self) -> None:
        try:
            found = self._whose()  # newer data is not touched at all, not even to lock it
            self._files.make_dirs(f"{self._root}/logs")
            self._lock = self._files.lock(f"{self._root}/lock")
            self._identity = found or self._whose() or self._write_format()
            self._disk = self._make_disk()
            self._journal = Journal(self._disk)
            self._must_have_its_journal()
            self._recover(stopped=self._journal.load())
        except OSError as error:
            await self.close()
            raise Unwritable(f"cannot use the data directory {self._root}: {error.strerror or error}") from error
        except StorageError:
            await self.close()
            raise
        self._opened = True

    def _must_have_its_journal(self) -> None:
        """Its name is synced before the first log is made. Without it every log would be taken for rubbish."""
        path = self._journal.path
        named = any(path == f"{self._root}/{name}" for name, _ in self._files.list_dir(self._root))
        if not named and self._files.list_dir(f"{self._root}/logs"):
            raise Corrupt(f"{path} is gone, and with it which logs the files in {self._root}/logs are")

    def _recover(self, stopped: bool) -> None:
        found = recovery.survey(self._disk, self._journal.entries, stopped)
        for name, entry in self._journal.entries.items():
            log = self._logs[name] = DiskLog(self._disk, self._journal, name, entry)
            recovery.recover(self._disk, log, found[name])

    def _whose(self) -> Identity | None:
        """Whose data this is; None if it is nobody's yet."""
        path = f"{self._root}/format.json"
        try:
            handle = self._files.open(path)
        except FileNotFoundError:
            return None
        try:
            data = self._files.pread(handle, self._files.size(handle), 0)
        finally:
            self._files.close(handle)
        try:
            said = json.loads(data)
            number = int(said["format"])
            if number > FORMAT:
                raise NewerFormat(
                    f"the data in {self._root} has format {number}, written by a newer version; this one knows {FORMAT}"
                )
            return Identity(str(said["cluster_id"]), int(said["node_id"]), number)
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupt(f"{path} is not what it should be: {error}") from error

    def _write_format(self) -> Identity:
        """New data becomes ours."""
        path = f"{self._root}/format.json"
        identity = self._options.identity
        said = {"format": FORMAT, "cluster_id": identity.cluster_id, "node_id": identity.node_id}
        handle = self._files.open(path + ".tmp", create=True)
        try:
            self._files.truncate(handle, 0)
            write_all(self._files, handle, [json.dumps(said).encode() + b"\n"], 0)
            self._files.fdatasync(handle)
        finally:
            self._files.close(handle)
        self._files.rename(path + ".tmp", path)
        self._files.fsync_dir(self._root)
        return identity._replace(format=FORMAT)

    async def close(self) -> None:
        if self._opened:
            self._opened = False
            self._flush()
            await self._disk.syncer.idle()
            for rewrite in list(self._rewriting.values()):
                rewrite.abort()
            for log in self._logs.values():
                log.save_index(INDEX_AT_CLOSE_BYTES)
            await self._stopped()
        self._disk.deleted.close()
        await self._disk.syncer.idle()
        self._logs = {}
        self._disk.maps.close()
        self._disk.handles.close()
        if self._lock is not None:
            self._files.close(self._lock)
            self._lock = None

    async def _stopped(self) -> None:
        """Say that this was no crash."""
        await self._disk.syncer.idle()
        if any(log.error is not None for log in self._logs.values()):
            return
        with suppress(StorageError):
            await self._journal.write([["stopped"]])

    # --- append and read ---

    def append(self, writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]:
        return append(self.submit, writes)

    def _submit(self, write: Write) -> None:
        if not write.placed:
            measure(write)
        log = self._logs.get(write.log)
        if log is None or log.error is not None or write.expected_end != log.end:
            tell(((write, self._refusal(write, log)),))
        elif log.queue(write):
            if not self._queued and not self._gathering:
                asyncio.get_running_loop().call_soon(self._flush)
            self._queued.append(log)

    def gather(self, callback: Callable[[], object]) -> None:
        if not self._queued and not self._gathering:
            asyncio.get_running_loop().call_soon(self._flush)
        self._gathering.append(callback)

    def _refusal(self, write: Write, log: DiskLog | None) -> Outcome:
        if log is None:
            return Failed(self._missing(write.log))
        return Conflict(log.end) if log.error is None else Failed(log.error)

    def _flush(self) -> None:
        """Everything lands before anybody hears of it: who is answered may call the engine again."""
        if self._gathering:
            for callback in self._gathering:
                callback()
            self._gathering = []
        queued, self._queued = self._queued, []
        for log in queued:
            log.flush()
        answers = self._disk.answers
        if answers:
            telling = answers[:]
            answers.clear()
            tell(telling)

    def read(self, reads: Sequence[Read]) -> asyncio.Future[list[Chunk]]:
        chunks = []
        for read in reads:
            try:
                chunks.append(self._log(read.log).read(read))
            except StorageError as error:
                chunks.append(Chunk((), read.offset, 0, error))
        return done(chunks)

    def find(self, log: str, at_ms: int) -> asyncio.Future[Found | None]:
        return done(self._log(log).find(at_ms))

    def bounds(self, log: str) -> Bounds:
        return self._log(log).bounds

    def extents(self, log: str) -> list[Extent]:
        return self._log(log).extents()

    def pieces(self, log: str) -> list[Piece]:
        return [segment.piece() for segment in self._log(log).segments if segment.size or segment.sealed]

    # --- front, back and middle ---

    def trim(self, log: str, start: int) -> asyncio.Future[None]:
        return self._log(log).trim(start) or done(None)

    def cut(self, log: str, end: int) -> asyncio.Future[int]:
        end, start_moved = self._log(log).cut(end)
        return done(end) if start_moved is None else after(start_moved, end)

    def rewrite(self, log: str, old: Sequence[Extent]) -> Rewrite:
        from .rewrite import DiskRewrite  # a start does without it

        found = self._log(log)
        extents = list(old)
        if not adjacent(extents) or found in self._rewriting:
            raise ValueError(f"a rewrite of log {log} needs sealed neighbours, and to be the only one")
        rewrite = DiskRewrite(self._disk, found, extents, lambda: self._rewriting.pop(found, None))
        self._rewriting[found] = rewrite
        return rewrite

    def seal(self, log: str) -> None:
        self._log(log).seal()

    def checkpoint(self, log: str, at: int, name: str, data: bytes) -> asyncio.Future[None]:
        found = self._log(log)
        if CHECKPOINT_NAME.fullmatch(name) is None or at > found.end:
            raise ValueError(f"checkpoint {name!r} at {at} of log {log}, which ends at {found.end}")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(error: OSError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(LogFailed(f"cannot keep a checkpoint of log {log}: {error.strerror or error}"))

        try:
            path = found.checkpoints.write(at, name, data)
        except OSError as error:
            settle(error)
            return future
        if self._options.fsync:
            self._disk.syncer.want(SyncCheckpoint(self._disk, path, settle))
        else:
            settle(None)
        return future

    def checkpoints(self, log: str, name: str) -> list[Checkpoint]:
        return self._log(log).checkpoints.read(name)

    # --- which logs there are ---

    def create(self, logs: Sequence[tuple[str, LogOptions]]) -> asyncio.Future[None]:
        if not self._opened:
            raise self._missing("")
        names = [check_name(name) for name, _ in logs]
        for name in names:
            if name in self._logs or names.count(name) > 1:
                raise LogExists(f"log {name} exists")
        if not logs:
            return done(None)
        first = self._journal.next_id
        changes = [["create", name, first + i, asdict(options)] for i, (name, options) in enumerate(logs)]
        future = self._journal.write(changes)
        for name in names:
            entry: Entry = self._journal.entries[name]
            self._logs[name] = DiskLog(self._disk, self._journal, name, entry)
        return future

    def configure(self, log: str, options: LogOptions) -> asyncio.Future[None]:
        self._log(log).flush()
        return self._journal.write([["configure", log, asdict(options)]])

    def options(self, log: str) -> LogOptions:
        return self._log(log).options

    def delete(self, logs: Sequence[str]) -> asyncio.Future[None]:
        doomed = {name: self._log(name) for name in logs}
        if not doomed:
            return done(None)
        for log in doomed.values():
            log.flush()
        paths = [log.doom(log.paths(), folders=True) for log in doomed.values()]
        future = self._journal.write([["delete", name] for name in doomed], paths)
        for name, log in doomed.items():
            log.forget()
            del self._logs[name]
        return future

    def logs(self) -> list[str]:
        return sorted(self._logs)

    def usage(self) -> Usage:
        size = sum(segment.size for log in self._logs.values() for segment in log.segments)
        return Usage(size, *self._files.space(self._root))

    def _log(self, name: str) -> DiskLog:
        log = self._logs.get(name)
        if log is None:
            raise self._missing(name)
        return log

    def _missing(self, name: str) -> StorageError:
        return UnknownLog(f"there is no log {name}") if self._opened else Closed("the engine is not open")
