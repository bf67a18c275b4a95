"""Single records: reading those of a batch, and building batches.

The broker's hot paths never come here: producing and fetching move whole batches (batch.py). Records are walked where
an answer depends on them (compaction, search by timestamp, validation that was asked for, transaction markers, explain)
and built where the broker itself writes (groups, transactions, catalog, markers).

A record of magic 2, after the batch's records were decompressed; varint and varlong are zigzag:

    varint length of what follows | int8 attributes (unused, 0) | varlong timestamp delta | varint offset delta
    varint key length (-1 null), key | varint value length (-1 null), value
    varint count of headers, each: varint name length, name | varint value length (-1 null), value

Timestamps are relative to the batch's base timestamp, also when that was replaced by a delete horizon (KIP-534). With
log append time every record bears the batch's max timestamp. Compaction leaves gaps between offset deltas.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .batch import (
    BATCH_OVERHEAD,
    CONTROL,
    DELETE_HORIZON,
    HEADER,
    LENGTH_PREFIX,
    LOG_APPEND_TIME,
    MAGIC,
    TRANSACTIONAL,
    Batch,
    write_crc,
)
from .compression import MAX_DECOMPRESSED_BYTES, NONE, compress, decompress
from .errors import MalformedMessage
from .primitives import read_varint, read_varlong, varint

ABORT, COMMIT, LEADER_CHANGE, SNAPSHOT_HEADER, SNAPSHOT_FOOTER, KRAFT_VERSION, KRAFT_VOTERS = range(7)

NEXT_OFFSET = -1  # a record that takes the place after the one before it
NO_TIMESTAMP = -1

_MAX_INT64 = (1 << 63) - 1
_SMALLEST_RECORD = 7  # length, attributes, two deltas, two lengths, count of headers: a byte each
_VARINTS = {n: varint(n) for n in range(-1, 256)}
"""Most lengths and deltas of what coordinators write: a look-up is a third of a call."""
_CONTROL_KEY_VERSION = 0
_MARKER_VERSION = 0


class Record(NamedTuple):
    """One record. A header's name is text; bytes of it that are not UTF-8 survive as surrogates."""

    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp: int = NO_TIMESTAMP
    offset: int = NEXT_OFFSET


def control_type(record: Record) -> int:
    """ABORT, COMMIT or another type, from the key of a control batch's record."""
    if record.key is None or len(record.key) < 4:
        raise MalformedMessage("the key of a control record has a version and a type, 4 bytes")
    return int.from_bytes(record.key[2:4], "big", signed=True)


# --- reading


def iterate(batch: Batch, max_bytes: int = MAX_DECOMPRESSED_BYTES) -> Iterator[Record]:
    """The records of a batch, in order. What does not fit together is malformed: the count, a length, bytes left."""
    data = plain_body(batch, max_bytes)
    count = batch.count
    if count < 0 or count * _SMALLEST_RECORD > len(data):
        raise MalformedMessage(f"{count} records do not fit into {len(data)} bytes")
    base_offset, base_timestamp = batch.base_offset, batch.base_timestamp
    append_time = batch.max_timestamp if batch.log_append_time else None
    at = 0
    try:
        for _ in range(count):
            start = at
            record, at = _read_record(data, at, base_offset, base_timestamp, append_time)
            if record.offset > _MAX_INT64 or not -_MAX_INT64 <= record.timestamp <= _MAX_INT64:
                raise MalformedMessage("a record's offset or timestamp passes 64 bits", start)
            yield record
    except IndexError:
        raise MalformedMessage("a record ends too early", len(data)) from None
    if at != len(data):
        raise MalformedMessage(f"{len(data) - at} bytes are left after the batch's {count} records", at)


def plain_body(batch: Batch, max_bytes: int = MAX_DECOMPRESSED_BYTES) -> bytes:
    """The batch's records as they were before compression."""
    if batch.length == BATCH_OVERHEAD:
        return b""  # compaction left the header only, to keep the producer's state
    return decompress(batch.compression, batch.body, max_bytes)


def _read_record(
    data: bytes, at: int, base_offset: int, base_timestamp: int, append_time: int | None
) -> tuple[Record, int]:
    start = at
    length, at = read_varint(data, at)
    end = at + length
    if length < _SMALLEST_RECORD - 1 or end > len(data):
        raise MalformedMessage(f"a record claims {length} bytes, {len(data) - at} are left", start)
    timestamp_delta, at = read_varlong(data, at + 1)
    offset_delta, at = read_varint(data, at)
    key, at = _read_bytes(data, at)
    value, at = _read_bytes(data, at)
    headers: Sequence[tuple[str, bytes | None]] = ()
    if data[at]:
        headers, at = _read_headers(data, at)
    else:
        at += 1
    if at != end:
        raise MalformedMessage(
            f"a record of {length} bytes ends {abs(end - at)} bytes {'past' if at > end else 'before'} its end", start
        )
    timestamp = base_timestamp + timestamp_delta if append_time is None else append_time
    return Record(key, value, headers, timestamp, base_offset + offset_delta), at


def _read_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    start = at
    length, at = read_varint(data, at)
    if length < 0:
        if length != -1:
            raise MalformedMessage(f"a length of {length}", start)
        return None, at
    if length > len(data) - at:
        raise MalformedMessage(f"a length of {length}, {len(data) - at} bytes are left", start)
    return data[at : at + length], at + length


