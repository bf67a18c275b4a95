"""The disk of a life: it forgets like `tests.storage.simdisk`, and besides it takes time.

What goes to the disk thread (syncs, mostly) is done after a while of virtual time, so that requests come, clients go
and machines fail while a write is under way. A disk may stall; it may be told to fail one call; and the death of the
process may be laid into one of its next calls, in the middle of a write.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar

from tests.storage.simdisk import Crash, SimFiles

T = TypeVar("T")

QUICK, SLOW = 0.0005, 0.03
"""Seconds that a call to the disk thread takes: mostly the one, at times up to the other."""


class Disk(SimFiles):
    def __init__(self, dice: random.Random) -> None:
        super().__init__(dice.getrandbits(30))
        self.dice = dice
        self.whole_writes = False
        self.stalled_until = 0.0
        self.when_crashed: Callable[[], object] = lambda: None

    def after(self, *, power: bool) -> "Disk":
        """The disk after the death of the process, or of the machine."""
        left = self.unplugged(self.dice) if power else self.killed()
        disk = Disk(self.dice)
        disk.folders = left.folders
        return disk

    def die_soon(self, calls: int, then: Callable[[], object]) -> None:
        """The process dies in the middle of a call, so many calls from now."""
        self.crash_at = self.calls + calls
        self.when_crashed = then

    def _call(self, call: str, path: str) -> bool:
        alive = not self.crashed
        self.log.clear()
        dying = super()._call(call, path)
        if dying and alive:
            self.when_crashed()
        return dying

    def background(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def run() -> None:
            if self.crashed:
                return
            try:
                future.set_result(call())
            except Crash:
                return
            except Exception as error:
                future.set_exception(error)

        wait = self.rng.random() ** 6 * SLOW + QUICK
        loop.call_at(max(loop.time(), self.stalled_until) + wait, run)
        return future
