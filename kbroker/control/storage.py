"""A disk that misbehaves: full, slow, and one that loses at a crash what was never synced.

Full and slow stand in the place of the engine's own `submit`, so they are there in memory too, and cost nothing when
they are off. For `crash` the files of the data are watched: how much of each was synced.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storage.disk.files import RealFiles
from storage.engine import Failed, LogFailed, Write

if TYPE_CHECKING:
    from kbroker.cluster import Cluster


class Disk:
    """What is wrong with the disk of a broker. An engine that takes another's place begins healthy."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._engine: Any = None
        self._submit: Callable[[Write], None]
        self._late: deque[Write] = deque()
        self.is_full = False
        self.delay_ms = 0

    def set(self, *, is_full: bool | None = None, delay_ms: int | None = None) -> None:
        self.is_full = self.is_full if is_full is None else is_full
        self.delay_ms = self.delay_ms if delay_ms is None else delay_ms
        self._heal()
        if self.is_full or self.delay_ms:
            self._engine = self._cluster.engine
            self._submit = self._engine.submit
            self._engine.submit = self._refuse if self.is_full else self._delay

    def _heal(self) -> None:
        """What waits is written before anything that comes."""
        if self._engine is not None:
            self._engine.submit = self._submit
            self._engine = None
            while self._late:
                self._submit(self._late.popleft())

    def _refuse(self, write: Write) -> None:
        failed = Failed(LogFailed(f"cannot write log {write.log}: {os.strerror(errno.ENOSPC)}"))
        self._cluster.world.soon(write.answered, failed)

    def _delay(self, write: Write) -> None:
        self._late.append(write)
        self._cluster.world.later(self.delay_ms / 1000, self._next, write)

    def _next(self, write: Write) -> None:
        """Written in the order in which they came, whichever timer rings first."""
        if write in self._late:
            while self._late:
                first = self._late.popleft()
                self._submit(first)
                if first is write:
                    break


class WatchedFiles(RealFiles):
    """The real disk, which knows how much of each file has been synced."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[int, str] = {}
        self._synced: dict[str, int] = {}

    def open(self, path: str, create: bool = False) -> int:
        handle = super().open(path, create)
        self._paths[handle] = path
        self._synced.setdefault(path, self.size(handle))  # what an earlier life has left is safe
        return handle

    def close(self, handle: int) -> None:
        self._paths.pop(handle, None)
        super().close(handle)

    def fdatasync(self, handle: int) -> None:
        size = self.size(handle)
        super().fdatasync(handle)
        path = self._paths.get(handle)
        if path is not None:
            self._synced[path] = max(size, self._synced.get(path, 0))

    def lock(self, path: str) -> int:
        """The lock is no data."""
        handle = super().lock(path)
        self._synced.pop(path, None)
        return handle

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._synced[new] = self._synced.pop(old, 0)

    def unlink(self, path: str) -> None:
        super().unlink(path)
        self._synced.pop(path, None)

    def safe(self) -> dict[str, int]:
        """How much of each file a crash would leave."""
        return dict(self._synced)


def unsynced_bytes(safe: Mapping[str, int]) -> int:
    """How much a crash would lose now."""
    return sum(max(0, os.stat(path).st_size - size) for path, size in safe.items() if os.path.exists(path))


def forget_unsynced(safe: Mapping[str, int]) -> None:
    """Cut every file to what was safe."""
    for path, size in safe.items():
        if os.path.exists(path) and os.stat(path).st_size > size:
            os.truncate(path, size)
