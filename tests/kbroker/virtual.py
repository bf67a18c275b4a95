"""A world for unit tests: virtual time, seeded chance, no disk."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kbroker.world import Handle, World
from tests.sim.loop import VirtualLoop, live, passed

__all__ = ["VirtualWorld", "passed", "run", "settle"]

T = TypeVar("T")

EPOCH_MS = 1_700_000_000_000


class VirtualWorld(World):
    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int = 1) -> None:
        self.loop = loop
        self.random = random.Random(seed)
        self.tasks: set[asyncio.Task[Any]] = set()

    def time_ms(self) -> int:
        return EPOCH_MS + round(self.loop.time() * 1000)

    def loop_time(self) -> float:
        return self.loop.time()

    def at(self, time_ms: int, callback: Callable[..., object], *args: Any) -> Handle:
        return self.loop.call_at((time_ms - EPOCH_MS) / 1000, callback, *args)

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Handle:
        return self.loop.call_later(seconds, callback, *args)

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.loop.call_soon(callback, *args)

    def future(self) -> asyncio.Future[Any]:
        return self.loop.create_future()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


def run(test: Callable[[VirtualWorld], Coroutine[Any, Any, T]], seed: int = 1) -> T:
    """Run a test in a world of its own."""
    loop = VirtualLoop()
    return live(test(VirtualWorld(loop, seed)), loop)


async def settle(turns: int = 20) -> None:
    """Let everything happen that needs no time to pass."""
    loop = asyncio.get_running_loop()
    for _ in range(turns):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn
