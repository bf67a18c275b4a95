"""The real disk and a real death: what a killed process was answered is there when the next one looks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from storage.disk.engine import DiskEngine
from storage.disk.files import RealFiles
from storage.engine import EngineOptions, Identity, LogOptions, Write
from tests.storage.batches import batch
from tests.storage.disk.bench import content

ROOT = Path(__file__).resolve().parents[3]
LOGS = ("a", "topic/0")
KILLED_AT = 2000


def engine(path: str, fsync: bool) -> DiskEngine:
    return DiskEngine(path, files=RealFiles(), now=lambda: 0, options=EngineOptions(Identity("c", 1), fsync=fsync))


async def write_until_killed(path: str, fsync: bool) -> None:
    """Append to both logs for ever, ten writes at a time, and say each end that was answered."""
    writer = engine(path, fsync)
    await writer.open()
    await writer.create([(log, LogOptions(segment_bytes=50_000)) for log in LOGS])
    end = 0
    while True:
        futures = []
        for _ in range(10):
            one = batch(end, fill=end)
            futures.append(writer.append([Write(log, end, [one]) for log in LOGS]))
            end += 1
        await asyncio.gather(*futures)
        print(end, flush=True)


@pytest.mark.parametrize("fsync", [False, True], ids=["page-cache", "fsync"])
def test_what_a_killed_process_was_answered_is_there(fsync: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.storage.disk.test_kill", str(tmp_path), "fsync" if fsync else ""]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answered = 0
        for line in process.stdout:
            answered = int(line)
            if answered >= KILLED_AT:
                break
        process.kill()

    async def look() -> None:
        reader = engine(str(tmp_path), fsync)
        await reader.open()
        for log in LOGS:
            end = reader.bounds(log).end
            assert end >= answered
            assert await content(reader, log) == b"".join(batch(i, fill=i) for i in range(end))
        await reader.close()

    assert answered >= KILLED_AT
    asyncio.run(look())


if __name__ == "__main__":
    asyncio.run(write_until_killed(sys.argv[1], bool(sys.argv[2])))
