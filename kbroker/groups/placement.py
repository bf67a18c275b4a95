"""Which partition of `__consumer_offsets` a group lives in.

Clients never compute this, but tools that read the topic do, and a data set may be compared with Kafka's: so it is
Java's own string hash, over UTF-16 code units, with the sign bit cleared.
"""

from __future__ import annotations


def java_hash(text: str) -> int:
    """`String.hashCode()` as an unsigned 32-bit number."""
    value = 0
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H") if not text.isascii() else text.encode()
    for unit in units:
        value = (31 * value + unit) & 0xFFFFFFFF
    return value


def partition_of(group_id: str, partitions: int) -> int:
    return (java_hash(group_id) & 0x7FFFFFFF) % partitions
