"""Chapter 3: a record batch by hand, and Produce.

python 3_produce.py 127.0.0.1:9092 TOPIC VALUE...
"""

import struct
import sys
import time
from collections.abc import Callable

from frames import Broker, array, blob, int8, int16, int32, int64, string, varint

PRODUCE, VERSION = 0, 3


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), bit by bit: slow, and all there is to it."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F6_3B78 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def record(offset_delta: int, key: bytes | None, value: bytes | None) -> bytes:
    """One record: lengths are varints, -1 means there is none; times and offsets count from the batch's own."""
    body = int8(0) + varint(0) + varint(offset_delta)
    for part in (key, value):
        body += varint(-1) if part is None else varint(len(part)) + part
    body += varint(0)  # headers
    return varint(len(body)) + body


def batch(
    values: list[bytes],
    producer_id: int = -1,
    epoch: int = -1,
    sequence: int = -1,
    attributes: int = 0,
    compress: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """The records together: 61 bytes of head, then the records. The checksum covers all that comes after it.
    Attributes of 0 mean: no compression (chapter 5), the producer's timestamps, no transaction (chapter 8)."""
    records = compress(b"".join(record(at, None, value) for at, value in enumerate(values)))
    now_ms = int(time.time() * 1000)
    checked = (
        int16(attributes)
        + int32(len(values) - 1)  # offset delta of the last record
        + int64(now_ms) * 2  # first and largest timestamp
        + int64(producer_id) + int16(epoch) + int32(sequence)
        + int32(len(values)) + records
    )  # fmt: skip
    head = int32(-1) + int8(2) + struct.pack(">I", crc32c(checked))  # leader epoch, magic, checksum
    return int64(0) + int32(len(head) + len(checked)) + head + checked  # base offset, length


def produce(
    broker: Broker, topic: str, partition: int, data: bytes, acks: int = -1, transactional_id: str | None = None
) -> tuple[int, int]:
    """The error code, and the offset of the batch's first record."""
    body = string(transactional_id) + int16(acks) + int32(10_000)  # the last is for how long the broker may wait
    body += array([string(topic) + array([int32(partition) + blob(data)])])
    answer = broker.ask(PRODUCE, VERSION, body)
    assert answer.int32() == 1 and answer.string() == topic and answer.int32() == 1
    index, error, base_offset = answer.int32(), answer.int16(), answer.int64()
    assert index == partition
    return error, base_offset


if __name__ == "__main__":
    values = [value.encode() for value in sys.argv[3:]]
    error, offset = produce(Broker(sys.argv[1]), sys.argv[2], 0, batch(values))
    print(f"error {error}" if error else f"{len(values)} records at offset {offset}")
    raise SystemExit(error)
