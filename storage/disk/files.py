"""The real disk: every file access of the house, and the one thread for the calls that wait.

`RealFiles` keeps the `Files` protocol of `engine.py`. Most calls are made on the loop: they end in the page cache and
take microseconds. What waits for the device (fdatasync, fsync of a directory, unlinking big files) goes through
`background`, to one thread that is started when first needed and ends when it has been idle; it only ever runs calls
that release the GIL, since a busy Python thread beside the loop costs it milliseconds.

Windows has neither mapping that survives an unlink nor positioned reads: there `maps` is False, and a handle is read
through its own position. macOS keeps what fdatasync should force in the drive's cache: there F_FULLFSYNC is asked
for.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ..engine import Buffer, Locked

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")
Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]

IDLE_S = 10.0
"""So long the thread waits for more before it ends."""
IOV_MAX = 1024
MAPPED_BYTES = 1 << 20
"""Longer files are mapped when they are only looked at."""
_READ = os.O_RDWR | getattr(os, "O_BINARY", 0)


class RealReader:
    """See `inspect.Reader`: the real disk, only read, also where nothing may be written."""

    def list_dir(self, path: str) -> list[tuple[str, bool]]:
        with os.scandir(path) as entries:
            return [(entry.name, entry.is_dir()) for entry in entries]

    def size(self, path: str) -> int:
        return os.stat(path).st_size

    def read(self, path: str, limit: int | None = None) -> Buffer | None:
        import mmap

        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            return None
        try:
            size = os.fstat(handle).st_size
            if limit is not None or size < MAPPED_BYTES:
                return os.read(handle, size if limit is None else limit)
            return memoryview(mmap.mmap(handle, size, access=mmap.ACCESS_READ))
        finally:
            os.close(handle)

    def is_alive(self, process: int) -> bool:
        """Whether there is such a process; True where that cannot be told."""
        if sys.platform == "win32":
            return True
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True


class RealFiles:
    """See `engine.Files`."""

    def __init__(self) -> None:
        self.maps = sys.platform != "win32"
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._alive = False

    def open(self, path: str, create: bool = False) -> int:
        return os.open(path, _READ | os.O_CREAT if create else _READ, 0o644)

    def close(self, handle: int) -> None:
        os.close(handle)

    def size(self, handle: int) -> int:
        return os.fstat(handle).st_size

    def modified_ms(self, path: str) -> int:
        try:
            return os.stat(path).st_mtime_ns // 1_000_000
        except OSError:
            return -1

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def make_dirs(self, path: str) -> None:
        if not os.path.isdir(path):
            parent = os.path.dirname(path)
            if parent != path:
                self.make_dirs(parent or ".")
            try:
                os.mkdir(path)
            except FileExistsError:
                return
            self.fsync_dir(parent or ".")

    def remove_dir(self, path: str) -> None:
        os.rmdir(path)

    def list_dir(self, path: str) -> list[tuple[str, bool]]:
        with os.scandir(path) as entries:
            return [(entry.name, entry.is_dir()) for entry in entries]

    def map(self, handle: int, size: int) -> memoryview:
        import mmap

        return memoryview(mmap.mmap(handle, size, access=mmap.ACCESS_READ))

    if sys.platform == "win32":

        def pread(self, handle: int, size: int, position: int) -> bytes:
            os.lseek(handle, position, os.SEEK_SET)
            return os.read(handle, size)

        def pwritev(self, handle: int, buffers: Sequence[Buffer], position: int) -> int:
            os.lseek(handle, position, os.SEEK_SET)
            return os.write(handle, b"".join(buffers))

        def fdatasync(self, handle: int) -> None:
            os.fsync(handle)

        def fsync_dir(self, path: str) -> None:
            """Directories are not opened here; NTFS keeps its names by its own journal."""

        def lock(self, path: str) -> int:
            handle = self.open(path, create=True)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            except OSError:
                os.close(handle)
                raise Locked(f"the data directory {os.path.dirname(path)} is in use by another process") from None
            return handle

        def space(self, path: str) -> tuple[int, int]:
            import shutil

            usage = shutil.disk_usage(path)
            return usage.total, usage.free

    else:

        def pread(self, handle: int, size: int, position: int) -> bytes:
            return os.pread(handle, size, position)

        def pwritev(self, handle: int, buffers: Sequence[Buffer], position: int) -> int:
            return os.pwritev(handle, buffers[:IOV_MAX], position)

        def fdatasync(self, handle: int) -> None:
            if sys.platform == "darwin":
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            else:
                os.fdatasync(handle)

        def fsync_dir(self, path: str) -> None:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

        def lock(self, path: str) -> int:
            handle = self.open(path, create=True)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
                os.close(handle)
                who = f"process {owner}" if owner.isdigit() else "another process"
                raise Locked(f"the data directory {os.path.dirname(path)} is in use by {who}") from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, b"%d\n" % os.getpid(), 0)
            return handle

        def space(self, path: str) -> tuple[int, int]:
            stat = os.statvfs(path)
            return stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize

    def background(self, call: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            self._jobs.put((loop, future, call))
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._work, name="kbroker-disk", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            try:
                loop, future, call = self._jobs.get(timeout=IDLE_S)
            except Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._alive = False
                        return
                continue
            try:
                settle, value = future.set_result, call()
            except BaseException as error:
                settle, value = future.set_exception, error
            try:
                loop.call_soon_threadsafe(_settle, future, settle, value)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue
            finally:
                del loop, future, call, settle, value


def _settle(future: asyncio.Future[Any], settle: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        settle(value)
