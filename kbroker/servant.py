"""A servant: a process of the broker's own for work that takes long and would hold the loop.

It has two pipes: an order is one line in, its answer one line out. It stands behind everybody else in the queue for the
processor, and ends when its pipe does, when it is told to, or when the broker has gone, however that happened. What it
does is up to a module of ours: its `hand(files, pause)` gets every order, and awaits `pause.take()` now and then.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from kbroker.world import ServantGone

LEAST_NICE = 19
LOOKS_EVERY = 100
LONGEST_LINE = 1 << 20

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_SERVE = """
import os, sys
package, module, parent = sys.argv[1:]
sys.path.insert(0, os.path.dirname(package))
house = os.path.join(package, "_house")
if os.path.isdir(house):
    sys.path.insert(0, house)
from kbroker.servant import serve
serve(module, int(parent))
"""


class Child:
    """The broker's end of it: see `world.Servant`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Raises OSError where no process can be made."""
        command = [sys.executable, "-P", "-c", _SERVE, _PACKAGE, self._module, str(os.getpid())]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=True
        )

    async def ask(self, order: bytes) -> bytes:
        """The answer to an order, both one line without its end. Raises ServantGone."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ServantGone("the process has not been started")
        answer = b""
        with suppress(ConnectionError):
            process.stdin.write(order + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise ServantGone(f"its process {process.pid} ended with status {await process.wait()}")
        return answer[:-1]

    async def close(self) -> int:
        """End it, and see it end; its status."""
        self.end()
        process = self._process
        if process is None or process.stdin is None:
            return 0
        process.stdin.close()
        with suppress(ConnectionError):
            await process.stdin.wait_closed()
        return await process.wait()

    def end(self) -> None:
        """End it, whatever it does: who waits for an answer hears of it."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


class Pause:
    """There is nobody to give way to in a servant: it only looks whether it still has a master. Without one it stops
    where it is, and touches nothing more: its files may be another broker's by now."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._count = 0

    async def take(self) -> None:
        self._count += 1
        if not self._count % LOOKS_EVERY and sys.platform != "win32" and os.getppid() != self._parent:
            os._exit(1)


def serve(module: str, parent: int) -> None:
    """The whole life of the process."""
    from importlib import import_module

    from storage.disk.files import RealFiles

    if sys.platform != "win32":
        os.nice(LEAST_NICE)
    hand = import_module(module).hand(RealFiles(), Pause(parent))

    async def live() -> None:
        for order in sys.stdin.buffer:
            sys.stdout.buffer.write(await hand(order.rstrip(b"\n")) + b"\n")
            sys.stdout.buffer.flush()

    asyncio.run(live())
