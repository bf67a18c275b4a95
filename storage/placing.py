"""What every engine decides in the same way: how a write lies in its log, and when a log begins a new piece.

Of a batch's header only four fields matter here: base offset, length, last offset delta, max timestamp.
"""

from __future__ import annotations

from itertools import pairwise
from struct import Struct

from wire.batch import BATCH_OVERHEAD

from .engine import NAME, Buffer, Extent, LogOptions, Now, Place, Placed, Write

PLACE = Struct(">qi11xi8xq")
"""base offset, length, last offset delta, max timestamp"""
PREFIX = 12
"""The bytes that a batch's own length does not count."""

FOREVER = (1 << 63) - 1
"""No timestamp is later."""

_unpack = PLACE.unpack_from


def place(buffer: Buffer, at: int = 0) -> Placed:
    """Read the four fields of the batch that begins there."""
    base_offset, length, delta, max_timestamp = _unpack(buffer, at)
    return Placed(base_offset, base_offset + delta + 1, length + PREFIX, max_timestamp)


def measure(write: Write) -> None:
    """Note where each batch of a write lies; a ValueError if they are not what rule 4 asks."""
    expected = write.expected_end
    placed: list[Place] = []
    total, latest = 0, -1
    for batch in write.batches:
        size = len(batch)
        if size < BATCH_OVERHEAD:
            raise ValueError(f"{size} bytes are no batch (write at {expected} of log {write.log})")
        base_offset, length, delta, max_timestamp = _unpack(batch)
        if base_offset != expected or length + PREFIX != size or delta < 0:
            raise ValueError(
                f"a batch at {base_offset} with {length + PREFIX} bytes in a buffer of {size} does not follow "
                f"{expected} of log {write.log}"
            )
        expected += delta + 1
        placed.append((base_offset, expected, size, max_timestamp))
        total += size
        if max_timestamp > latest:
            latest = max_timestamp
    if not placed:
        raise ValueError(f"a write without batches to log {write.log}")
    write.placed = placed
    write.end, write.size, write.max_timestamp = expected, total, latest


def check_name(log: str) -> str:
    """A log's name; a ValueError for anything else."""
    if NAME.fullmatch(log) is None:
        raise ValueError(f"{log!r} cannot be the name of a log")
    return log


def room(options: LogOptions, size: int, first_timestamp: int, created_ms: int, now: Now) -> tuple[int, int]:
    """What a growing piece still takes: so many bytes, and up to which max timestamp (Kafka: LogSegment.shouldRoll).
    It is as old as its batches say, from the first one to the one that comes; without timestamps the clock. An empty
    piece takes any one write, whatever this says."""
    left = options.segment_bytes - size
    if first_timestamp >= 0:
        return left, first_timestamp + options.segment_ms
    return left if now() - created_ms <= options.segment_ms else 0, FOREVER


def adjacent(extents: list[Extent]) -> bool:
    """Whether they are sealed neighbours, as a rewrite needs them."""
    return bool(extents) and all(e.sealed for e in extents) and all(a.end == b.base for a, b in pairwise(extents))
