"""A disk that forgets: `Files` in memory, where only what was synced is sure to be there after the power fails.

Every file has its bytes as the process sees them, and its bytes as the platter has them, with the writes in between;
every directory has its names in the same two ways. A crash may come at any call, also in the middle of a write. Then

- `killed()` is the disk after the death of the process: all that was written is there, the last write perhaps in part;
- `unplugged(rng)` is the disk after a power failure: of each file and each directory a prefix of the unsynced changes,
  the last write torn: cut short, or as long as it was but with zeros for bytes.

After the crash every call raises Crash: a dead process does nothing more. Besides, calls can be told to fail once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from storage.engine import Buffer, Locked

T = TypeVar("T")
Change = tuple[int, bytes | None]
"""A write at a position, or with None a truncation to it."""


class Crash(BaseException):
    """The power is gone."""


class Inode:
    """One file's bytes."""

    def __init__(self, data: bytes = b"") -> None:
        self.live = bytearray(data)
        self.synced = bytes(data)
        self.changes: list[Change] = []

    def change(self, change: Change) -> None:
        _apply(self.live, change)
        self.changes.append(change)

    def sync(self) -> None:
        self.synced = bytes(self.live)
        self.changes = []

    def after_power_failure(self, rng: random.Random) -> bytes:
        data = bytearray(self.synced)
        count = rng.randint(0, len(self.changes))
        for change in self.changes[:count]:
            _apply(data, change)
        if count < len(self.changes):
            position, written = self.changes[count]
            if written:
                whole = rng.randint(0, len(written))
                rest = len(written) - whole
                zeros = rng.choice((0, rng.randint(0, rest)))
                zeros = rest if zeros > rest // 2 else zeros  # mostly the size of a file is known before its bytes are
                _apply(data, (position, written[:whole] + bytes(zeros)))
        return bytes(data)


def _apply(data: bytearray, change: Change) -> None:
    position, written = change
    if len(data) < position:
        data.extend(bytes(position - len(data)))
    if written is None:
        del data[position:]
    else:
        data[position : position + len(written)] = written


class Folder:
    """One directory's names."""

    def __init__(self, names: dict[str, Inode] | None = None) -> None:
        self.live = dict(names or {})
        self.synced = dict(names or {})
        self.changes: list[dict[str, Inode | None]] = []

    def change(self, change: dict[str, Inode | None]) -> None:
        """Several names at once, as a rename does it."""
        _rename(self.live, change)
        self.changes.append(change)

    def sync(self) -> None:
        self.synced = dict(self.live)
        self.changes = []


def _rename(names: dict[str, Inode], change: dict[str, Inode | None]) -> None:
    for name, inode in change.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


