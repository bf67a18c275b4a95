"""The real disk keeps its protocol."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from storage.disk.files import RealFiles
from storage.engine import Locked


def test_bytes_are_written_and_read_at_their_positions(tmp_path: Path) -> None:
    files = RealFiles()
    path = f"{tmp_path}/file"
    with pytest.raises(FileNotFoundError):
        files.open(path)
    handle = files.open(path, create=True)
    assert files.pwritev(handle, [b"ab", bytearray(b"cd"), memoryview(b"ef")], 3) == 6
    files.fdatasync(handle)
    assert files.size(handle) == 9
    assert files.pread(handle, 100, 2) == b"\0abcdef"
    files.truncate(handle, 4)
    assert files.pread(handle, 100, 0) == b"\0\0\0a"
    files.close(handle)


def test_a_write_of_too_many_buffers_is_a_short_write(tmp_path: Path) -> None:
    files = RealFiles()
    handle = files.open(f"{tmp_path}/file", create=True)
    assert files.pwritev(handle, [b"x"] * 5000, 0) == 1024
    files.close(handle)


def test_a_map_outlives_its_handle_and_its_name(tmp_path: Path) -> None:
    files = RealFiles()
    handle = files.open(f"{tmp_path}/file", create=True)
    files.pwritev(handle, [b"hello"], 0)
    view = files.map(handle, 5)
    files.close(handle)
    files.unlink(f"{tmp_path}/file")
    assert bytes(view[1:]) == b"ello"
    assert view.readonly


def test_names_are_made_listed_renamed_and_removed(tmp_path: Path) -> None:
    files = RealFiles()
    files.make_dirs(f"{tmp_path}/a/b")
    files.make_dirs(f"{tmp_path}/a/b")
    files.close(files.open(f"{tmp_path}/a/x", create=True))
    files.close(files.open(f"{tmp_path}/a/y", create=True))
    files.rename(f"{tmp_path}/a/x", f"{tmp_path}/a/y")
    files.fsync_dir(f"{tmp_path}/a")
    assert sorted(files.list_dir(f"{tmp_path}/a")) == [("b", True), ("y", False)]
    files.remove_dir(f"{tmp_path}/a/b")
    with pytest.raises(OSError, match="not empty"):
        files.remove_dir(f"{tmp_path}/a")
    total, usable = files.space(str(tmp_path))
    assert total >= usable > 0


def test_a_lock_is_held_until_it_is_closed_and_names_its_holder(tmp_path: Path) -> None:
    files = RealFiles()
    handle = files.lock(f"{tmp_path}/lock")
    with pytest.raises(Locked, match=f"the data directory {tmp_path} is in use by process {os.getpid()}"):
        files.lock(f"{tmp_path}/lock")
    files.close(handle)
    files.close(files.lock(f"{tmp_path}/lock"))


def test_background_calls_run_in_order_in_one_other_thread() -> None:
    files = RealFiles()
    seen: list[tuple[int, int]] = []

    def fail() -> None:
        raise OSError(5, "broken")

    async def body() -> None:
        calls = [files.background(lambda i=i: seen.append((i, threading.get_ident()))) for i in range(100)]
        with pytest.raises(OSError, match="broken"):
            await files.background(fail)
        await asyncio.gather(*calls)

    asyncio.run(body())
    assert [i for i, _ in seen] == list(range(100))
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident()


def test_one_disk_serves_several_loops() -> None:
    files = RealFiles()

    async def body() -> int:
        return await files.background(threading.get_ident)

    assert asyncio.run(body()) == asyncio.run(body())
