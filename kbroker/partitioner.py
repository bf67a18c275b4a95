"""Which partition a record goes to.

The Java client and those that follow it hash keys with murmur2 (its own seed, the sign bit cut off); librdkafka's
default is a CRC32 of the key. A producer that puts keys elsewhere than its neighbours tears the order of each key
apart, so a tool must be able to do either.

    murmur2             Java's default; librdkafka's murmur2_random
    consistent_random   librdkafka's default, also confluent-kafka in Python and Go, kafka-node
    fnv1a               librdkafka's fnv1a_random, Sarama's
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C
_WORD = 0xFFFF_FFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash of org.apache.kafka.common.utils.Utils.murmur2, as an unsigned number."""
    h = _SEED ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _MULTIPLIER & _WORD
        k = (k ^ k >> 24) * _MULTIPLIER & _WORD
        h = h * _MULTIPLIER & _WORD ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _MULTIPLIER & _WORD
    h = (h ^ h >> 13) * _MULTIPLIER & _WORD
    return h ^ h >> 15


def fnv1a(data: bytes) -> int:
    h = 0x811C9DC5
    for byte in data:
        h = (h ^ byte) * 0x01000193 & _WORD
    return h


def by_murmur2(key: bytes, partitions: int) -> int:
    return (murmur2(key) & 0x7FFF_FFFF) % partitions


def _by_crc32(key: bytes, partitions: int) -> int:
    return crc32(key) % partitions


def _by_fnv1a(key: bytes, partitions: int) -> int:
    """librdkafka takes the hash as a signed number, and its distance from zero."""
    h = fnv1a(key)
    return (h if h < 1 << 31 else (1 << 32) - h) % partitions


PARTITIONERS: dict[str, Callable[[bytes, int], int]] = {
    "murmur2": by_murmur2,
    "consistent_random": _by_crc32,
    "fnv1a": _by_fnv1a,
}
