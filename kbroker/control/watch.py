"""Waiting on events: `until` looks, and looks again whenever something has moved that it may depend on.

    the catalog          any change                      a coordinator     any step of any group or transaction
    partitions           those that are named            `tell()`          whoever knows of something else

Nothing is polled, and while nobody waits nothing is told. A look costs what it costs; several events in one turn of the
loop are one look. Who waits too long hears what was seen instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from kbroker.control.table import ControlError

if TYPE_CHECKING:
    from kbroker.cluster import Cluster
    from kbroker.partitions.partition import Partition

T = TypeVar("T")


class Watch:
    """One for each broker."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._waiting: set[asyncio.Future[None]] = set()
        self._attached = False

    def detach(self) -> None:
        """The parts of the broker are about to be new ones."""
        self._attached = False

    def _attach(self) -> None:
        self._attached = True
        self._cluster.catalog.subscribe(lambda change: self.tell())
        self._cluster.groups.coordinators.on_step(self.tell)
        self._cluster.transactions.coordinators.on_step(self.tell)

    def tell(self) -> None:
        """Something has moved."""
        if self._waiting:
            waiting, self._waiting = self._waiting, set()
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def next(self) -> None:
        """Until anything moves."""
        if not self._attached:
            self._attach()
        with self._listening([]) as moved:
            await moved

    async def until(
        self,
        look: Callable[[], Awaitable[T | None]],
        seen: Callable[[], str],
        timeout: float,
        partitions: Callable[[], Iterable[Partition]] = tuple,
    ) -> T:
        """What `look` finds, once that is not None. After `timeout` seconds ControlError("timeout") says what `seen`
        says. `partitions` are those whose moves may matter."""
        if not self._attached:
            self._attach()
        end = self._cluster.world.loop_time() + timeout
        while True:
            with self._listening(list(partitions())) as moved:  # before the look: what happens meanwhile counts
                found = await look()
                if found is not None:
                    return found
                if not await self._before(end, moved):
                    raise ControlError("timeout", f"waited {timeout:g} s: {seen()}")

    @contextmanager
    def _listening(self, partitions: list[Partition]) -> Iterator[asyncio.Future[None]]:
        moved: asyncio.Future[None] = self._cluster.world.future()
        self._waiting.add(moved)
        for partition in partitions:
            partition.waiters.watch(moved, lambda size: self.tell())
        try:
            yield moved
        finally:
            self._waiting.discard(moved)
            for partition in partitions:
                partition.waiters.unwatch(moved)

    async def _before(self, end: float, moved: asyncio.Future[None]) -> bool:
        """Whether anything moves before the end."""
        world = self._cluster.world
        timer = world.later(max(0.0, end - world.loop_time()), moved.cancel)
        await asyncio.wait((moved,))
        timer.cancel()
        return not moved.cancelled()
