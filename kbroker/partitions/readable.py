"""What of a partition is read and never changes it: batches, offsets by time, open transactions, where epochs ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.engine import Chunk, Engine, Read

from .epochs import EpochTable
from .producers import Producers
from .replicas import Replicas
from .search import Found, Span, first_at_or_after, with_max_timestamp
from .validate import Rules

if TYPE_CHECKING:
    from kbroker.world import World

    from .staging import Staging


class Readable:
    """The part of `Partition` for readers; it sets none of these."""

    log: str
    log_start: int
    engine: Engine
    epochs: EpochTable
    producers: Producers
    replicas: Replicas
    rules: Rules
    world: World
    _pending: Sequence[Staging]

    def read(self, offset: int, max_bytes: int, before: int | None = None) -> asyncio.Future[Chunk]:
        """Whole batches from the one that holds `offset`, at least one, to the end of what is written or to
        `before`."""
        answer: asyncio.Future[Chunk] = self.world.future()

        def done(reading: asyncio.Future[list[Chunk]]) -> None:
            chunk = reading.result()[0]
            if answer.done():
                return
            if chunk.error is None:
                answer.set_result(chunk)
            else:
                answer.set_exception(chunk.error)

        bound = self.replicas.end if before is None else before
        reading = self.engine.read([Read(self.log, offset, max_bytes, bound)])
        if reading.done():
            done(reading)
        else:
            reading.add_done_callback(done)
        return answer

    async def offset_for_time(self, at_ms: int, before: int) -> Found | None:
        """The first record with that timestamp or a later one."""
        span = Span(self.log, self.log_start, before)
        return await first_at_or_after(self.engine, span, at_ms, self.rules.max_decompressed_bytes)

    async def offset_of_max_timestamp(self, before: int) -> Found | None:
        """The first record with the greatest timestamp."""
        span = Span(self.log, self.log_start, before)
        return await with_max_timestamp(self.engine, span, self.rules.max_decompressed_bytes)

    def written(self) -> asyncio.Future[None] | None:
        """Done when what is under way now is written or lost; None where nothing is."""
        if not self._pending:
            return None
        answer: asyncio.Future[None] = self.world.future()
        self._pending[-1].when_settled(lambda _: None if answer.done() else answer.set_result(None))
        return answer

    def is_ongoing(self, producer_id: int, epoch: int) -> bool:
        """Whether this producer has a transaction open here, in this epoch."""
        producer = self.producers.table.get(producer_id)
        return producer is not None and producer.in_transaction and producer.newest_epoch == epoch

    def end_for_epoch(self, epoch: int) -> tuple[int, int]:
        """The largest epoch up to the asked one, and where it ended; (-1, -1) for one that is yet to come."""
        return self.epochs.end_for(epoch, self.replicas.end)
