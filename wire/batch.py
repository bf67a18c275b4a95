"""A record batch, seen from outside: its 61 bytes of header, and never its records.

A batch (magic 2, KIP-98) is what producers send, logs hold and consumers get, byte for byte:

    offset  type   field
         0  int64  base offset              written by the broker, outside the CRC
         8  int32  length                   of what follows this field, so 12 less than the whole
        12  int32  partition leader epoch   written by the broker, outside the CRC
        16  int8   magic                    2
        17  uint32 crc                      CRC-32C of everything from byte 21 on
        21  int16  attributes               see below
        23  int32  last offset delta        stays when compaction takes the last record away
        27  int64  base timestamp           or the delete horizon, see below
        35  int64  max timestamp
        43  int64  producer id              -1: not idempotent
        51  int16  producer epoch
        53  int32  base sequence            -1 in control batches; runs over from 2^31-1 to 0
        57  int32  count                    of records
        61         records                  compressed as one piece; the header never is

    attributes: bits 0-2 codec, 3 log append time, 4 transactional, 5 control, 6 the base timestamp is a delete horizon
    (KIP-534)

A Batch is a view: it keeps the caller's buffer and copies nothing. Its fields are those of the moment of parsing:
stamp() writes into the buffer, not into Batch objects made before. Nothing here looks at single records: that is
records.py. Message sets of magic 0 and 1 (before Kafka 0.11) are refused, as Kafka 4 refuses them from producers.
"""

from collections.abc import Iterator
from struct import Struct, error

from .crc import Buffer, crc32c
from .errors import MalformedMessage

BATCH_OVERHEAD = 61
HEADER = Struct(">qiibIhiqqqhii")
MAGIC = 2

LENGTH_PREFIX = 12  # base offset and length: what the length field does not count
CRC_FROM = 21  # the CRC covers attributes to end
MAX_SEQUENCE = 0x7FFF_FFFF

CODEC_MASK = 0b111
LOG_APPEND_TIME = 1 << 3
TRANSACTIONAL = 1 << 4
CONTROL = 1 << 5
DELETE_HORIZON = 1 << 6

_unpack_header = HEADER.unpack_from
_LENGTH = Struct(">i")
_LENGTH_AT = 8
_MAGIC_AT = 16
_BASE_OFFSET = Struct(">q")
_LEADER_EPOCH = Struct(">i")
_LEADER_EPOCH_AT = 12
_CRC = Struct(">I")
_CRC_AT = 17
_ATTRIBUTES = Struct(">h")
_ATTRIBUTES_AT = 21
_MAX_TIMESTAMP = Struct(">q")
_MAX_TIMESTAMP_AT = 35


class UnsupportedMagic(MalformedMessage):
    """A message set of magic 0 or 1, or of a magic that does not exist yet."""


class Batch:
    """The header of one batch, and a view of the whole of it."""

    __slots__ = (
        "attributes",
        "base_offset",
        "base_sequence",
        "base_timestamp",
        "buffer",
        "count",
        "crc",
        "last_offset_delta",
        "leader_epoch",
        "length",
        "magic",
        "max_timestamp",
        "producer_epoch",
        "producer_id",
    )

    buffer: memoryview
    base_offset: int
    length: int  # of the whole batch in bytes, unlike the field in the header
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int

    @classmethod
    def parse(cls, buffer: Buffer, offset: int = 0) -> "Batch":
        """The batch that begins at offset; what follows it does not matter."""
        view = buffer if type(buffer) is memoryview else memoryview(buffer)
        self = cls()
        try:
            (
                self.base_offset,
                length,
                self.leader_epoch,
                self.magic,
                self.crc,
                self.attributes,
                self.last_offset_delta,
                self.base_timestamp,
                self.max_timestamp,
                self.producer_id,
                self.producer_epoch,
                self.base_sequence,
                self.count,
            ) = _unpack_header(view, offset)
        except error:
            raise _refusal(view, offset) from None
        self.length = length = length + LENGTH_PREFIX
        if self.magic != MAGIC or length < BATCH_OVERHEAD or length > len(view) - offset:
            raise _refusal(view, offset)
        self.buffer = view if length == len(view) else view[offset : offset + length]
        return self

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record, -1 without one; sequences run over to 0 (KIP-98)."""
        return (self.base_sequence + self.last_offset_delta) & MAX_SEQUENCE if self.base_sequence >= 0 else -1

    @property
    def compression(self) -> int:
        """The codec's number; 5 to 7 stand for none."""
        return self.attributes & CODEC_MASK

    @property
    def log_append_time(self) -> bool:
        """Every record has the max timestamp, whatever its delta says."""
        return bool(self.attributes & LOG_APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL)

    @property
    def has_delete_horizon(self) -> bool:
        return bool(self.attributes & DELETE_HORIZON)

    @property
    def delete_horizon_ms(self) -> int | None:
        """From when on compaction may drop this batch's tombstones and markers."""
        return self.base_timestamp if self.attributes & DELETE_HORIZON else None

    @property
    def body(self) -> memoryview:
        """The records, still compressed."""
        return self.buffer[BATCH_OVERHEAD:]

    def __repr__(self) -> str:
        return (
            f"<Batch {self.base_offset}..{self.last_offset} count={self.count} bytes={self.length} "
            f"producer={self.producer_id}/{self.producer_epoch}/{self.base_sequence} attributes={self.attributes:#x}>"
        )


