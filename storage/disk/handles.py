"""Open files and memory maps, each at most so many: the least recently used one is let go.

A pinned handle is in use by the disk thread and stays open until it is unpinned, also when its file is forgotten:
closing it would let its number be given to another file under the thread's hands. A map that is let go lives on until
its last view is gone (a memoryview holds it), so readers never notice.
"""

from __future__ import annotations

from collections.abc import Callable

from ..engine import Files


class Handles:
    """Handles by path."""

    def __init__(self, files: Files, limit: int) -> None:
        self._files = files
        self._limit = max(limit, 1)
        self._open: dict[str, int] = {}
        self._pins: dict[int, int] = {}
        self._closing: set[int] = set()

    def __len__(self) -> int:
        return len(self._open)

    def get(self, path: str, create: bool = False) -> int:
        """The file's handle, opened if it is not."""
        handle = self._open.pop(path, None)
        if handle is None:
            handle = self._files.open(path, create)
        self._open[path] = handle
        if len(self._open) > self._limit:
            self._shrink(path)
        return handle

    def _shrink(self, keep: str) -> None:
        for path, handle in self._open.items():
            if path != keep and handle not in self._pins:
                del self._open[path]
                self._files.close(handle)
                return

    def pin(self, path: str) -> int:
        handle = self.get(path)
        self._pins[handle] = self._pins.get(handle, 0) + 1
        return handle

    def unpin(self, handle: int) -> None:
        left = self._pins.pop(handle) - 1
        if left:
            self._pins[handle] = left
        elif handle in self._closing:
            self._closing.discard(handle)
            self._files.close(handle)

    def forget(self, path: str) -> None:
        """The file is gone, or will be."""
        handle = self._open.pop(path, None)
        if handle is not None:
            if handle in self._pins:
                self._closing.add(handle)
            else:
                self._files.close(handle)

    def close(self) -> None:
        for path in list(self._open):
            self.forget(path)


class Maps:
    """Maps of sealed files by path; whoever loses one is told, to drop what else it keeps for reading."""

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, 1)
        self._views: dict[str, tuple[memoryview, Callable[[], None]]] = {}

    def __len__(self) -> int:
        return len(self._views)

    def get(self, path: str) -> memoryview | None:
        found = self._views.pop(path, None)
        if found is None:
            return None
        self._views[path] = found
        return found[0]

    def put(self, path: str, view: memoryview, dropped: Callable[[], None]) -> None:
        self._views[path] = (view, dropped)
        if len(self._views) > self._limit:
            self.forget(next(iter(self._views)))

    def forget(self, path: str) -> None:
        found = self._views.pop(path, None)
        if found is not None:
            found[1]()

    def close(self) -> None:
        for path in list(self._views):
            self.forget(path)
