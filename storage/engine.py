"""The storage interface: what every engine promises, in prose, as a Protocol, and as the values that pass through it.

An engine keeps named logs. A log is a sequence of record batches; a batch covers the offsets [base_offset,
next_offset) and is opaque but for its 61-byte header. Kafka's meaning (leaders, groups, producers, transactions)
lives above.

A log's name matches `NAME`: lower case, `/` between parts (on disk a folder). It has a start (nothing below it is
answered), an end (where the next write must land) and options. `bounds(log)` tells both offsets.

**Rules**

1.  Calling is ordering, awaiting is durability. Every method that changes something is a plain `def`: its order is
    fixed and its effect is visible when it returns; the future that it returns resolves when the change is as durable
    as the engine states. Only `open` and `close` are coroutines.
2.  A write lands exactly at `expected_end`, or answers `Conflict(end)` with the true end. Writes may be pipelined
    without awaiting; if one fails, those behind it conflict, so a hole is impossible.
3.  A write is all or nothing per log. Several writes in one call are one flush, not one transaction: answer i belongs
    to write i, never one exception for all. After a crash, a write that was never answered may be there whole, as its
    leading whole batches, or not at all; never a part of a batch.
4.  `append` borrows the buffers until its future resolves (`submit` until it answers); an engine that keeps bytes has
    copied them by then. Each buffer is exactly one batch, already stamped: the first one's base offset is
    `expected_end`, each next one follows the last. A caller that breaks this gets a ValueError at once: it is a bug,
    not an outcome.
5.  `Failed(error)`: the write is not there and the end is what it was before. When the engine cannot be sure of that
    (the disk also refused to take the bytes back) the log is failed: every later write answers Failed and every read
    carries the error, until the engine is opened again. A log that recovery finds broken is failed too, and its
    bounds are raised as Corrupt; other logs are not touched. An unknown log is Failed(UnknownLog).
6.  `read` answers whole batches as buffers that the engine will never change: concatenated, they are the bytes of the
    batches from the one that holds `offset` (or the first one after it, where compaction left a gap) up to
    `max_bytes`, and at least one batch if there is any. Only batches that end at or below `before` count. A buffer
    may hold many batches, and an engine may answer less than fits as long as it answers something. Nothing to read is
    an empty chunk whose `next_offset` is the offset asked for. An offset outside [start, end] is OutOfRange, in
    `Chunk.error`: an error concerns its own slot only, and `buffers` is then empty. The views stay valid whatever
    happens to the log, even after delete and close.
7.  After `Appended` a read sees the write. Whether a read sees one that is not yet answered is open: readers pass
    `before`. After a crash every awaited write is there (to the engine's stated durability: memory, page cache,
    fsync, quorum), and nothing past the first torn byte is.
8.  `append` and `read` futures carry outcomes and are never cancelled by the engine; a future that is already done
    may be used without awaiting (`future.done()`), which is the usual case for reads.
    `submit(write)` is `append` for who writes one batch after the other, thousands in a second: the same rules, and
    instead of a future `write.answered(outcome)` is called, once: before `submit` returns, or in a later turn of the
    loop, when all that landed together is there. It may call the engine again. What it raises goes where the loop
    reports what a callback raised, and keeps no other write from its answer. What `gather` is given is called once, in
    a later turn, before that turn's writes land: what it submits lands with them. It must not raise.
9.  `find(log, at_ms)` is the first batch (by offset, from start on) whose max timestamp is at_ms or later, or None.
    The caller reads that batch and walks its records.
10. `extents(log)` are the pieces of a log in order, adjacent, the last one perhaps still growing (`sealed` is False);
    sealed ones never change, they only vanish (trim, cut, delete) or are replaced (rewrite). Retention and compaction
    decide on them alone. A piece's first offsets may lie below the start, or be empty after a rewrite.
11. `trim(log, start)` raises the start (never lowers it) and lets go of pieces that lie wholly below. Beyond the end:
    OutOfRange. Their files may stay for `file_delete_delay_ms`, under names that nothing reads.
12. `cut(log, end)` forgets every batch that does not end at or below `end` and answers the new end: `end`, or the
    base of the batch that straddled it, but not below the start. At or below the start the log becomes empty there,
    start = end. Beyond the end nothing happens. Rare and allowed to be slow.
13. `rewrite(log, old)` replaces sealed, neighbouring extents by one: `add` the batches that stay (ascending, inside
    the old bounds), then `commit()`, or `abort()`. One at a time per log. The offsets that it covers do not change.
    If a trim, cut or delete has touched the old extents meanwhile, commit raises Stale and nothing has changed.
14. A checkpoint is an opaque note, "true up to offset `at`", never needed for correctness. The engine keeps the last
    two of each name, drops what a cut makes false (at > end), and may lose the newest in a crash. A broken one is
    never answered.
15. `create` makes logs, all or none (LogExists). `configure` replaces the options of a log. `delete` takes several
    logs; afterwards the names are free at once. A crash leaves each log whole or gone, never half. These, and trim,
    cut and commit, are durable in the engine's strongest sense when awaited, also where appends are not.

`StorageError` and its kinds are all that an engine raises for what may happen; each is one clear sentence.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from . import mypyc_attr

if TYPE_CHECKING:
    from .outside import Piece, Spot

Buffer = bytes | bytearray | memoryview
Now = Callable[[], int]
"""The time in milliseconds since the epoch, given to an engine by whoever makes it."""

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
CHECKPOINT_NAME = re.compile(r"[a-z0-9_-]+")
FORMAT = 1
"""The number of the data format that this version writes; older ones are opened, newer ones refused."""


# --- errors -----------------------------------------------------------------------------------------------------------


class StorageError(Exception):
    """What may happen to storage; one clear sentence."""


class Locked(StorageError):
    """Another process uses the data directory."""


class NewerFormat(StorageError):
    """The data was written by a newer version; nothing was changed."""


class Unwritable(StorageError):
    """The data directory cannot be made, read or written."""


class Corrupt(StorageError):
    """Bytes that were once safely stored are wrong; names the file and the offset."""


class LogFailed(StorageError):
    """An input or output error of one log; the operating system's error is the cause."""