class SimFiles:
    """See the file's story."""

    maps = True

    def __init__(self, seed: int = 0) -> None:
        self.rng = random.Random(seed)
        self.folders: dict[str, Folder] = {"": Folder()}
        self.handles: dict[int, Inode] = {}
        self.calls = 0
        self.crash_at: int | None = None
        self.crashed = False
        self.whole_writes = True
        self.failures: list[tuple[str, str, OSError]] = []
        self.log: list[str] = []
        self._next_handle = 3
        self._locks: dict[int, str] = {}
        self._hops = 0

    # --- what tests do ---

    def fail(self, call: str, path: str, error: OSError) -> None:
        """The next such call on a path that contains this fails once (a write: after a part of it)."""
        self.failures.append((call, path, error))

    def killed(self) -> SimFiles:
        """The process is dead, the machine runs on: what was not synced still is not."""
        files = SimFiles(self.rng.randint(0, 1 << 30))
        for path, folder in self.folders.items():
            files.folders[path] = folder
        return files

    def unplugged(self, rng: random.Random) -> SimFiles:
        """The machine has lost its power."""
        files = SimFiles(self.rng.randint(0, 1 << 30))
        for path, folder in self.folders.items():
            names = dict(folder.synced)
            for change in folder.changes[: rng.randint(0, len(folder.changes))]:
                _rename(names, change)
            inodes = {name: Inode(inode.after_power_failure(rng)) for name, inode in names.items()}
            files.folders[path] = Folder(inodes)
        return files

    def paths(self) -> list[str]:
        return sorted(f"{path}/{name}" for path, folder in self.folders.items() for name in folder.live)

    def inode(self, path: str) -> Inode:
        folder, name = self._split(path)
        if name not in folder.live:
            raise FileNotFoundError(2, "no such file", path)
        return folder.live[name]

    # --- the protocol ---

    def _split(self, path: str) -> tuple[Folder, str]:
        head, _, name = path.rpartition("/")
        if head not in self.folders:
            raise FileNotFoundError(2, "no such directory", path)
        return self.folders[head], name

    def _call(self, call: str, path: str) -> bool:
        """One call; True if the power fails in the middle of it."""
        if self.crashed:
            raise Crash(call)
        self.calls += 1
        self.log.append(f"{call} {path}")
        if self.crash_at is not None and self.calls >= self.crash_at:
            self.crashed = True
        if not self.crashed:
            for failure in self.failures:
                if failure[0] == call and failure[1] in path and call != "pwritev":
                    self.failures.remove(failure)
                    raise failure[2]
        return self.crashed

    def _name(self, inode: Inode) -> str:
        for path, folder in self.folders.items():
            for name, other in folder.live.items():
                if other is inode:
                    return f"{path}/{name}"
        return "(gone)"

    def open(self, path: str, create: bool = False) -> int:
        dying = self._call("open", path)
        folder, name = self._split(path)
        if name not in folder.live:
            if not create:
                raise FileNotFoundError(2, "no such file", path)
            if not dying or self.rng.random() < 0.5:
                folder.change({name: Inode()})
        if dying:
            raise Crash("open")
        handle = self._next_handle
        self._next_handle += 1
        self.handles[handle] = folder.live[name]
        return handle

    def close(self, handle: int) -> None:
        if self.crashed:
            raise Crash("close")
        del self.handles[handle]
        self._locks.pop(handle, None)

    def size(self, handle: int) -> int:
        return len(self.handles[handle].live)

    def pread(self, handle: int, size: int, position: int) -> bytes:
        inode = self.handles[handle]
        if self._call("pread", self._name(inode) if self.failures else ""):
            raise Crash("pread")
        return bytes(inode.live[position : position + size])

    def pwritev(self, handle: int, buffers: Sequence[Buffer], position: int) -> int:
        inode = self.handles[handle]
        data = b"".join(buffers)
        path = self._name(inode)
        if self._call("pwritev", path):
            if part := data[: self.rng.randint(0, len(data))]:
                inode.change((position, part))
            raise Crash("pwritev")
        for failure in self.failures:
            if failure[0] == "pwritev" and failure[1] in path:
                self.failures.remove(failure)
                if part := data[: self.rng.randint(0, len(data))]:
                    inode.change((position, part))
                raise failure[2]
        if not self.whole_writes and len(data) > 1 and self.rng.random() < 0.3:
            data = data[: self.rng.randint(1, len(data))]
        inode.change((position, data))
        return len(data)

    def modified_ms(self, path: str) -> int:
        return -1  # there is no clock here

    def fdatasync(self, handle: int) -> None:
        inode = self.handles[handle]
        dying = self._call("fdatasync", self._name(inode))
        if not dying or self.rng.random() < 0.5:
            inode.sync()
        if dying:
            raise Crash("fdatasync")

    def truncate(self, handle: int, size: int) -> None:
        inode = self.handles[handle]
        dying = self._call("truncate", self._name(inode))
        if (not dying or self.rng.random() < 0.5) and len(inode.live) != size:
            inode.change((size, None))
        if dying:
            raise Crash("truncate")

    def map(self, handle: int, size: int) -> memoryview:
        if self._call("map", ""):
            raise Crash("map")
        return memoryview(bytes(self.handles[handle].live[:size]))

    def rename(self, old: str, new: str) -> None:
        dying = self._call("rename", new)
        folder, name = self._split(old)
        target, new_name = self._split(new)
        assert folder is target, "renames stay in their directory"
        if name not in folder.live:
            raise FileNotFoundError(2, "no such file", old)
        if not dying or self.rng.random() < 0.5:
            folder.change({name: None, new_name: folder.live[name]})
        if dying:
            raise Crash("rename")

    def unlink(self, path: str) -> None:
        dying = self._call("unlink", path)
        folder, name = self._split(path)
        if name not in folder.live:
            raise FileNotFoundError(2, "no such file", path)
        if not dying or self.rng.random() < 0.5:
            folder.change({name: None})
        if dying:
            raise Crash("unlink")

    def make_dirs(self, path: str) -> None:
        if self._call("make_dirs", path):
            raise Crash("make_dirs")
        while path and path not in self.folders:
            self.folders[path] = Folder()
            path = path.rpartition("/")[0]

    def remove_dir(self, path: str) -> None:
        if self._call("remove_dir", path):
            raise Crash("remove_dir")
        if path not in self.folders:
            raise FileNotFoundError(2, "no such directory", path)
        if self.folders[path].live or any(other.startswith(path + "/") for other in self.folders):
            raise OSError(39, "not empty", path)
        if not self.folders[path].changes:  # else it comes back with its names: as good as never removed
            del self.folders[path]

    def list_dir(self, path: str) -> list[tuple[str, bool]]:
        inside = {p[len(path) + 1 :].partition("/")[0] for p in self.folders if p.startswith(path + "/")}
        return [(name, True) for name in sorted(inside)] + [(name, False) for name in self.folders[path].live]

    def fsync_dir(self, path: str) -> None:
        dying = self._call("fsync_dir", path)
        if path in self.folders and (not dying or self.rng.random() < 0.5):
            self.folders[path].sync()
        if dying:
            raise Crash("fsync_dir")

    def lock(self, path: str) -> int:
        if path in self._locks.values():
            raise Locked(f"{path} is locked")
        handle = self.open(path, create=True)
        self._locks[handle] = path
        return handle

    def space(self, path: str) -> tuple[int, int]:
        return 1 << 40, 1 << 39

    def background(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """In a later turn of the loop, so that others come in between."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def run(hops: int) -> None:
            if hops:
                loop.call_soon(run, hops - 1)
                return
            try:
                future.set_result(call())
            except Crash:
                return
            except Exception as error:
                future.set_exception(error)

        loop.call_soon(run, self.rng.randint(0, 3))
        return future
