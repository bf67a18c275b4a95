"""Chapter 4: Fetch, and what stands in a batch.

python 4_fetch.py 127.0.0.1:9092 TOPIC [OFFSET]
"""

import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from frames import Broker, Reader, array, int8, int32, int64, string

FETCH, VERSION = 1, 4
CODEC, CONTROL = 0b111, 0b10_0000  # bits of a batch's attributes


class Fetched(NamedTuple):
    """`aborted` has a producer id and the first offset of each aborted transaction in `data` (chapter 8); `data` are
    batches as they lie in the log."""

    error: int
    high_watermark: int
    last_stable_offset: int
    aborted: list[tuple[int, int]]
    data: bytes


def fetch(broker: Broker, topic: str, partition: int, offset: int, wait_ms: int = 500, isolation: int = 0) -> Fetched:
    """What one partition has from an offset on; isolation 1 leaves out what is not committed."""
    body = int32(-1) + int32(wait_ms) + int32(1) + int32(1 << 20) + int8(isolation)  # no replica; wait, min, max
    body += array([string(topic) + array([int32(partition) + int64(offset) + int32(1 << 20)])])
    answer = broker.ask(FETCH, VERSION, body)
    answer.int32()  # throttle time
    assert answer.int32() == 1 and answer.string() == topic and answer.int32() == 1
    assert answer.int32() == partition
    error, high_watermark, last_stable = answer.int16(), answer.int64(), answer.int64()
    aborted = [(answer.int64(), answer.int64()) for _ in range(answer.int32())]
    return Fetched(error, high_watermark, last_stable, aborted, answer.blob())


class Batch(NamedTuple):
    """The head of a batch, and its records as they stand there."""

    base_offset: int
    next_offset: int
    attributes: int
    producer_id: int
    count: int
    records: bytes


def batches(data: bytes) -> Iterator[Batch]:
    """The whole ones; the last may have been cut off."""
    reader = Reader(data)
    while len(data) - reader.at >= 61:
        base_offset, length = reader.int64(), reader.int32()
        if len(data) - reader.at < length:
            return
        one = Reader(reader.take(length))
        one.take(4 + 1 + 4)  # leader epoch, magic, checksum
        attributes = one.int16()
        next_offset = base_offset + one.int32() + 1  # not by counting: compaction may have taken records away
        one.take(8 + 8)  # first and largest timestamp
        producer_id = one.int64()
        one.take(2 + 4)  # epoch, first sequence number
        yield Batch(base_offset, next_offset, attributes, producer_id, one.int32(), one.data[one.at :])


def records(one: Batch, plain: bytes | None = None) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of every record of a batch. `plain` are its records where they were compressed."""
    if one.attributes & CONTROL:
        return  # of no meaning to an application: chapter 8
    assert plain is not None or not one.attributes & CODEC, "compressed: chapter 5"
    reader = Reader(one.records if plain is None else plain)
    for _ in range(one.count):
        reader.varint()  # the record's length: we read its fields instead
        reader.int8()  # attributes, of which there are none
        reader.varint()  # milliseconds after the batch's first timestamp
        delta = reader.varint()
        key, value = (None if (size := reader.varint()) < 0 else reader.take(size) for _ in range(2))
        for _ in range(reader.varint()):  # headers
            reader.take(reader.varint())
            reader.take(max(reader.varint(), 0))
        yield one.base_offset + delta, key, value


if __name__ == "__main__":
    broker, topic = Broker(sys.argv[1]), sys.argv[2]
    offset = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    while True:
        got = fetch(broker, topic, 0, offset)
        if got.error:
            raise SystemExit(f"error {got.error}")
        for one in batches(got.data):
            for at, _key, value in records(one):
                if at >= offset:  # the first batch may begin before what was asked for
                    print(f"{at}: {value.decode() if value is not None else None}")
            offset = max(offset, one.next_offset)
        if offset >= got.high_watermark:
            break
