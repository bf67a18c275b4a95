"""Looking through a topic, from inside the broker: which records fit, told as they are found.

A scan goes in rounds. In each, every partition is read a little further, and what was found comes in the order of
time; so a hit is told as soon as the round is over, and no order is promised beyond it.

    oldest   a round is one read of each partition, at most READ_BYTES; then on from there
    newest   a round is a window of offsets before the end, twice as wide each time; then the one before it

Memory is bounded by the hits of one round (`limit` for each partition that is read, each cut to `preview` bytes), and
one batch unfolded. The loop is shared: after a millisecond of looking everybody else has a turn, and long records are
tested in a thread. Whoever stops listening ends the generator, and with it the scan.

`next` says where each partition would go on: from there upward (oldest), or below it (newest).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.http.shown import shown_control, shown_record, shown_trouble
from kbroker.records.filters import Filter
from kbroker.records.read import Read
from wire.batch import Batch, batches
from wire.compression import UnsupportedCompression
from wire.errors import MalformedMessage
from wire.records import iterate

if TYPE_CHECKING:
    from kbroker.partitions.partition import Partition
    from kbroker.world import World

READ_BYTES = 256 << 10
FIRST_WINDOW, WIDEST_WINDOW = 256, 8192
TELL_EVERY_S = 0.1
STEP_S = 0.001
LOOKS = 16
"""So many records are looked at between two looks at the clock."""
REST_S = 0.05
LONG_BYTES = 64 << 10


class Span:
    """What is still to be read of a partition: [first, end)."""

    __slots__ = ("end", "first", "index", "partition")

    def __init__(self, partition: Partition, index: int, first: int, end: int) -> None:
        self.partition = partition
        self.index = index
        self.first = first
        self.end = end

    @property
    def left(self) -> int:
        return max(0, self.end - self.first)


class Asked(NamedTuple):
    """What is looked for. `limit` hits are enough; of a key, a value or a header `preview` bytes are told, or all."""

    topic: str
    filters: Sequence[Filter] = ()
    newest: bool = False
    limit: int = 100
    committed: bool = False
    control: bool = False
    preview: int | None = None


class Found(NamedTuple):
    """News of a scan. `left` counts offsets. `skipped` hits came faster than they are told. `next` is empty while it is
    under way."""

    records: list[Any]
    scanned: int
    matched: int
    skipped: int
    left: int
    next: dict[str, int]
    done: bool


class _Hit(NamedTuple):
    timestamp: int
    span: Span
    offset: int
    told: Any


class Scan:
    """One search, or one look at a topic's tail."""

    def __init__(self, world: World, spans: list[Span], asked: Asked) -> None:
        self._world = world
        self._spans = spans
        self._asked = asked
        self._began = world.work_time()
        self._looks = 0
        self._window = FIRST_WINDOW
        self._hits: list[_Hit] = []
        self._ready: list[Any] = []
        self._scanned = self._matched = self._skipped = 0
        self._told_at = world.loop_time()

    async def search(self) -> AsyncGenerator[Found, None]:
        """Everything, until there are `limit` hits or nothing is left; the last one is `done`."""
        while self._is_more():
            async for _ in self._round(self._asked.limit - self._matched, follows=False):
                yield self._found()
            if self._ready and self._is_more():
                yield self._found()
        yield self._found(done=True)

    def _is_more(self) -> bool:
        return self._matched < self._asked.limit and any(span.left for span in self._spans)

    async def follow(self) -> AsyncGenerator[Found, None]:
        """What is there, and then what comes, without an end. Of a burst the newest `limit` are told."""
        while True:
            with self._listening() as moved:
                for span in self._spans:
                    span.partition.must_be_open()
                    span.end = span.partition.bound(self._asked.committed)
                    span.first = max(span.first, span.partition.log_start)
                while any(span.left for span in self._spans):
                    async for _ in self._round(self._asked.limit, follows=True):
                        yield self._found()
                yield self._found(goes_on=True)
                await moved
                self._told_at = self._world.loop_time()
            rested: asyncio.Future[None] = self._world.future()
            self._world.later(REST_S, _wake, rested)
            await rested

    @contextmanager
    def _listening(self) -> Iterator[asyncio.Future[None]]:
        moved: asyncio.Future[None] = self._world.future()
        for span in self._spans:
            span.partition.waiters.watch(moved, lambda size: _wake(moved))
        try:
            yield moved
        finally:
            for span in self._spans:
                span.partition.waiters.unwatch(moved)

    def _found(self, done: bool = False, goes_on: bool = False) -> Found:
        ready, self._ready = self._ready, []
        self._told_at = self._world.loop_time()
        newest = self._asked.newest
        return Found(
            ready,
            self._scanned,
            self._matched,
            self._skipped,
            sum(span.left for span in self._spans),
            {str(span.index): span.end if newest else span.first for span in self._spans} if done or goes_on else {},
            done,
        )

    # --- a round ------------------------------------------------------------------------------------------------------

    async def _round(self, wanted: int, follows: bool) -> AsyncIterator[None]:
        """Read every partition a little further; gives whenever it is time to say how far it is."""
        self._began = self._world.work_time()
        for span in [each for each in self._spans if each.left]:
            span.partition.must_be_open()
            hits: deque[_Hit] = deque(maxlen=wanted)
            reading = self._before(span, hits) if self._asked.newest else self._onward(span, hits, follows)
            async for _ in reading:
                if self._world.loop_time() - self._told_at >= TELL_EVERY_S:
                    yield
            self._hits += hits
        self._window = min(self._window * 2, WIDEST_WINDOW)
        self._settle(wanted, follows)

    def _settle(self, wanted: int, follows: bool) -> None:
        """The round's hits in order; those that are too many are found again when somebody goes on."""
        newest = self._asked.newest
        self._hits.sort(key=lambda hit: (hit.timestamp, hit.span.index, hit.offset), reverse=newest)
        chosen = self._hits[-wanted:] if follows else self._hits[:wanted]
        if follows:
            self._skipped += len(self._hits) - len(chosen)
        else:
            for hit in self._hits[wanted:]:
                if newest:
                    hit.span.end = max(hit.span.end, hit.offset + 1)
                else:
                    hit.span.first = min(hit.span.first, hit.offset)
        self._hits = []
        self._matched += len(chosen)
        self._ready += [hit.told for hit in chosen]
        if follows and (many := len(self._ready) - wanted) > 0:  # several rounds since the last word
            del self._ready[:many]
            self._matched -= many
            self._skipped += many

    async def _onward(self, span: Span, hits: deque[_Hit], follows: bool) -> AsyncIterator[None]:
        span.first = max(span.first, span.partition.log_start)  # retention goes on meanwhile
        if not span.left:
            return
        chunk = await span.partition.read(span.first, READ_BYTES, span.partition.high_watermark)
        for buffer in chunk.buffers:
            for batch in batches(buffer):
                async for hit in self._tested(span, batch, span.first, span.end):
                    if len(hits) == hits.maxlen:
                        if not follows:
                            span.first = hit.offset
                            return
                        self._skipped += 1
                    hits.append(hit)
                yield
        span.first = min(chunk.next_offset, span.end) if chunk.next_offset > span.first else span.end

    async def _before(self, span: Span, hits: deque[_Hit]) -> AsyncIterator[None]:
        first = at = max(span.first, span.end - self._window)
        full = False
        while (at := max(at, span.partition.log_start)) < span.end:
            chunk = await span.partition.read(at, READ_BYTES, span.partition.high_watermark)
            for buffer in chunk.buffers:
                for batch in batches(buffer):
                    async for hit in self._tested(span, batch, at, span.end):
                        full = full or len(hits) == hits.maxlen
                        hits.append(hit)
                    yield
            if chunk.next_offset <= at:
                break
            at = chunk.next_offset
        span.end = hits[0].offset if full else first

    async def _tested(self, span: Span, batch: Batch, first: int, end: int) -> AsyncIterator[_Hit]:
        """Those of a batch's records that are wanted. A batch that cannot be read is told as what it is."""
        asked, topic = self._asked, self._asked.topic
        if batch.is_control:
            if asked.control and not asked.filters and first <= batch.base_offset < end:
                yield _Hit(batch.max_timestamp, span, batch.base_offset, shown_control(topic, span.index, batch))
            return
        if asked.committed and span.partition.undecided.is_aborted(batch):
            return
        try:
            for record in iterate(batch, span.partition.rules.max_decompressed_bytes):
                if not first <= record.offset < end:
                    continue
                self._scanned += 1
                key, value, headers, timestamp, offset = record
                read = Read(topic, span.index, offset, timestamp, key, value, headers)
                is_long = value is not None and len(value) > LONG_BYTES
                if await self._fits_long(read) if is_long else self._fits(read):
                    yield _Hit(timestamp, span, offset, shown_record(read, asked.preview))
                self._looks += 1
                if self._looks >= LOOKS:
                    await self._give_way()
        except (MalformedMessage, UnsupportedCompression) as error:
            if not asked.filters:
                yield _Hit(batch.max_timestamp, span, max(batch.base_offset, first),
                           shown_trouble(topic, span.index, batch, str(error)))  # fmt: skip

    async def _fits_long(self, read: Read) -> bool:
        self._looks = LOOKS
        return not self._asked.filters or await asyncio.to_thread(self._fits, read)

    async def _give_way(self) -> None:
        """After a millisecond of work, a turn for everybody else."""
        self._looks = 0
        if self._world.work_time() - self._began >= STEP_S:
            turn: asyncio.Future[None] = self._world.future()
            self._world.soon(_wake, turn)
            await turn
            self._began = self._world.work_time()

    def _fits(self, read: Read) -> bool:
        return all(wanted(read) for wanted in self._asked.filters)


def _wake(waited: asyncio.Future[None]) -> None:
    if not waited.done():
        waited.set_result(None)
