"""Giving way: whoever has a lot to do beside the clients works for a moment, and rests as long.

A step is at most a millisecond of the loop, measured between records, so that only what cannot be cut (compressing one
batch, say) takes longer. Where time stands still, in a simulation, the number of breaths limits a step.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kbroker.world import World

STEP_S = 0.001
REST_S = 0.001
MOST = 1000


class Stopped(Exception):
    """The work is to end here."""


class Breath:
    """See the file's story."""

    def __init__(self, world: World) -> None:
        self.is_stopped = False
        self._world = world
        self._began = world.loop_time()
        self._count = 0

    def begin(self) -> None:
        """A step begins: what came before was somebody else's."""
        self._began = self._world.loop_time()
        self._count = 0

    async def take(self) -> None:
        """Called after every bit of work."""
        if self.is_stopped:
            raise Stopped
        self._count += 1
        if self._count < MOST and self._world.loop_time() - self._began < STEP_S:
            return
        rested = self._world.future()
        self._world.later(REST_S, _wake, rested)
        await rested
        self.begin()


def _wake(rested: asyncio.Future[None]) -> None:
    if not rested.done():
        rested.set_result(None)
