"""Records as slices of their batch. Pure.

Offsets and times of a record are written relative to the batch's base offset and base time. Compaction keeps both, so
that a record that stays is copied as it is, and only the header around it changes. Where the base time makes room for a
delete horizon (KIP-534), the first of the record's two deltas is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wire.batch import BATCH_OVERHEAD, CODEC_MASK, DELETE_HORIZON, HEADER, LENGTH_PREFIX, MAGIC, Batch, write_crc
from wire.compression import compress
from wire.errors import MalformedMessage
from wire.primitives import read_varint, read_varlong, varint
from wire.records import NO_TIMESTAMP


class Slice(NamedTuple):
    """One record: where it lies in the batch's plain body, and what decides about it."""

    start: int
    delta_at: int
    """Where its offset delta begins: behind length, attributes and timestamp delta."""
    end: int
    timestamp_delta: int
    offset: int
    key: bytes | None
    has_value: bool


def slices(batch: Batch, body: bytes) -> Iterator[Slice]:
    """The records of a batch in order; MalformedMessage if they are not what the header says."""
    base = batch.base_offset
    at = 0
    try:
        for _ in range(batch.count):
            start = at
            length, at = read_varint(body, at)
            end = at + length
            timestamp_delta, delta_at = read_varlong(body, at + 1)
            offset_delta, at = read_varint(body, delta_at)
            size, at = read_varint(body, at)
            key = None
            if size >= 0:
                key = body[at : at + size]
                at += size
            size, at = read_varint(body, at)
            if not at <= end <= len(body) or size > end - at or offset_delta < 0:
                raise MalformedMessage("a record does not fit into its length", start)
            yield Slice(start, delta_at, end, timestamp_delta, base + offset_delta, key, size >= 0)
            at = end
    except IndexError:
        raise MalformedMessage("a record ends too early", len(body)) from None
    if at != len(body):
        raise MalformedMessage(f"{len(body) - at} bytes are left after {batch.count} records", at)


def rebuilt(batch: Batch, body: bytes, kept: list[Slice], horizon: int | None) -> bytearray:
    """The batch with these of its records: same offsets, times, producer and codec. `horizon`: a new delete horizon."""
    if horizon is None:
        plain: bytes | bytearray = b"".join([body[one.start : one.end] for one in kept])
        base_timestamp = batch.base_timestamp
    else:
        plain, base_timestamp = _shifted(body, kept, batch.base_timestamp - horizon), horizon
    max_timestamp = batch.max_timestamp
    if not batch.log_append_time:
        max_timestamp = batch.base_timestamp + max(one.timestamp_delta for one in kept)
    attributes = batch.attributes | (DELETE_HORIZON if horizon is not None else 0)
    codec = batch.compression
    packed = compress(codec, plain) if codec else plain
    return _sealed(batch, attributes, base_timestamp, max_timestamp, len(kept), packed)


def emptied(batch: Batch) -> bytearray:
    """The header alone: it keeps the offsets, and what is known of the producer."""
    attributes = batch.attributes & ~(CODEC_MASK | DELETE_HORIZON)
    return _sealed(batch, attributes, NO_TIMESTAMP, batch.max_timestamp, 0, b"")


def _shifted(body: bytes, kept: list[Slice], shift: int) -> bytearray:
    """The records, their times counted from another base."""
    plain = bytearray()
    for one in kept:
        inner = b"\0" + varint(one.timestamp_delta + shift) + body[one.delta_at : one.end]
        plain += varint(len(inner))
        plain += inner
    return plain


def _sealed(
    batch: Batch, attributes: int, base_timestamp: int, max_timestamp: int, count: int, packed: bytes | bytearray
) -> bytearray:
    whole = bytearray(BATCH_OVERHEAD + len(packed))
    HEADER.pack_into(
        whole, 0, batch.base_offset, len(whole) - LENGTH_PREFIX, batch.leader_epoch, MAGIC, 0, attributes,
        batch.last_offset_delta, base_timestamp, max_timestamp,
        batch.producer_id, batch.producer_epoch, batch.base_sequence, count,
    )  # fmt: skip
    whole[BATCH_OVERHEAD:] = packed
    write_crc(whole)
    return whole
