"""The world of one simulated broker: the loop's virtual time, seeded dice, simulated files, and a switch that kills.

A killed broker does nothing more: its timers do not fire, its files are gone from under it, its connections are cut.
The next broker of the same life has a world of its own, on what the disk kept.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from kbroker.world import Handle, World
from tests.storage.simdisk import Crash

log = logging.getLogger("kbroker.world")

EPOCH_MS = 1_700_000_000_000


class Clock:
    """The controllable time of a life: the loop's, and what was jumped over."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.jumped_ms = 0

    def time_ms(self) -> int:
        return EPOCH_MS + self.jumped_ms + round(self.loop.time() * 1000)


class SimWorld(World):
    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, seed: int, files: Any) -> None:
        self.loop, self.clock, self.files = loop, clock, files
        self.random = random.Random(seed)
        self.is_alive = True
        self.alarms: dict[int, tuple[int, Callable[..., object], asyncio.TimerHandle]] = {}
        self.tasks: dict[asyncio.Task[Any], None] = {}  # in order: a seed must be the same life every time

    def kill(self) -> None:
        self.is_alive = False
        for task in list(self.tasks):
            task.cancel()

    def jump(self, milliseconds: int) -> None:
        """Move the controllable time; what is due by then fires in the next turns."""
        self.clock.jumped_ms += milliseconds
        for key, (at_ms, callback, handle) in list(self.alarms.items()):
            handle.cancel()
            self.alarms[key] = (at_ms, callback, self._set(key, at_ms, callback))

    def time_ms(self) -> int:
        return self.clock.time_ms()

    def loop_time(self) -> float:
        return self.loop.time()

    def at(self, time_ms: int, callback: Callable[..., object], *args: Any) -> Handle:
        key = self.random.getrandbits(64)

        def fire() -> None:
            del self.alarms[key]
            if self.is_alive:
                callback(*args)

        self.alarms[key] = (time_ms, fire, self._set(key, time_ms, fire))
        return Alarm(self, key)

    def _set(self, key: int, at_ms: int, fire: Callable[..., object]) -> asyncio.TimerHandle:
        return self.loop.call_later(max(0, at_ms - self.time_ms()) / 1000, fire)

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Handle:
        return self.loop.call_later(seconds, self._if_alive, callback, *args)

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.loop.call_soon(self._if_alive, callback, *args)

    def _if_alive(self, callback: Callable[..., object], *args: Any) -> None:
        if self.is_alive:
            callback(*args)

    def future(self) -> asyncio.Future[Any]:
        return self.loop.create_future()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine)
        self.tasks[task] = None
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        del self.tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Crash):
            log.error("a background chain failed", exc_info=error)


class Alarm:
    def __init__(self, world: SimWorld, key: int) -> None:
        self.world, self.key = world, key

    def cancel(self) -> None:
        found = self.world.alarms.pop(self.key, None)
        if found is not None:
            found[2].cancel()
