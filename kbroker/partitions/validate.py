"""The checks of a produced batch, over its 61 bytes of header. Pure.

A producer sends exactly one batch of magic 2 per partition. Its records are one compressed piece, and the broker takes
them as they are: what is checked is the header and the CRC over all. The order is Kafka's
(ProduceRequest.validateRecords, UnifiedLog.analyzeAndValidateRecords, LogValidator). Records are walked only where the
answer depends on them:

    compacted topics             every record needs a key
    message.timestamp.before     set: the header tells of the greatest timestamp and the first, not of the smallest
    kbroker.validate.records     every record is read, its offset delta checked, and the header's greatest timestamp
    a refused timestamp          to say which records it was

A refusal drops the whole batch; `record_errors` names single records where that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from kbroker.codecs import cannot_read
from wire.batch import (
    BATCH_OVERHEAD,
    CODEC_MASK,
    CONTROL,
    CRC_FROM,
    LENGTH_PREFIX,
    LOG_APPEND_TIME,
    MAGIC,
    TRANSACTIONAL,
    Batch,
)  # fmt: skip
from wire.compression import UnsupportedCompression
from wire.crc import Buffer, crc32c
from wire.errors import ErrorCode, KafkaError, MalformedMessage
from wire.records import Record, iterate

from .topics import FOREVER_MS, Settings

ZSTD = 4
INVALID = ErrorCode.INVALID_RECORD
NO_TIMESTAMP = -1
_LENGTH = Struct(">i")
_LENGTH_AT = 8
_MAGIC_AT = 16
_ATTRIBUTES_LOW = 22  # the low byte of the attributes
_SMALLEST_MESSAGE = 26  # offset, length and the 14 bytes that even a message of magic 0 has
CODECS = {"uncompressed": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

RecordErrors = Sequence[tuple[int, str]]


class Rejected(KafkaError):
    """A batch that is not written, and the records to blame, as (index in the batch, why)."""

    def __init__(self, code: ErrorCode, message: str, record_errors: RecordErrors = ()) -> None:
        super().__init__(code, message)
        self.record_errors = record_errors


class Unreadable(Rejected):
    """Refused for what it is, before any partition is asked."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a topic's config says about its batches, looked up once per change of the config."""

    max_message_bytes: int = 1_048_588
    segment_bytes: int = 1 << 30
    max_decompressed_bytes: int = 2_147_483_639
    compacted: bool = False
    only_compacted: bool = False
    log_append_time: bool = False
    timestamp_before_ms: int = FOREVER_MS
    timestamp_after_ms: int = 3_600_000
    codec: int | None = None
    """None: as the producer compressed it."""
    level: int | None = None
    min_in_sync: int = 1
    every_record: bool = False
    walked: bool = False
    """Whether the answer depends on single records."""
    rewrites: bool = False
    """Whether a batch may not be stored as it is: see rewrite.py."""

    @classmethod
    def of(cls, config: Settings, every_record: bool = False) -> Rules:
        compression = config["compression.type"]
        policies = config["cleanup.policy"]
        log_append_time = config["message.timestamp.type"] == "LogAppendTime"
        before_ms = config["message.timestamp.before.max.ms"]
        bounds_the_past = before_ms != FOREVER_MS and not log_append_time
        return cls(
            max_message_bytes=config["max.message.bytes"],
            segment_bytes=config["segment.bytes"],
            max_decompressed_bytes=config["max.decompressed.message.bytes"],
            compacted="compact" in policies,
            only_compacted="compact" in policies and "delete" not in policies,
            log_append_time=log_append_time,
            timestamp_before_ms=before_ms,
            timestamp_after_ms=config["message.timestamp.after.max.ms"],
            codec=CODECS.get(compression),
            level=config[f"compression.{compression}.level"] if compression in ("gzip", "lz4", "zstd") else None,
            min_in_sync=config["min.insync.replicas"],
            every_record=every_record,
            walked="compact" in policies or bounds_the_past or every_record,
            rewrites=compression in CODECS or log_append_time or every_record,
        )


def validate(records: Buffer | None, rules: Rules, now_ms: int, zstd_allowed: bool) -> Batch:
    """The one batch of a produce request's partition, or Rejected."""
    batch = the_batch(records)
    attributes, length, count = batch.attributes, batch.length, batch.count
    codec = attributes & CODEC_MASK
    if codec == ZSTD and not zstd_allowed:
        raise Unreadable(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "zstd needs Produce version 7 or later")
    if batch.base_offset:
        raise Rejected(INVALID, f"the base offset of a produced batch is 0, not {batch.base_offset}")
    if length > rules.max_message_bytes:
        message = f"the batch has {length} bytes, and max.message.bytes allows {rules.max_message_bytes}"
        raise Rejected(ErrorCode.MESSAGE_TOO_LARGE, message)
    if crc32c(batch.buffer[CRC_FROM:]) != batch.crc:
        message = f"the bytes of the batch do not have its checksum {batch.crc:#010x}"
        raise Rejected(ErrorCode.CORRUPT_MESSAGE, message)
    if attributes & CONTROL:
        raise Rejected(INVALID, "clients may not write control batches")
    if count <= 0:
        raise Rejected(INVALID, f"a batch has records, and its count is {count}")
    if batch.last_offset_delta != count - 1:
        raise Rejected(INVALID, f"{count} records cannot have the last offset delta {batch.last_offset_delta}")
    if batch.base_sequence < 0 <= batch.producer_id:
        raise Rejected(INVALID, f"producer {batch.producer_id} sends the sequence {batch.base_sequence}")
    if codec > ZSTD:
        raise Rejected(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"there is no codec {codec}")
    if length > rules.segment_bytes:
        message = f"the batch has {length} bytes, and segment.bytes is {rules.segment_bytes}"
        raise Rejected(ErrorCode.RECORD_LIST_TOO_LARGE, message)
    if rules.log_append_time:
        if attributes & LOG_APPEND_TIME:
            message = "only the broker gives a record its append time"
            raise Rejected(ErrorCode.INVALID_TIMESTAMP, message, [(index, message) for index in range(count)])
    elif _out_of_time(batch.max_timestamp, batch.base_timestamp, rules, now_ms):
        raise _bad_timestamps(batch, rules, now_ms)
    if rules.walked:
        latest, earliest = _walk(batch, rules)
        if not rules.log_append_time and _out_of_time(latest, earliest, rules, now_ms):
            raise _bad_timestamps(batch, rules, now_ms)
        if rules.every_record and latest != batch.max_timestamp and not batch.has_delete_horizon:
            batch.max_timestamp = latest
    return batch


