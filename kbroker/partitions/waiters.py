"""Who waits for a partition to move: parked fetches, and produce requests with acks=all that a replica holds up.

Each partition knows its own waiters, so an append wakes those that wait for it and looks at no others.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Moved = Callable[[int], object]
"""Told how many bytes more can be read; 0 when something else has changed (leader, start, deletion)."""


class Waiters:
    """`watch` lasts until `unwatch`; `at` is for one offset, once."""

    __slots__ = ("_commits", "_order", "_watching")

    def __init__(self) -> None:
        self._watching: dict[object, Moved] = {}
        self._commits: list[tuple[int, int, Callable[[], object]]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._watching) + len(self._commits)

    def watch(self, key: object, moved: Moved) -> None:
        self._watching[key] = moved

    def unwatch(self, key: object) -> None:
        self._watching.pop(key, None)

    def at(self, offset: int, reached: Callable[[], object]) -> None:
        """Call once, when the high watermark is at `offset` or beyond, or when something else has changed: who is
        called looks why, and must bear to be called after it has given up."""
        self._order += 1
        heappush(self._commits, (offset, self._order, reached))

    def moved(self, high_watermark: int, size: int) -> None:
        """The high watermark is here now, and `size` bytes more can be read."""
        if self._watching:
            for moved in list(self._watching.values()):
                moved(size)
        commits = self._commits
        while commits and commits[0][0] <= high_watermark:
            heappop(commits)[2]()

    def changed(self) -> None:
        """Something else is not as it was: everybody looks again."""
        for moved in list(self._watching.values()):
            moved(0)
        commits, self._commits = self._commits, []
        for _, _, reached in commits:
            reached()