def _refusal(view: memoryview, offset: int) -> MalformedMessage:
    """Why there is no batch at offset. Found out only when there is none, so that parse stays short."""
    left = len(view) - offset
    if left > _MAGIC_AT and view[offset + _MAGIC_AT] != MAGIC:
        magic = view[offset + _MAGIC_AT]
        return UnsupportedMagic(f"a record batch has magic 2, not {magic}", offset + _MAGIC_AT)
    if left < BATCH_OVERHEAD:
        return MalformedMessage(f"a record batch needs {BATCH_OVERHEAD} bytes, {max(left, 0)} are left", offset)
    length: int = _LENGTH.unpack_from(view, offset + _LENGTH_AT)[0]
    if length < BATCH_OVERHEAD - LENGTH_PREFIX:
        return MalformedMessage(f"a record batch cannot have length {length}", offset + _LENGTH_AT)
    return MalformedMessage(
        f"the batch says it has {length + LENGTH_PREFIX} bytes, {left} are left", offset + _LENGTH_AT
    )


def batches(blob: Buffer) -> Iterator[Batch]:
    """The batches of a records field or a piece of a log, in order. A last one that is cut off is left out: a broker
    may end an answer in the middle of a batch, and consumers skip that."""
    view = blob if type(blob) is memoryview else memoryview(blob)
    parse = Batch.parse
    at, end = 0, len(view)
    while end - at >= LENGTH_PREFIX:
        length = _LENGTH.unpack_from(view, at + _LENGTH_AT)[0] + LENGTH_PREFIX
        if length > end - at and (end - at <= _MAGIC_AT or view[at + _MAGIC_AT] == MAGIC):
            return
        batch = parse(view, at)
        at += batch.length
        yield batch


def stamp(buffer: bytearray | memoryview, base_offset: int, leader_epoch: int) -> None:
    """Give the batch its place in the log, in place. Both fields lie outside the CRC, for this very purpose."""
    _BASE_OFFSET.pack_into(buffer, 0, base_offset)
    _LEADER_EPOCH.pack_into(buffer, _LEADER_EPOCH_AT, leader_epoch)


def verify_crc(batch: Batch) -> bool:
    """Whether the bytes are those that the producer summed up."""
    return crc32c(batch.buffer[CRC_FROM:]) == batch.crc


def write_crc(buffer: bytearray | memoryview) -> None:
    """Sum up the one batch that fills the buffer, after a change behind byte 21."""
    _CRC.pack_into(buffer, _CRC_AT, crc32c(memoryview(buffer)[CRC_FROM:]))


def set_log_append_time(buffer: bytearray | memoryview, append_time_ms: int) -> None:
    """Give all records the broker's time (topics with message.timestamp.type=LogAppendTime), without touching one."""
    attributes: int = _ATTRIBUTES.unpack_from(buffer, _ATTRIBUTES_AT)[0]
    _ATTRIBUTES.pack_into(buffer, _ATTRIBUTES_AT, attributes | LOG_APPEND_TIME)
    _MAX_TIMESTAMP.pack_into(buffer, _MAX_TIMESTAMP_AT, append_time_ms)
    write_crc(buffer)