class UnknownLog(StorageError):
    """There is no log of that name."""


class LogExists(StorageError):
    """There already is a log of that name."""


class Stale(StorageError):
    """A rewrite whose old extents are not there, or no longer."""


class Closed(StorageError):
    """The engine is not open."""


class OutOfRange(StorageError):
    """An offset outside a log's bounds."""

    def __init__(self, log: str, offset: int, start: int, end: int) -> None:
        super().__init__(f"offset {offset} of log {log} is outside [{start}, {end}]")
        self.start = start
        self.end = end


# --- values -----------------------------------------------------------------------------------------------------------


@mypyc_attr(allow_interpreted_subclasses=True)
class Write:
    """Batches for one log, to land exactly at `expected_end`. The rest says where they lie: `placing.measure` finds it
    out, unless who has just stamped the batches has noted it himself."""

    __slots__ = ("batches", "end", "expected_end", "log", "max_timestamp", "placed", "size")

    placed: list[Place]
    """Of each batch; nothing as long as nobody knows."""
    end: int
    size: int
    max_timestamp: int

    def __init__(self, log: str, expected_end: int, batches: Sequence[Buffer]) -> None:
        self.log = log
        self.expected_end = expected_end
        self.batches = [*batches]
        self.placed = []

    def answered(self, outcome: Outcome) -> None:
        """How it went: what `submit` promises to call."""


Place = tuple[int, int, int, int]
"""What `Placed` names, as it is for each batch that is written: a plain tuple is made in a fifth of the time."""


class Placed(NamedTuple):
    """One batch in its log."""

    base_offset: int
    next_offset: int
    size: int
    max_timestamp: int


class Appended(NamedTuple):
    """The write covers the offsets [base, end)."""

    base: int
    end: int


class Conflict(NamedTuple):
    """The write did not land: the log ends elsewhere."""

    end: int


class Failed(NamedTuple):
    """The write did not land: see the rules."""

    error: StorageError


Outcome = Appended | Conflict | Failed


class Read(NamedTuple):
    """Whole batches from `offset` on that end at or below `before` (None: no bound)."""

    log: str
    offset: int
    max_bytes: int
    before: int | None = None


class Chunk(NamedTuple):
    """The answer to a Read; `next_offset` is where the next one goes on."""

    buffers: Sequence[Buffer]
    next_offset: int
    size: int
    """Bytes in all buffers."""
    error: StorageError | None = None


class Bounds(NamedTuple):
    """A log answers offsets in [start, end); the next write lands at end."""

    start: int
    end: int


class Found(NamedTuple):
    """One batch, by `find`."""

    base_offset: int
    next_offset: int
    max_timestamp: int


class Extent(NamedTuple):
    """A piece of a log: it holds what there is of the offsets [base, end)."""

    base: int
    end: int
    size: int
    """Bytes."""
    max_timestamp: int
    """The greatest of its batches; -1 where there is none."""
    sealed: bool
    written_ms: int = -1
    """By the clock: where batches bear no time, about when the piece was last written to; else -1."""

    @property
    def newest_ms(self) -> int:
        """As old as its newest batch (Kafka: LogSegment.largestTimestamp); -1 where nobody knows."""
        return self.max_timestamp if self.max_timestamp >= 0 else self.written_ms


class Checkpoint(NamedTuple):
    """An opaque note, true up to the offset `at`."""

    at: int
    data: bytes


class Usage(NamedTuple):
    """What an engine holds, and the room around it (-1: unknown)."""

    size: int
    total_bytes: int
    usable_bytes: int


