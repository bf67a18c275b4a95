"""The catalog's log on the engine, as the runtime wants it. It has one writer and no leader; its batches bear epoch 0.

It grows by a record for each change, two for each life of a node, one for a thousand producer ids, and is not rewritten
here: it is keyed, and whatever compacts keyed logs may compact this one too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from storage.engine import Appended, Chunk, Engine, Failed, LogOptions, Outcome, Read, StorageError, Write
from wire.batch import Batch, stamp

if TYPE_CHECKING:
    from kbroker.machine_log import Landed

CATALOG = "catalog"

# Every answer rests on the disk itself, whatever --fsync says: a start that is forgotten after a power loss would
# bring leader epochs back that clients have seen with other records. The log is written rarely and stays small.
OPTIONS = LogOptions(segment_bytes=16 << 20, flush_messages=1)


class EngineLog:
    """A whole log of an engine, for one runtime."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    def ready(self) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    @property
    def log_start(self) -> int:
        return self._engine.bounds(self._name).start

    @property
    def end(self) -> int:
        return self._engine.bounds(self._name).end

    def put(self, batches: Sequence[bytearray], settled: Callable[[Landed], object]) -> None:
        base = offset = self.end
        for batch in batches:
            stamp(batch, offset, 0)
            offset = Batch.parse(batch).next_offset
        self._engine.submit(_Putting(self._name, base, batches, settled))

    def gather(self, callback: Callable[[], object]) -> None:
        self._engine.gather(callback)

    def read(self, offset: int, max_bytes: int) -> asyncio.Future[Chunk]:
        chunks = self._engine.read([Read(self._name, offset, max_bytes)])
        chunk: asyncio.Future[Chunk] = chunks.get_loop().create_future()
        if chunks.done():
            chunk.set_result(chunks.result()[0])
        else:
            chunks.add_done_callback(lambda done: chunk.set_result(done.result()[0]))
        return chunk


class _Putting(Write):
    """A write under way."""

    __slots__ = ("_settled", "outcome")

    outcome: int | Exception

    def __init__(self, log: str, base: int, batches: Sequence[bytearray], settled: Callable[[Landed], object]) -> None:
        super().__init__(log, base, batches)
        self._settled = settled

    def answered(self, outcome: Outcome) -> None:
        if isinstance(outcome, Appended):
            self.outcome = outcome.base
        elif isinstance(outcome, Failed):
            self.outcome = outcome.error
        else:
            self.outcome = StorageError(f"the catalog ends at {outcome.end}: somebody else has written to it")
        self._settled(self)
