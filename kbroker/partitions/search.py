"""Finding an offset by time. The engine finds the batch, its records are walked here, and no others.

What a partition no longer answers (below the log start) or not yet (from `before` on) is not found. An offset in the
middle of the first batch may be the log start, so that the records that count can lie in a later batch than the first
one found: from there on the headers are read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple

from kbroker.codecs import cannot_read
from storage.engine import Engine, Read
from wire.batch import Batch, batches
from wire.compression import UnsupportedCompression
from wire.errors import ErrorCode, KafkaError, MalformedMessage
from wire.records import iterate

READ_BYTES = 1 << 20


class Span(NamedTuple):
    """The offsets [start, before) of a log."""

    log: str
    start: int
    before: int


class Found(NamedTuple):
    """A record."""

    offset: int
    timestamp: int


async def first_at_or_after(engine: Engine, span: Span, at_ms: int, max_bytes: int) -> Found | None:
    """The first record with that timestamp or a later one."""
    hint = await engine.find(span.log, at_ms)
    if hint is None:
        return None
    async for batch in _batches(engine, span, hint.base_offset):
        if batch.max_timestamp >= at_ms:
            found = _first(batch, span, lambda timestamp: timestamp >= at_ms, max_bytes)
            if found is not None:
                return found
    return None


async def with_max_timestamp(engine: Engine, span: Span, max_bytes: int) -> Found | None:
    """The first of the records with the greatest timestamp."""
    best: Batch | None = None
    latest = -1
    greatest = max((extent.max_timestamp for extent in engine.extents(span.log)), default=-1)
    hint = await engine.find(span.log, greatest)
    whole = hint is not None and span.start <= hint.base_offset < span.before
    async for batch in _batches(engine, span, hint.base_offset if hint is not None and whole else span.start):
        here = batch.max_timestamp if batch.base_offset >= span.start else _latest(batch, span, max_bytes)
        if best is None or here > latest:
            best, latest = batch, here
        if whole:
            break
    return None if best is None else _first(best, span, lambda timestamp: timestamp == latest, max_bytes)


async def _batches(engine: Engine, span: Span, offset: int) -> AsyncIterator[Batch]:
    """The batches of a span from an offset on, read piece by piece."""
    offset = max(offset, span.start)
    max_bytes = 1  # the first one is what is sought, nearly always
    while offset < span.before:
        chunk = (await engine.read([Read(span.log, offset, max_bytes, span.before)]))[0]
        if chunk.error is not None:
            raise chunk.error
        if not chunk.buffers:
            return
        for buffer in chunk.buffers:
            for batch in batches(buffer):
                yield batch
        offset = chunk.next_offset
        max_bytes = READ_BYTES


def _first(batch: Batch, span: Span, wanted: Callable[[int], bool], max_bytes: int) -> Found | None:
    return next((found for found in _visible(batch, span, max_bytes) if wanted(found.timestamp)), None)


def _latest(batch: Batch, span: Span, max_bytes: int) -> int:
    return max((found.timestamp for found in _visible(batch, span, max_bytes)), default=-1)


def _visible(batch: Batch, span: Span, max_bytes: int) -> Iterator[Found]:
    """The records of a batch that lie in the span."""
    try:
        for record in iterate(batch, max_bytes):
            if span.start <= record.offset < span.before:
                yield Found(record.offset, record.timestamp)
    except UnsupportedCompression as error:
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, cannot_read(error)) from None
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"the batch at {batch.base_offset}: {error}") from None