def _read_headers(data: bytes, at: int) -> tuple[list[tuple[str, bytes | None]], int]:
    start = at
    count, at = read_varint(data, at)
    if not 0 <= count <= (len(data) - at) // 2:
        raise MalformedMessage(f"{count} headers do not fit into {len(data) - at} bytes", start)
    headers = []
    for _ in range(count):
        start = at
        name, at = _read_bytes(data, at)
        if name is None:
            raise MalformedMessage("a header has a name", start)
        value, at = _read_bytes(data, at)
        headers.append((name.decode("utf-8", "surrogateescape"), value))
    return headers, at


# --- building


def build_batch(
    records: Iterable[Record],
    *,
    base_offset: int = 0,
    timestamp: int | None = None,
    compression: int = NONE,
    level: int | None = None,
    leader_epoch: int = -1,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
    control: bool = False,
    log_append_time: bool = False,
    last_offset: int | None = None,
    delete_horizon_ms: int | None = None,
) -> bytearray:
    """One batch with its CRC. timestamp, when given, is that of every record, or of the append with log_append_time.
    Compaction gives last_offset, which keeps the batch's end where it was, and may leave no record at all."""
    body = bytearray()
    count = 0
    delta = -1
    base_timestamp = max_timestamp = NO_TIMESTAMP
    for record in records:
        delta = delta + 1 if record.offset == NEXT_OFFSET else record.offset - base_offset
        time = record.timestamp if timestamp is None or log_append_time else timestamp
        if not count:
            base_timestamp = time if delete_horizon_ms is None else delete_horizon_ms
            max_timestamp = time
        elif time > max_timestamp:
            max_timestamp = time
        _write_record(body, record, time - base_timestamp, delta)
        count += 1
    if timestamp is not None and (log_append_time or not count):
        max_timestamp = timestamp
    attributes = (
        (compression if count else NONE)
        | (LOG_APPEND_TIME if log_append_time else 0)
        | (TRANSACTIONAL if transactional else 0)
        | (CONTROL if control else 0)
        | (DELETE_HORIZON if delete_horizon_ms is not None and count else 0)
    )
    packed = compress(compression, body, level) if compression and count else body
    return _seal(
        packed,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        attributes=attributes,
        last_offset_delta=delta if last_offset is None else last_offset - base_offset,
        base_timestamp=base_timestamp,
        max_timestamp=max_timestamp,
        producer=(producer_id, producer_epoch, base_sequence),
        count=count,
    )


def _seal(
    body: bytes | bytearray,
    *,
    base_offset: int,
    leader_epoch: int,
    attributes: int,
    last_offset_delta: int,
    base_timestamp: int,
    max_timestamp: int,
    producer: tuple[int, int, int],
    count: int,
) -> bytearray:
    """The header before its records, and the CRC over both."""
    whole = bytearray(BATCH_OVERHEAD + len(body))
    length = len(whole) - LENGTH_PREFIX
    header = (base_offset, length, leader_epoch, MAGIC, 0, attributes, last_offset_delta, base_timestamp, max_timestamp)
    HEADER.pack_into(whole, 0, *header, *producer, count)
    whole[BATCH_OVERHEAD:] = body
    write_crc(whole)
    return whole


def _write_record(body: bytearray, record: Record, timestamp_delta: int, offset_delta: int) -> None:
    pieces = [b"\0", _VARINTS.get(timestamp_delta) or varint(timestamp_delta)]
    pieces.append(_VARINTS.get(offset_delta) or varint(offset_delta))
    for part in (record.key, record.value):
        size = -1 if part is None else len(part)
        pieces.append(_VARINTS.get(size) or varint(size))
        if part:
            pieces.append(part)
    headers = record.headers
    if headers:
        _write_headers(pieces, headers)
    else:
        pieces.append(b"\0")
    inner = b"".join(pieces)
    size = len(inner)
    body += _VARINTS.get(size) or varint(size)
    body += inner


def _write_headers(pieces: list[bytes], headers: Sequence[tuple[str, bytes | None]]) -> None:
    pieces.append(varint(len(headers)))
    for name, value in headers:
        encoded = name.encode("utf-8", "surrogateescape")
        pieces += (varint(len(encoded)), encoded, varint(-1 if value is None else len(value)))
        if value:
            pieces.append(value)


def control_batch(
    kind: int,
    value: bytes,
    *,
    timestamp: int,
    base_offset: int = 0,
    leader_epoch: int = -1,
    producer_id: int = -1,
    producer_epoch: int = -1,
    transactional: bool = False,
) -> bytearray:
    """A control batch: one record that consumers never show, its key a version and a type. It bears no sequence."""
    key = _CONTROL_KEY_VERSION.to_bytes(2, "big") + kind.to_bytes(2, "big")
    return build_batch(
        (Record(key, value),),
        timestamp=timestamp,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        transactional=transactional,
        control=True,
    )


def transaction_marker(
    committed: bool,
    *,
    coordinator_epoch: int,
    producer_id: int,
    producer_epoch: int,
    timestamp: int,
    base_offset: int = 0,
    leader_epoch: int = -1,
) -> bytearray:
    """The end of a producer's transaction on one partition (EndTxnMarker, KIP-98)."""
    return control_batch(
        COMMIT if committed else ABORT,
        _MARKER_VERSION.to_bytes(2, "big") + coordinator_epoch.to_bytes(4, "big"),
        timestamp=timestamp,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        transactional=True,
    )
