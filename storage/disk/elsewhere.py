"""The pieces of a log as another process reads them, and the file that it fills for a rewrite.

For long work that nobody wants beside the clients:

    the engine's process                                  the other one
    engine.pieces(log), rewrite.elsewhere()         ->    Pieces(...).read(...), Filling(...).add(...), .finish(end)
    rewrite.adopt(), await rewrite.commit()         <-

All that counts (which pieces these are, the swap, what a crash leaves behind) stays with the engine: it adopts the file
or throws it away. Pieces are files that never change; of the one that grows the engine says how far it may be read. One
that vanishes meanwhile is an error here: the log was trimmed or cut, and the engine would not take the result either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..engine import Buffer, Chunk, Files, LogOptions, Read, StorageError
from ..futures import done
from ..outside import Piece, Spot
from ..placing import place
from .deleted import Deleted
from .handles import Handles, Maps
from .journal import Entry, Journal
from .log import DiskLog
from .replacement import Replacement
from .segment import Disk, Segment
from .syncer import Syncer

OPEN_FILES = 64


class Pieces:
    """A log that is only read: `start` is its own, `pieces` are in order."""

    def __init__(self, files: Files, log: str, start: int, pieces: Sequence[Piece]) -> None:
        self._disk = _disk(files)
        entry = Entry(0, LogOptions())
        entry.start = start
        self._log = DiskLog(self._disk, Journal(self._disk), log, entry)
        segments = [self._segment(piece) for piece in pieces]
        self._log.recovered(segments, segments[-1].end if segments else start)

    def _segment(self, piece: Piece) -> Segment:
        segment = Segment(self._disk, piece.path, piece.base, 0)
        segment.take_over(piece)
        return segment

    def read(self, reads: Sequence[Read]) -> asyncio.Future[list[Chunk]]:
        """See `Engine.read`."""
        chunks = []
        for read in reads:
            try:
                chunks.append(self._log.read(read))
            except StorageError as error:
                chunks.append(Chunk((), read.offset, 0, error))
        return done(chunks)

    def close(self) -> None:
        self._disk.maps.close()
        self._disk.handles.close()


class Filling:
    """What stays, for the engine to adopt."""

    def __init__(self, files: Files, spot: Spot) -> None:
        self._replacement = Replacement(_disk(files), spot.prefix, spot.base, spot.generation)

    def add(self, batch: Buffer) -> None:
        """The next batch; raises OSError."""
        self._replacement.add(place(batch), batch)

    def finish(self, end: int) -> None:
        """All are there, and on the disk with their index: the file covers the offsets up to `end`."""
        self._replacement.prepare(end)()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._replacement.abandon()


def _disk(files: Files) -> Disk:
    syncer = Syncer(files)
    deleted = Deleted(files, _no_time, None, syncer)
    handles, maps = Handles(files, OPEN_FILES), Maps(OPEN_FILES)
    return Disk(files, "", _no_time, False, files.maps, handles, maps, syncer, deleted, [])


def _no_time() -> int:
    """Nothing here is asked for its age."""
    return 0
