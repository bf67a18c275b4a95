"""Giving way: whoever has a lot to do beside the clients works for a moment, then lets everybody else have a turn.

A step is at most a fifth of a millisecond of the loop, measured between records, so that only what cannot be cut
(compressing one batch, say) takes longer: that is what a request may wait. After each step the loop has its turn; if
anybody used it, now or a moment ago, a rest follows, so that clients under way meet a step only now and then; if nobody
did, the next step begins at once. The moment counts: a client that waits for its answer before it asks again leaves
turns unused, and would meet a step with every request. Where time stands still, in a simulation, the number of breaths
limits a step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kbroker.world import World

STEP_S = 0.0002
REST_S = 0.0008
COMPANY_S = 0.02
"""So long after somebody else has used a turn it is as if they did still."""
ALONE_S = 0.00002
"""A turn of the loop in which nobody else has anything to do is shorter."""
MOST = 1000


class Stopped(Exception):
    """The work is to end here."""


class Breath:
    """See the file's story."""

    def __init__(self, world: World) -> None:
        self.is_stopped = False
        self._when_stopped: Callable[[], object] | None = None
        self._world = world
        self._began = world.work_time()
        self._count = 0
        self._company_until = float("-inf")

    def stop(self) -> None:
        """Nothing more is to be begun."""
        self.is_stopped = True
        if self._when_stopped is not None:
            self._when_stopped()

    def stop_with(self, callback: Callable[[], object] | None) -> None:
        """Call when it stops: ends what is done elsewhere."""
        self._when_stopped = callback

    def begin(self) -> None:
        """A step begins: what came before was somebody else's."""
        self._began = self._world.work_time()
        self._count = 0

    async def take(self) -> None:
        """Called after every bit of work."""
        if self.is_stopped:
            raise Stopped
        self._count += 1
        world = self._world
        worked = world.work_time()
        if self._count < MOST and worked - self._began < STEP_S:
            return
        turn = world.future()
        world.soon(_wake, turn)
        await turn
        now = world.work_time()
        if now - worked > ALONE_S:
            self._company_until = now + COMPANY_S
        if self._count >= MOST or now < self._company_until:
            rested = world.future()
            world.later(REST_S, _wake, rested)
            await rested
        self.begin()


def _wake(waited: asyncio.Future[None]) -> None:
    if not waited.done():
        waited.set_result(None)