def the_batch(records: Buffer | None) -> Batch:
    """Exactly one whole batch of magic 2. Bytes behind it that are the beginning of another are cut off, as Kafka
    does."""
    try:
        batch = Batch.parse(b"" if records is None else records)
    except MalformedMessage as error:
        raise _unreadable(records, error) from None
    if batch.buffer is not records and records is not None and _next_length(records, batch.length):
        raise Unreadable(ErrorCode.INVALID_RECORD, "a produce request has one batch per partition, here are several")
    return batch


def _unreadable(records: Buffer | None, error: MalformedMessage) -> Unreadable:
    if records is None or not _next_length(records, 0):
        return Unreadable(ErrorCode.INVALID_RECORD, "a produce request has one batch per partition, here is none")
    if records[_MAGIC_AT] != MAGIC:
        return Unreadable(ErrorCode.INVALID_RECORD, f"a produced batch has magic 2, not {records[_MAGIC_AT]}")
    return Unreadable(ErrorCode.CORRUPT_MESSAGE, error.reason)


def _next_length(records: Buffer, at: int) -> int:
    """How long the batch is that begins here; 0 when it is not all there. As Kafka's ByteBufferLogInputStream."""
    left = len(records) - at
    if left < LENGTH_PREFIX:
        return 0
    length: int = _LENGTH.unpack_from(records, at + _LENGTH_AT)[0] + LENGTH_PREFIX
    if length < _SMALLEST_MESSAGE:
        raise Unreadable(ErrorCode.CORRUPT_MESSAGE, f"a batch cannot have {length} bytes")
    if left <= _MAGIC_AT:
        return 0
    if records[at + _MAGIC_AT] > MAGIC:
        raise Unreadable(ErrorCode.CORRUPT_MESSAGE, f"there is no magic {records[at + _MAGIC_AT]}")
    return length if length <= left else 0


def is_transactional(records: Buffer | None) -> bool:
    """Whether the bytes claim to be a transactional batch; nothing else of them is looked at."""
    if records is None or len(records) < BATCH_OVERHEAD or not records[_ATTRIBUTES_LOW] & TRANSACTIONAL:
        return False
    return records[_MAGIC_AT] == MAGIC


def _out_of_time(latest: int, earliest: int, rules: Rules, now_ms: int) -> bool:
    return (latest != NO_TIMESTAMP and latest - now_ms > rules.timestamp_after_ms) or (
        earliest != NO_TIMESTAMP and now_ms - earliest > rules.timestamp_before_ms
    )


def _bad_timestamps(batch: Batch, rules: Rules, now_ms: int) -> Rejected:
    span = f"[{now_ms - rules.timestamp_before_ms}, {now_ms + rules.timestamp_after_ms}]"
    errors = [
        (index, f"the timestamp {record.timestamp} is outside {span}")
        for index, record in enumerate(_records(batch, rules))
        if _out_of_time(record.timestamp, record.timestamp, rules, now_ms)
    ]
    return Rejected(ErrorCode.INVALID_TIMESTAMP, f"a record's timestamp must be within {span}", errors)


def _walk(batch: Batch, rules: Rules) -> tuple[int, int]:
    """The greatest and the smallest timestamp of the records."""
    keyless = []
    latest, earliest = NO_TIMESTAMP, FOREVER_MS
    for index, record in enumerate(_records(batch, rules)):
        if record.offset != index:
            message = f"record {index} of the batch has the offset delta {record.offset}"
            raise Rejected(ErrorCode.INVALID_RECORD, message, [(index, message)])
        if record.key is None and rules.compacted:
            keyless.append((index, "a record of a compacted topic needs a key"))
        if record.timestamp != NO_TIMESTAMP:
            latest, earliest = max(latest, record.timestamp), min(earliest, record.timestamp)
    if keyless:
        raise Rejected(ErrorCode.INVALID_RECORD, f"{len(keyless)} records without a key on a compacted topic", keyless)
    return latest, earliest if latest != NO_TIMESTAMP else NO_TIMESTAMP


def _records(batch: Batch, rules: Rules) -> list[Record]:
    try:
        return list(iterate(batch, rules.max_decompressed_bytes))
    except UnsupportedCompression as error:
        raise Rejected(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, cannot_read(error)) from None
    except MalformedMessage as error:
        raise Rejected(ErrorCode.INVALID_RECORD, f"the batch's records cannot be read: {error.reason}") from None
