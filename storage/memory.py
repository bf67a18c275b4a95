"""The reference engine: the contract of `engine.py` in the simplest form that keeps it. Read this one first.

A log is a list of pieces, a piece a list of batches as `bytes`. Everything happens at once, so every future is done
when it is returned, and there is nothing to recover: durability is the life of the process.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from .answers import append, tell
from .engine import (
    CHECKPOINT_NAME,
    Appended,
    Bounds,
    Buffer,
    Checkpoint,
    Chunk,
    Closed,
    Conflict,
    EngineOptions,
    Extent,
    Failed,
    Found,
    Identity,
    LogExists,
    LogOptions,
    Now,
    Outcome,
    OutOfRange,
    Placed,
    Read,
    Rewrite,
    Stale,
    StorageError,
    UnknownLog,
    Usage,
    Write,
)
from .futures import done, failed
from .placing import adjacent, check_name, measure, place, room


class Piece:
    """Neighbouring batches: `places[i]` says where `batches[i]` lies, `ends[i]` repeats its end for the bisection."""

    __slots__ = ("base", "batches", "created_ms", "end", "ends", "max_timestamp", "places", "sealed", "size")

    def __init__(self, base: int, created_ms: int) -> None:
        self.base = self.end = base
        self.created_ms = created_ms
        self.batches: list[bytes] = []
        self.places: list[Placed] = []
        self.ends: list[int] = []
        self.size = 0
        self.max_timestamp = -1
        self.sealed = False

    def add(self, placed: Placed, batch: bytes) -> None:
        self.batches.append(batch)
        self.places.append(placed)
        self.ends.append(placed.next_offset)
        self.end = placed.next_offset
        self.size += placed.size
        self.max_timestamp = max(self.max_timestamp, placed.max_timestamp)

    def copy(self) -> Piece:
        piece = Piece(self.base, self.created_ms)
        piece.batches, piece.places, piece.ends = list(self.batches), list(self.places), list(self.ends)
        piece.end, piece.size, piece.max_timestamp = self.end, self.size, self.max_timestamp
        return piece

    def front(self, end: int) -> Piece:
        """What of it ends at or below `end`, as a piece of its own."""
        piece = Piece(self.base, self.created_ms)
        for placed, batch in zip(self.places, self.batches, strict=True):
            if placed.next_offset <= end:
                piece.add(placed, batch)
        piece.end = end
        piece.sealed = self.sealed
        return piece

    def extent(self) -> Extent:
        written_ms = self.created_ms if self.max_timestamp < 0 and self.size else -1
        return Extent(self.base, self.end, self.size, self.max_timestamp, self.sealed, written_ms)


class Log:
    """One log: its pieces, and the start, which may lie inside the first of them or beyond the last."""

    __slots__ = ("checkpoints", "end", "name", "options", "pieces", "start")

    def __init__(self, name: str, options: LogOptions) -> None:
        self.name = name
        self.options = options
        self.pieces: list[Piece] = []
        self.start = 0
        self.end = 0
        self.checkpoints: dict[str, list[Checkpoint]] = {}

    def copy(self) -> Log:
        """The same log, that goes its own way from here. Sealed pieces are shared: they never change."""
        found = Log(self.name, self.options)
        found.pieces = [piece if piece.sealed else piece.copy() for piece in self.pieces]
        found.start, found.end = self.start, self.end
        found.checkpoints = {name: list(kept) for name, kept in self.checkpoints.items()}
        return found

    def append(self, write: Write, now: Now) -> Appended:
        piece = self._piece_for(write, now)
        for where, batch in zip(write.placed, write.batches, strict=True):
            piece.add(Placed(*where), bytes(batch))
        self.end = piece.end
        return Appended(write.expected_end, self.end)

    def _piece_for(self, write: Write, now: Now) -> Piece:
        last = self.pieces[-1] if self.pieces else None
        if last is not None and not last.sealed:
            first = last.places[0].max_timestamp if last.places else -1
            left, latest = room(self.options, last.size, first, last.created_ms, now)
            if not last.size or (write.size <= left and write.max_timestamp <= latest):
                return last
            last.sealed = True
        self.pieces.append(Piece(self.end, now()))
        return self.pieces[-1]

    def read(self, read: Read) -> Chunk:
        if not self.start <= read.offset <= self.end:
            raise OutOfRange(self.name, read.offset, self.start, self.end)
        before = self.end if read.before is None else read.before
        buffers: list[Buffer] = []
        next_offset, size = read.offset, 0
        for piece in self.pieces[bisect_right([p.end for p in self.pieces], read.offset) :]:
            for at in range(bisect_right(piece.ends, read.offset), len(piece.ends)):
                placed = piece.places[at]
                if placed.next_offset > before or (buffers and size + placed.size > read.max_bytes):
                    return Chunk(buffers, next_offset, size)
                buffers.append(piece.batches[at])
                next_offset, size = placed.next_offset, size + placed.size
        return Chunk(buffers, next_offset, size)

    def find(self, at_ms: int) -> Found | None:
        for piece in self.pieces:
            for placed in piece.places if piece.max_timestamp >= at_ms else ():
                if placed.max_timestamp >= at_ms and placed.next_offset > self.start:
                    return Found(placed.base_offset, placed.next_offset, placed.max_timestamp)
        return None

    def trim(self, start: int) -> None:
        if start > self.end:
            raise OutOfRange(self.name, start, self.start, self.end)
        self.start = max(self.start, start)
        self.pieces = [piece for piece in self.pieces if piece.end > self.start]

    def cut(self, end: int) -> int:
        if end >= self.end:
            return self.end
        places = (placed for piece in self.pieces for placed in piece.places)
        straddled = [placed.base_offset for placed in places if placed.base_offset < end < placed.next_offset]
        if straddled and end > self.start:
            end = max(straddled[0], self.start)
        if end <= self.start:
            self.start = end
            self.pieces = []
        self.pieces = [piece.front(end) if piece.end > end else piece for piece in self.pieces if piece.base < end]
        self.end = end
        for name, kept in self.checkpoints.items():
            self.checkpoints[name] = [checkpoint for checkpoint in kept if checkpoint.at <= end]
        return end

    def where(self, old: Sequence[Extent]) -> int:
        """The index of the first of these extents, all of them as given."""
        for at, piece in enumerate(self.pieces):
            if piece.base == old[0].base:
                if [p.extent() for p in self.pieces[at : at + len(old)]] == list(old):
                    return at
                break
        raise Stale(f"log {self.name} no longer has the extents from {old[0].base} to {old[-1].end}")


class MemoryRewrite:
    """See `Engine.rewrite`."""

    def __init__(self, engine: MemoryEngine, log: Log, old: list[Extent], now: int) -> None:
        self._engine = engine
        self._log = log
        self._old = old
        at = log.where(old)
        self._pieces = log.pieces[at : at + len(old)]
        self._new = Piece(old[0].base, now)
        self._new.sealed = True

    def add(self, batch: Buffer) -> None:
        placed = place(batch)
        if placed.base_offset < self._new.end or placed.next_offset > self._old[-1].end:
            raise ValueError(f"a batch at {placed.base_offset} does not belong into this rewrite of {self._log.name}")
        self._new.add(placed, bytes(batch))

    def elsewhere(self) -> None:
        return None

    def adopt(self) -> None:
        raise ValueError("there are no files")

    def commit(self) -> asyncio.Future[None]:
        log, old = self._log, self._pieces
        at = log.pieces.index(old[0]) if old[0] in log.pieces else -1
        self.abort()
        if at < 0 or log.pieces[at : at + len(old)] != old or not self._engine.holds(log):
            return failed(Stale(f"the extents of log {log.name} under rewrite are gone"))
        self._new.end = self._old[-1].end
        log.pieces[at : at + len(old)] = [self._new]
        return done(None)

    def abort(self) -> None:
        self._engine.rewriting.discard(self._log.name)


class MemoryEngine:
    """See `engine.Engine`, which says what each method promises."""

    def __init__(self, *, now: Now, options: EngineOptions) -> None:
        self._now = now
        self._options = options
        self._logs: dict[str, Log] = {}
        self._opened = False
        self.rewriting: set[str] = set()
        self.submit: Callable[[Write], None] = self._submit  # a test may put a disk that is full or slow before it

    @property
    def identity(self) -> Identity:
        return self._options.identity

    async def open(self) -> None:
        self._opened = True

    async def close(self) -> None:
        self._opened = False
        self._logs = {}

    def append(self, writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]:
        return append(self.submit, writes)

    def _submit(self, write: Write) -> None:
        if not write.placed:
            measure(write)
        log = self._logs.get(write.log)
        outcome: Outcome
        if log is None:
            outcome = Failed(self._missing(write.log))
        elif write.expected_end != log.end:
            outcome = Conflict(log.end)
        else:
            outcome = log.append(write, self._now)
        tell(((write, outcome),))

    def gather(self, callback: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_soon(callback)

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
        found = self._log(log)
        return Bounds(found.start, found.end)

    def extents(self, log: str) -> list[Extent]:
        return [piece.extent() for piece in self._log(log).pieces]

    def trim(self, log: str, start: int) -> asyncio.Future[None]:
        self._log(log).trim(start)
        return done(None)

    def cut(self, log: str, end: int) -> asyncio.Future[int]:
        return done(self._log(log).cut(end))

    def pieces(self, log: str) -> None:
        return None

    def rewrite(self, log: str, old: Sequence[Extent]) -> Rewrite:
        extents = list(old)
        if not adjacent(extents) or log in self.rewriting:
            raise ValueError(f"a rewrite of log {log} needs sealed neighbours, and to be the only one")
        rewrite = MemoryRewrite(self, self._log(log), extents, self._now())
        self.rewriting.add(log)
        return rewrite

    def seal(self, log: str) -> None:
        for piece in self._log(log).pieces[-1:]:
            piece.sealed = True

    def checkpoint(self, log: str, at: int, name: str, data: bytes) -> asyncio.Future[None]:
        found = self._log(log)
        if CHECKPOINT_NAME.fullmatch(name) is None or at > found.end:
            raise ValueError(f"checkpoint {name!r} at {at} of log {log}, which ends at {found.end}")
        kept = [checkpoint for checkpoint in found.checkpoints.get(name, ()) if checkpoint.at < at]
        found.checkpoints[name] = [Checkpoint(at, bytes(data)), *kept[:1]]
        return done(None)

    def checkpoints(self, log: str, name: str) -> list[Checkpoint]:
        return list(self._log(log).checkpoints.get(name, ()))

    def create(self, logs: Sequence[tuple[str, LogOptions]]) -> asyncio.Future[None]:
        if not self._opened:
            raise Closed("the engine is not open")
        names = [check_name(name) for name, _ in logs]
        for name in names:
            if name in self._logs or names.count(name) > 1:
                raise LogExists(f"log {name} exists")
        self._logs.update({name: Log(name, options) for name, options in logs})
        return done(None)

    def configure(self, log: str, options: LogOptions) -> asyncio.Future[None]:
        self._log(log).options = options
        return done(None)

    def options(self, log: str) -> LogOptions:
        return self._log(log).options

    def delete(self, logs: Sequence[str]) -> asyncio.Future[None]:
        for log in logs:
            self._log(log)
        for log in logs:
            self._logs.pop(log, None)
            self.rewriting.discard(log)
        return done(None)

    def logs(self) -> list[str]:
        return sorted(self._logs)

    def usage(self) -> Usage:
        return Usage(sum(piece.size for log in self._logs.values() for piece in log.pieces), -1, -1)

    def copy(self) -> dict[str, Log]:
        """Everything that it holds, to be put back with `replace`. The bytes themselves are shared."""
        return {name: log.copy() for name, log in self._logs.items()}

    def replace(self, logs: Mapping[str, Log]) -> None:
        """Hold this, and nothing else. What was read before stays valid."""
        self._logs = {name: log.copy() for name, log in logs.items()}
        self.rewriting.clear()

    def holds(self, log: Log) -> bool:
        return self._logs.get(log.name) is log

    def _log(self, name: str) -> Log:
        log = self._logs.get(name)
        if log is None:
            raise self._missing(name)
        return log

    def _missing(self, name: str) -> StorageError:
        return UnknownLog(f"there is no log {name}") if self._opened else Closed("the engine is not open")
