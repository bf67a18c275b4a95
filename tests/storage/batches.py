"""Batches for the tests of storage: a true header with a true CRC, and a body that means nothing."""

from __future__ import annotations

from wire.batch import HEADER, write_crc


def batch(base: int, count: int = 1, *, size: int = 100, timestamp: int = -1, fill: int = 0) -> bytes:
    """One batch over [base, base + count), `size` bytes in all."""
    header = HEADER.pack(base, size - 12, 0, 2, 0, 0, count - 1, timestamp, timestamp, -1, -1, -1, count)
    buffer = bytearray(header + bytes([fill % 256]) * (size - len(header)))
    write_crc(buffer)
    return bytes(buffer)
