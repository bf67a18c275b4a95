"""Chapter 5: compressed batches, there and back.

python 5_compression.py 127.0.0.1:9092 TOPIC
"""

import gzip
import importlib
import sys

from frames import Broker

produce, batch = (getattr(importlib.import_module("3_produce"), name) for name in ("produce", "batch"))
fetch, batches, records = (
    getattr(importlib.import_module("4_fetch"), name) for name in ("fetch", "batches", "records")
)

CODECS = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
GZIP = 1
CODEC = 0b111  # the lowest three bits of a batch's attributes
broker, topic = Broker(sys.argv[1]), sys.argv[2]


def compress(data: bytes) -> bytes:
    """As a file of gzip, with no time in it."""
    return gzip.compress(data, mtime=0)


def unfold(one) -> bytes:  # type: ignore[no-untyped-def]
    """The plain records of a batch."""
    codec = one.attributes & CODEC
    if codec not in (0, GZIP):
        raise SystemExit(f"a batch in {CODECS.get(codec, codec)}, for which Python has nothing built in")
    return gzip.decompress(one.records) if codec else one.records


values = [f"order {number}: one espresso, no sugar, to go".encode() for number in range(1, 21)]
plain, packed = batch(values), batch(values, attributes=GZIP, compress=compress)
print(f"{len(values)} records: a batch of {len(plain)} bytes, or of {len(packed)} with gzip")

error, offset = produce(broker, topic, 0, packed)
assert error == 0, f"error {error}"
got = fetch(broker, topic, 0, offset)
(one,) = batches(got.data)
print(f"read back: attributes {one.attributes}, {CODECS[one.attributes & CODEC]}, {len(one.records)} bytes of records")
assert packed[16:] == got.data[16 : len(packed)], "the broker has changed what it must not"
read = [value for _, _, value in records(one, unfold(one))]
assert read == values
print(f"{len(read)} records, the last of them: {read[-1].decode()}")

error, _ = produce(broker, topic, 0, batch(values, attributes=CODEC))
print(f"a codec that there is not: error {error}")
assert error != 0
