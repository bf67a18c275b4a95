"""Who waits for a partition to move: parked fetches, produce requests with acks=all that a replica holds up, and fetch
sessions, which look at a partition again only when they have heard that it moved.

Each partition knows its own waiters, so an append wakes those that wait for it and looks at no others. Sessions are
told once and have to ask again: a partition that nobody reads for a while tells each of them of its first append only.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Moved = Callable[[int], object]
"""Told how many bytes more can be read; 0 when something else has changed (leader, start, deletion)."""


class Waiters:
    """`watch` lasts until `unwatch`; `once` until then or the next move; `at` is for one offset, once. `len` counts
    whom somebody waits for: not those of `once`."""

    __slots__ = ("_commits", "_once", "_order", "_watching")

    def __init__(self) -> None:
        self._watching: dict[object, Moved] = {}
        self._once: dict[object, Moved] = {}
        self._commits: list[tuple[int, int, Callable[[], object]]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._watching) + len(self._commits)

    def watch(self, key: object, moved: Moved) -> None:
        self._watching[key] = moved

    def unwatch(self, key: object) -> None:
        self._watching.pop(key, None)

    def once(self, key: object, moved: Moved) -> None:
        """Call at the next move, after those who watch, and no more; it may begin to watch."""
        self._once[key] = moved

    def not_once(self, key: object) -> None:
        self._once.pop(key, None)

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
        if self._once:
            self._tell_once(size)
        commits = self._commits
        while commits and commits[0][0] <= high_watermark:
            heappop(commits)[2]()

    def changed(self) -> None:
        """Something else is not as it was: everybody looks again."""
        for moved in list(self._watching.values()):
            moved(0)
        self._tell_once(0)
        commits, self._commits = self._commits, []
        for _, _, reached in commits:
            reached()

    def closed(self) -> None:
        """It can neither be written nor read for a moment; `changed` says when that is over. Who is parked waits for
        that; a session that asks meanwhile has to look."""
        self._tell_once(0)

    def _tell_once(self, size: int) -> None:
        telling, self._once = self._once, {}
        for moved in telling.values():
            moved(size)
