"""The index of one segment: where batches lie, by offset and by time, without reading them.

One entry for the first batch, then for the first batch that begins 4 KiB or more behind the last entry; big batches
thus have an entry each. An entry is three numbers: the batch's base offset, its position in the file, and the
greatest max timestamp of all batches before the next entry (so it never falls, and finding a time is a bisection
too). For the newest batches, which most readers want, every boundary is known (`_recent`).

On disk it is a file beside the segment, native to no machine: a header of 72 bytes, then the three columns,
little-endian.

    4s  "KBX1"                     q  greatest max timestamp, -1 without any
    B   1: sealed, 0: a prefix     q  max timestamp of the first batch
    3x                             q  number of entries
    q   base offset                I  CRC-32 of the columns
    q   end offset                 I  CRC-32 of the header before this field
    q   bytes of the segment

The file is written after the bytes that it describes are synced. So a sealed index whose size is that of its segment
says that the segment needs no reading at start, and an index of a prefix says from where on it does.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from ..engine import Place

INTERVAL_BYTES = 4096
RECENT = 1024
HEADER = Struct("<4sB3xqqqqqqI")
CRC = Struct("<I")
HEADER_SIZE = HEADER.size + CRC.size
MAGIC = b"KBX1"


class Boundary(NamedTuple):
    """A place in a segment where a batch begins, or the segment ends."""

    position: int
    offset: int


class Summary(NamedTuple):
    """What an index file's header says."""

    sealed: bool
    base: int
    end: int
    size: int
    max_timestamp: int
    first_timestamp: int
    entries: int
    crc: int


class Index:
    """See the file's story. Batches are added in the order of the file."""

    __slots__ = ("_bases", "_next", "_positions", "_recent", "_recent_positions", "_times")

    def __init__(self) -> None:
        self._bases = array("q")
        self._positions = array("q")
        self._times = array("q")
        self._next = 0
        """From this position on a batch gets an entry."""
        self._recent: list[int] = []
        self._recent_positions: list[int] = []

    def add(self, places: Sequence[Place], position: int) -> tuple[int, int]:
        """Batches that lie one behind the other from that position on. Where they end, and the greatest timestamp."""
        bases, positions, latest = self._recent, self._recent_positions, -1
        for base_offset, _, size, max_timestamp in places:
            if max_timestamp > latest:
                latest = max_timestamp
            if position >= self._next:
                self._next = position + INTERVAL_BYTES
                greatest = self._times[-1] if self._times else -1
                self._bases.append(base_offset)
                self._positions.append(position)
                self._times.append(max(greatest, max_timestamp))
            elif max_timestamp > self._times[-1]:
                self._times[-1] = max_timestamp
            bases.append(base_offset)
            positions.append(position)
            position += size
        if len(bases) > RECENT:
            del bases[: -RECENT // 2], positions[: -RECENT // 2]
        return position, latest

    def at_offset(self, offset: int) -> Boundary:
        """The last known boundary at or below an offset; the segment's first one if there is none."""
        recent = self._recent
        if recent and offset >= recent[0]:
            at = bisect_right(recent, offset) - 1
            return Boundary(self._recent_positions[at], recent[at])
        at = max(bisect_right(self._bases, offset) - 1, 0)
        return Boundary(self._positions[at], self._bases[at])

    def at_position(self, position: int) -> Boundary:
        """The last known boundary at or before a position."""
        recent = self._recent_positions
        if recent and position >= recent[0]:
            at = bisect_right(recent, position) - 1
            return Boundary(recent[at], self._recent[at])
        at = max(bisect_right(self._positions, position) - 1, 0)
        return Boundary(self._positions[at], self._bases[at])

    def at_time(self, at_ms: int) -> int:
        """The position from which on the first batch with that max timestamp or a later one is to be looked for."""
        at = bisect_left(self._times, at_ms)
        return self._positions[at] if at < len(self._positions) else sys.maxsize

    def encode(self, sealed: bool, base: int, end: int, size: int, max_timestamp: int, first_timestamp: int) -> bytes:
        body = b"".join(_little(column).tobytes() for column in (self._bases, self._positions, self._times))
        header = HEADER.pack(
            MAGIC, sealed, base, end, size, max_timestamp, first_timestamp, len(self._bases), crc32(body)
        )
        return header + CRC.pack(crc32(header)) + body

    @classmethod
    def decode(cls, data: bytes, summary: Summary) -> Index | None:
        """The columns of a whole index file, None if they are damaged."""
        body = data[HEADER_SIZE:]
        if len(body) != summary.entries * 24 or crc32(body) != summary.crc:
            return None
        index = cls()
        width = summary.entries * 8
        for at, name in enumerate(("_bases", "_positions", "_times")):
            column = array("q")
            column.frombytes(body[at * width : (at + 1) * width])
            setattr(index, name, _little(column))
        if index._positions:
            index._next = index._positions[-1] + INTERVAL_BYTES
        return index


def _little(column: array[int]) -> array[int]:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column


def summarize(data: bytes) -> Summary | None:
    """The header of an index file, None if it is damaged."""
    if len(data) < HEADER_SIZE or CRC.unpack_from(data, HEADER.size)[0] != crc32(data[: HEADER.size]):
        return None
    magic, sealed, *rest = HEADER.unpack_from(data)
    return Summary(bool(sealed), *rest) if magic == MAGIC else None
