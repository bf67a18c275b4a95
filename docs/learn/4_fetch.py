"""Chapter 4: Fetch, and what stands in a batch.

python 4_fetch.py 127.0.0.1:9092 TOPIC [OFFSET]
"""

import struct
import sys
from collections.abc import Iterator

from wire import Broker, Reader, array, int8, int32, int64, string

FETCH, VERSION = 1, 4


def fetch(broker: Broker, topic: str, partition: int, offset: int, wait_ms: int = 500) -> tuple[int, int, bytes]:
    """The error code, the high watermark, and batches as they lie in the log."""
    body = (
        int32(-1) + int32(wait_ms) + int32(1) + int32(1 << 20) + int8(0)
    )  # a consumer; wait, min, max; uncommitted too
    body += array([string(topic) + array([int32(partition) + int64(offset) + int32(1 << 20)])])
    answer = broker.ask(FETCH, VERSION, body)
    answer.int32()  # throttle time
    assert answer.int32() == 1 and answer.string() == topic and answer.int32() == 1
    assert answer.int32() == partition
    error, high_watermark, _last_stable = answer.int16(), answer.int64(), answer.int64()
    for _ in range(max(answer.int32(), 0)):  # aborted transactions
        answer.take(16)
    return error, high_watermark, answer.blob()


def records(data: bytes) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Offset, key and value of every record in whole batches; the last batch may have been cut off."""
    reader = Reader(data)
    while len(data) - reader.at >= 61:
        base_offset, length = reader.int64(), reader.int32()
        if len(data) - reader.at < length:
            return
        one = Reader(reader.take(length))
        one.take(4 + 1 + 4)  # leader epoch, magic, checksum
        (attributes,) = struct.unpack(">h", one.take(2))
        assert not attributes & 7, "compressed: another chapter"
        one.take(4 + 8 + 8 + 8 + 2 + 4)
        for _ in range(one.int32()):
            one.varint()
            one.int8()
            one.varint()
            delta = one.varint()
            key, value = (None if (size := one.varint()) < 0 else one.take(size) for _ in range(2))
            for _ in range(one.varint()):
                one.take(one.varint())
                one.take(max(one.varint(), 0))
            if not attributes & 32:  # a control batch is for clients themselves
                yield base_offset + delta, key, value


if __name__ == "__main__":
    broker, topic = Broker(sys.argv[1]), sys.argv[2]
    offset = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    while True:
        error, high_watermark, data = fetch(broker, topic, 0, offset)
        if error:
            raise SystemExit(f"error {error}")
        for at, key, value in records(data):
            if at >= offset:  # the first batch may begin before what was asked for
                print(f"{at}: {value.decode() if value is not None else None}")
                offset = at + 1
        if offset >= high_watermark:
            break
