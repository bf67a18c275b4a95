"""A disk that misbehaves: full, slow, and one that loses at a crash what was never synced.

Full and slow stand in the place of the engine's own `append` and `submit`, so they are there in memory too, and cost
nothing when they are off. For `crash` the files of the data are watched: how much of each was synced.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from storage.disk.files import RealFiles
from storage.engine import Failed, LogFailed, Outcome, Write

if TYPE_CHECKING:
    from kbroker.cluster import Cluster


class Disk:
    """What is wrong with the disk of a broker. An engine that takes another's place begins healthy."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._engine: Any = None
        self.is_full = False
        self.delay_ms = 0

    def set(self, *, is_full: bool | None = None, delay_ms: int | None = None) -> None:
        self.is_full = self.is_full if is_full is None else is_full
        self.delay_ms = self.delay_ms if delay_ms is None else delay_ms
        self._heal()
        if self.is_full or self.delay_ms:
            engine: Any = self._cluster.engine
            self._engine = engine
            engine.append = partial(self._append, engine.append)
            engine.submit = partial(self._submit, engine.submit)

    def _heal(self) -> None:
        if self._engine is not None:
            del self._engine.append, self._engine.submit
            self._engine = None

    def _append(
        self, append: Callable[[Sequence[Write]], asyncio.Future[list[Outcome]]], writes: Sequence[Write]
    ) -> asyncio.Future[list[Outcome]]:
        world = self._cluster.world
        if self.is_full:
            answer: asyncio.Future[list[Outcome]] = world.future()
            answer.set_result([_full(write) for write in writes])
            return answer
        done = append(writes)
        later: asyncio.Future[list[Outcome]] = world.future()
        world.later(self.delay_ms / 1000, lambda: done.add_done_callback(lambda _: later.set_result(done.result())))
        return later

    def _submit(self, submit: Callable[[Any], None], write: Any) -> None:
        if self.is_full:
            self._cluster.world.soon(write.answered, _full(write))
        else:
            submit(_Slow(write, self._cluster, self.delay_ms))


def _full(write: Write) -> Failed:
    return Failed(LogFailed(f"cannot write log {write.log}: {os.strerror(errno.ENOSPC)}"))


class _Slow:
    """A write whose answer takes its time. What the engine notes on it, it notes on the write itself."""

    __slots__ = ("_cluster", "_delay_ms", "_write")

    def __init__(self, write: Any, cluster: Cluster, delay_ms: int) -> None:
        object.__setattr__(self, "_write", write)
        object.__setattr__(self, "_cluster", cluster)
        object.__setattr__(self, "_delay_ms", delay_ms)

    def answered(self, outcome: Outcome) -> None:
        self._cluster.world.later(self._delay_ms / 1000, self._write.answered, outcome)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._write, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._write, name, value)


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
