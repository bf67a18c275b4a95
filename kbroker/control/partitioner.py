"""Which partition a key belongs to: murmur2 modulo the count, as the Java client's partitioner has it. A test that
produces here and one that produces with a client find the same key in the same partition. (librdkafka's default is
another one, `consistent_random`; its `murmur2_random` is this.)
"""

from __future__ import annotations

_M, _R, _SEED = 0x5BD1E995, 24, 0x9747B28C
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """32 bits, unsigned; Kafka's `Utils.murmur2`."""
    length = len(data)
    value = (_SEED ^ length) & _MASK
    whole = length & ~3
    for at in range(0, whole, 4):
        k = (int.from_bytes(data[at : at + 4], "little") * _M) & _MASK
        k ^= k >> _R
        value = ((value * _M) & _MASK) ^ ((k * _M) & _MASK)
    if length & 3:
        value ^= int.from_bytes(data[whole:], "little")
        value = (value * _M) & _MASK
    value ^= value >> 13
    value = (value * _M) & _MASK
    return value ^ (value >> 15)


def partition_for(key: bytes | None, partitions: int) -> int:
    """The partition of a key; of none, the first."""
    return 0 if key is None else (murmur2(key) & 0x7FFFFFFF) % partitions
