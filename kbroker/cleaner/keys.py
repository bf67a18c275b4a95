"""The last offset of each key of the dirty part of a log.

A key is kept as a 16-byte hash (xxh3), so that long keys take no more than short ones; two keys with the same hash are
not to be expected in the life of the universe. The table is bounded: when it is full the run compacts with what it has
learned, and then goes on learning from there (several passes).
"""

from __future__ import annotations

from collections.abc import Callable


class Keys:
    """See the file's story."""

    __slots__ = ("_hash", "_last", "most")

    def __init__(self, most: int) -> None:
        from xxhash import xxh3_128_intdigest

        self.most = most
        self._hash: Callable[[bytes], int] = xxh3_128_intdigest
        self._last: dict[int, int] = {}

    def learn(self, key: bytes, offset: int) -> None:
        """Offsets rise."""
        self._last[self._hash(key)] = offset

    def last(self, key: bytes) -> int:
        """Where the key stands last, -1 for one that was not learned."""
        return self._last.get(self._hash(key), -1)

    @property
    def is_full(self) -> bool:
        return len(self._last) >= self.most
