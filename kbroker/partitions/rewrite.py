"""The few cases in which a produced batch is not stored byte for byte. Off the hot path, but for LogAppendTime.

    compression.type other than producer      the records are unpacked and packed again (`uncompressed` stores them
    plain)
    message.timestamp.type=LogAppendTime      the header gets the broker's time, no record is touched
    a batch that claims to have an append     the claim is taken out of the header, as Kafka does
    kbroker.validate.records                  a wrong greatest timestamp in the header is put right, as Kafka does

A batch that came in a buffer that may not be written to is copied first.
"""

from __future__ import annotations

from struct import Struct

from kbroker.codecs import cannot_read
from wire.batch import LOG_APPEND_TIME, Batch, set_log_append_time, write_crc
from wire.compression import UnsupportedCompression
from wire.compression import name as codec_name
from wire.errors import ErrorCode, KafkaError, MalformedMessage
from wire.records import build_batch, iterate

from .validate import Rules

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
    """The same records in another packing; header and offsets say the same."""
    try:
        packed = build_batch(
            iterate(batch, rules.max_decompressed_bytes),
            compression=codec,
            level=rules.level,
            producer_id=batch.producer_id,
            producer_epoch=batch.producer_epoch,
            base_sequence=batch.base_sequence,
            transactional=batch.is_transactional,
        )
    except MalformedMessage as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"the batch's records cannot be read: {error}") from None
    except UnsupportedCompression as error:
        what = f"{codec_name(batch.compression)} into {codec_name(codec)}"
        message = f"this broker cannot turn {what}: {cannot_read(error)}"
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message) from None
    if len(packed) > rules.max_message_bytes:
        message = f"packed anew the batch has {len(packed)} bytes, and max.message.bytes is {rules.max_message_bytes}"
        raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE, message)
    return Batch.parse(packed)


def as_stored(batch: Batch, rules: Rules, now_ms: int) -> Batch:
    """What the log gets for a valid batch, still without its place in the log."""
    if rules.codec is not None and rules.codec != batch.compression:
        batch = recompress(batch, rules.codec, rules)
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
