"""The few cases in which a produced batch is not stored byte for byte. Off the hot path, but for LogAppendTime.

    compression.type other than producer      the body is unpacked and packed again (`uncompressed` stores it plain), no
                                              record is touched; large ones beside the loop (packing.py)
    message.timestamp.type=LogAppendTime      the header gets the broker's time, no record is touched
    a batch that claims to have an append     the claim is taken out of the header, as Kafka does
    kbroker.validate.records                  a wrong greatest timestamp in the header is put right, as Kafka does

A batch that came in a buffer that may not be written to is copied first.
"""

from __future__ import annotations

from struct import Struct

from kbroker.codecs import cannot_read
from wire.batch import (
    BATCH_OVERHEAD,
    CODEC_MASK,
    LENGTH_PREFIX,
    LOG_APPEND_TIME,
    Batch,
    set_log_append_time,
    write_crc,
)  # fmt: skip
from wire.compression import UnsupportedCompression, compress
from wire.compression import name as codec_name
from wire.errors import ErrorCode, KafkaError, MalformedMessage
from wire.records import plain_body

from .validate import Rules

_LENGTH = Struct(">i")
_LENGTH_AT = 8
_ATTRIBUTES = Struct(">h")
_ATTRIBUTES_AT = 21
_MAX_TIMESTAMP = Struct(">q")
_MAX_TIMESTAMP_AT = 35


def writable(batch: Batch) -> Batch:
    """The batch in a buffer of its own, which can be stamped. What validation found out about it stays."""
    copy = Batch.parse(bytearray(batch.buffer))
    copy.max_timestamp = batch.max_timestamp
    return copy


def recompress(batch: Batch, codec: int, rules: Rules) -> Batch:
    """The same records in another packing; the header says the same of them."""
    try:
        body = compress(codec, plain_body(batch, rules.max_decompressed_bytes), rules.level)
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"the batch's records cannot be read: {error}") from None
    except UnsupportedCompression as error:
        what = f"{codec_name(batch.compression)} into {codec_name(codec)}"
        message = f"this broker cannot turn {what}: {cannot_read(error)}"
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message) from None
    size = BATCH_OVERHEAD + len(body)
    if size > rules.max_message_bytes:
        message = f"packed anew the batch has {size} bytes, and max.message.bytes is {rules.max_message_bytes}"
        raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE, message)
    whole = bytearray(size)
    whole[:BATCH_OVERHEAD] = batch.buffer[:BATCH_OVERHEAD]
    whole[BATCH_OVERHEAD:] = body
    _LENGTH.pack_into(whole, _LENGTH_AT, size - LENGTH_PREFIX)
    _ATTRIBUTES.pack_into(whole, _ATTRIBUTES_AT, batch.attributes & ~CODEC_MASK | codec)
    write_crc(whole)
    return Batch.parse(whole)


def as_stored(batch: Batch, rules: Rules, now_ms: int, packed: Batch | None = None) -> Batch:
    """What the log gets for a valid batch, still without its place in the log. `packed` may be the same in the codec of
    the topic."""
    if rules.codec is not None and rules.codec != batch.compression:
        max_timestamp = batch.max_timestamp  # what validation found out about it stays
        if packed is None or packed.compression != rules.codec:
            packed = recompress(batch, rules.codec, rules)
        batch = packed
        batch.max_timestamp = max_timestamp
    if batch.buffer.readonly:
        batch = writable(batch)
    if rules.log_append_time:
        set_log_append_time(batch.buffer, now_ms)
        return Batch.parse(batch.buffer)
    if batch.attributes & LOG_APPEND_TIME:
        return _with_the_producers_time(batch)
    if rules.every_record:
        _repair_max_timestamp(batch)
    return batch


def _with_the_producers_time(batch: Batch) -> Batch:
    """A producer cannot know the append time: what it says so of stays a time of its own."""
    _ATTRIBUTES.pack_into(batch.buffer, _ATTRIBUTES_AT, batch.attributes & ~LOG_APPEND_TIME)
    write_crc(batch.buffer)
    return Batch.parse(batch.buffer)


def _repair_max_timestamp(batch: Batch) -> None:
    """Bring the header in line with what `validate` found, under a new CRC."""
    if _MAX_TIMESTAMP.unpack_from(batch.buffer, _MAX_TIMESTAMP_AT)[0] != batch.max_timestamp:
        _MAX_TIMESTAMP.pack_into(batch.buffer, _MAX_TIMESTAMP_AT, batch.max_timestamp)
        write_crc(batch.buffer)
