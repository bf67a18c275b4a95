"""Which pieces of a log are to be compacted, and when. Pure: extents, offsets and times in, a decision out.

    start        first_dirty                  end            stable end, or the growing piece
      |  clean     |   dirty, to be learned   |  not yet     |
      +------------+--------------------------+--------------+

What lies below `first_dirty` was compacted before: no key is in it twice. A run learns the last offset of each key in
the dirty pieces, and then writes all pieces up to the end anew, some neighbours into one. Who walks the batches lives
above: this package does not look into them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .engine import Extent


class Dirt(NamedTuple):
    """Bytes below `end`, by whether a run has seen them."""

    clean: int
    dirty: int
    end: int

    @property
    def ratio(self) -> float:
        return self.dirty / (self.clean + self.dirty) if self.dirty else 0.0


def measure(extents: Sequence[Extent], first_dirty: int, stable_end: int, young_ms: int) -> Dirt:
    """What could be compacted: sealed pieces below `stable_end`, the dirty ones of them no younger than `young_ms`."""
    clean = dirty = 0
    end = first_dirty
    for extent in extents:
        if not extent.sealed or extent.end > stable_end:
            break
        if extent.end <= first_dirty:
            clean += extent.size
        elif extent.newest_ms > young_ms:
            break
        else:
            dirty += extent.size
            end = extent.end
    return Dirt(clean, dirty, end)


def blocked_until(extents: Sequence[Extent], dirt: Dirt, stable_end: int, lag_ms: int) -> int | None:
    """When the first dirty piece that is too young now will be old enough; None if there is none."""
    following = next((extent for extent in extents if extent.end > dirt.end), None)
    if following is None or not following.sealed or following.end > stable_end:
        return None
    return following.newest_ms + lag_ms


def groups(extents: Sequence[Extent], end: int, most_bytes: int) -> list[list[Extent]]:
    """The sealed pieces that begin below `end`, as runs of neighbours that fit into one piece of `most_bytes`."""
    found: list[list[Extent]] = []
    size = 0
    for extent in extents:
        if not extent.sealed or extent.base >= end:
            break
        if not found or size + extent.size > most_bytes:
            found.append([])
            size = 0
        found[-1].append(extent)
        size += extent.size
    return found
