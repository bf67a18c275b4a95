"""A servant: it does what it is told, is in nobody's way, and never outlives its broker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kbroker.servant import Child
from kbroker.world import ServantGone

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.kbroker.servants"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="niceness and parents are POSIX")


def test_an_order_is_answered_by_a_process_that_lets_everybody_else_go_first() -> None:
    async def body() -> None:
        child = Child(MODULE)
        await child.start()
        try:
            assert await child.ask(b"x" * 300_000) == b"x" * 300_000
            assert os.getpriority(os.PRIO_PROCESS, child.pid) == 19
            assert os.getsid(child.pid) != os.getsid(0), "Ctrl-C is for the broker to hear"
        finally:
            await child.close()
        with pytest.raises(ServantGone):
            await child.ask(b"more")

    asyncio.run(asyncio.wait_for(body(), 60))


def test_who_waits_for_a_servant_that_is_ended_hears_of_it() -> None:
    async def body() -> None:
        child = Child(MODULE)
        await child.start()
        await child.ask(b"are you there?")
        waiting = asyncio.ensure_future(child.ask(b"endless"))
        await asyncio.sleep(0)
        child.end()
        with pytest.raises(ServantGone, match=r"its process \d+ ended with status -9"):
            await waiting

    asyncio.run(asyncio.wait_for(body(), 60))


def test_without_a_process_there_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        asyncio.run(Child(MODULE).start())


MASTER = """
import asyncio, os
from kbroker.servant import Child
async def main():
    child = Child("tests.kbroker.servants")
    await child.start()
    await child.ask(b"are you there?")
    asyncio.ensure_future(child.ask(b"endless"))
    await asyncio.sleep(0)
    os._exit(7)
asyncio.run(main())
"""


def test_a_servant_ends_with_its_master_also_in_the_middle_of_its_work() -> None:
    """It holds the master's stderr: `run` returns when nobody does any more."""
    done = subprocess.run([sys.executable, "-c", MASTER], cwd=ROOT, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 7, done.stderr
