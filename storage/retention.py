"""Where a log should begin: what may go by age and by size. Pure.

Both look at whole pieces, from the front, and stop at the first one that stays (Kafka: UnifiedLog.deleteOldSegments).
The last piece may go too, growing or not, once all of it is old. A piece is as old as its newest batch; one whose
batches bear no time as old as its file; and one that compaction has emptied goes with the next that goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from .engine import Extent

FOREVER = -1


def by_age(extents: Sequence[Extent], start: int, limit: int, keep_ms: int, now: int) -> int:
    """The new start; `limit` is an offset that it may not pass, `keep_ms` FOREVER keeps all."""
    for extent in extents if keep_ms != FOREVER else ():
        if not extent.size:
            continue
        if extent.end > limit or extent.newest_ms < 0 or now - extent.newest_ms <= keep_ms:
            break
        start = max(start, extent.end)
    return start


def by_size(extents: Sequence[Extent], start: int, limit: int, keep_bytes: int) -> int:
    """The new start that leaves at least `keep_bytes`, FOREVER for no limit."""
    left = [extent for extent in extents if extent.end > start]
    excess = sum(extent.size for extent in left) - keep_bytes
    for extent in left if keep_bytes != FOREVER else ():
        if extent.end > limit or excess < extent.size or not excess:
            break
        excess -= extent.size
        start = max(start, extent.end)
    return start


def due(extents: Sequence[Extent], keep_ms: int) -> int | None:
    """When the first piece will be too old; None for never, as long as nothing is written."""
    first = next((extent for extent in extents if extent.size), None)
    if first is None or keep_ms == FOREVER or first.newest_ms < 0:
        return None
    return first.newest_ms + keep_ms + 1