class Identity(NamedTuple):
    """Whose data this is; decided when the data directory is made."""

    cluster_id: str
    node_id: int
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What one log may set; the words are Kafka's, without the dots."""

    segment_bytes: int = 1 << 30
    segment_ms: int = 604_800_000
    flush_messages: int | None = None
    """1: a write is answered after an fdatasync. More: a sync in the background after so many offsets."""
    flush_ms: int | None = None
    """A sync in the background so long after a write."""
    file_delete_delay_ms: int = 60_000
    """So long the files of deleted pieces are kept, under another name; 0 not at all."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What is set once for an engine."""

    identity: Identity
    """For new data; existing data keeps its own (see `Engine.identity`)."""
    fsync: bool = False
    """Writes are answered after an fdatasync that began after them."""
    mapping: bool = True
    """Segments are read through memory maps, the growing one where much is wanted."""
    open_files: int = 500


# --- the interface ----------------------------------------------------------------------------------------------------


class Rewrite(Protocol):
    """A replacement in the making."""

    def add(self, batch: Buffer) -> None:
        """One whole batch that stays; copied or written before this returns."""

    def elsewhere(self) -> Spot | None:
        """Where another process may put what stays, for `adopt` instead of `add`; None where there are no files."""

    def adopt(self) -> None: ...

    def commit(self) -> asyncio.Future[None]:
        """Put it in place of the old extents; raises Stale through the future."""

    def abort(self) -> None:
        """Leave everything as it was; harmless after commit."""


class Engine(Protocol):
    """See the rules above."""

    @property
    def identity(self) -> Identity:
        """Of the data, known after `open`."""

    async def open(self) -> None:
        """Recover; raises Locked, NewerFormat, Unwritable, Corrupt."""

    async def close(self) -> None:
        """Answer everything that is pending, then let go; harmless twice."""

    def append(self, writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]: ...
    def submit(self, write: Write) -> None: ...
    def gather(self, callback: Callable[[], object]) -> None: ...
    def read(self, reads: Sequence[Read]) -> asyncio.Future[list[Chunk]]: ...

    def find(self, log: str, at_ms: int) -> asyncio.Future[Found | None]: ...

    def bounds(self, log: str) -> Bounds: ...

    def extents(self, log: str) -> list[Extent]: ...

    def pieces(self, log: str) -> list[Piece] | None:
        """The same for another process to read (`disk/elsewhere.py`), None where there are no files."""

    def trim(self, log: str, start: int) -> asyncio.Future[None]: ...

    def cut(self, log: str, end: int) -> asyncio.Future[int]: ...

    def rewrite(self, log: str, old: Sequence[Extent]) -> Rewrite: ...

    def seal(self, log: str) -> None:
        """The last piece grows no more: the next write begins another one."""

    def checkpoint(self, log: str, at: int, name: str, data: bytes) -> asyncio.Future[None]: ...

    def checkpoints(self, log: str, name: str) -> list[Checkpoint]:
        """Newest first, at most two."""

    def create(self, logs: Sequence[tuple[str, LogOptions]]) -> asyncio.Future[None]: ...

    def configure(self, log: str, options: LogOptions) -> asyncio.Future[None]: ...

    def options(self, log: str) -> LogOptions: ...

    def delete(self, logs: Sequence[str]) -> asyncio.Future[None]: ...

    def logs(self) -> list[str]:
        """Sorted."""

    def usage(self) -> Usage: ...


# --- what an engine on files asks of its surroundings -----------------------------------------------------------------


class Files(Protocol):
    """A disk: `disk/files.py` has the real one, the simulation a forgetful one. Paths use `/`; a handle is a number.

    What is refused raises OSError. Nothing is durable before `fdatasync` of the file and, for a name that was made,
    renamed or unlinked, `fsync_dir` of the directory that holds it.
    """

    @property
    def maps(self) -> bool:
        """Whether `map` works here."""

    def open(self, path: str, create: bool = False) -> int: ...

    def close(self, handle: int) -> None: ...

    def size(self, handle: int) -> int: ...

    def pread(self, handle: int, size: int, position: int) -> bytes:
        """As much as there is, up to size."""

    def pwritev(self, handle: int, buffers: Sequence[Buffer], position: int) -> int:
        """May write less than all; answers how much."""

    def fdatasync(self, handle: int) -> None: ...

    def modified_ms(self, path: str) -> int:
        """When the file was last written to, by the wall clock; -1 where it cannot be told."""

    def truncate(self, handle: int, size: int) -> None: ...

    def map(self, handle: int, size: int) -> memoryview:
        """The file's first bytes, there until the last view of them is gone, whatever happens to handle and name."""

    def rename(self, old: str, new: str) -> None:
        """Replaces what has the new name."""

    def unlink(self, path: str) -> None: ...

    def make_dirs(self, path: str) -> None:
        """With parents; harmless where it exists. Durable when it returns."""

    def remove_dir(self, path: str) -> None:
        """Only an empty one."""

    def list_dir(self, path: str) -> list[tuple[str, bool]]:
        """Names, and whether each is a directory."""

    def fsync_dir(self, path: str) -> None: ...

    def lock(self, path: str) -> int:
        """Hold the lock file until the handle is closed; raises Locked."""

    def space(self, path: str) -> tuple[int, int]:
        """Bytes in all and bytes usable of the file system; -1 where it cannot be told."""

    def background(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run it off the loop, in the one thread for this: calls that wait for the disk, one at a time, in order."""
