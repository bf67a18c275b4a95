"""Which partition of `__consumer_offsets` a group lives in.

Clients never compute this, but tools that read the topic do, and a log may be compared with Kafka's: so it is Java's
own string hash over UTF-16 code units, made positive by `Utils.abs`, for which the one number without a positive
counterpart is 0. (Seen: the group "simple", whose hash is -902286926, lives in partition 26 of 50.)
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import iter_unpack

_SMALLEST = 1 << 31


def java_hash(text: str) -> int:
    """`String.hashCode()`, a signed 32-bit number."""
    value = 0
    units: Iterable[int] = text.encode() if text.isascii() else _units(text)
    for unit in units:
        value = (31 * value + unit) & 0xFFFFFFFF
    return value - (1 << 32) if value >= _SMALLEST else value


def _units(text: str) -> list[int]:
    return [unit for (unit,) in iter_unpack("<H", text.encode("utf-16-le", "surrogatepass"))]


def partition_of(group_id: str, partitions: int) -> int:
    positive = abs(java_hash(group_id))
    return 0 if positive == _SMALLEST else positive % partitions
