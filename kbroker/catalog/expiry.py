"""Sweeps delegation tokens that are over, every `delegation.token.expiry.check.interval.ms` of the controllable time,
as Kafka's controller does. In between they are answered as expired, and a login with one ends at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kbroker.catalog import delegation

if TYPE_CHECKING:
    import asyncio

    from kbroker.world import Handle, World


class Tokens(Protocol):
    """What is swept."""

    @property
    def tokens(self) -> Mapping[str, delegation.Token]: ...

    def sweep_tokens(self) -> asyncio.Future[Any]: ...


class Expiry:
    """From `start` to `stop`."""

    def __init__(self, world: World, catalog: Tokens, interval_ms: int) -> None:
        self._world = world
        self._catalog = catalog
        self._interval_ms = interval_ms
        self._timer: Handle | None = None

    def start(self) -> None:
        self._timer = self._world.at(self._world.time_ms() + self._interval_ms, self._due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self.start()
        if delegation.over(self._catalog.tokens, self._world.time_ms()):
            self._world.spawn(self._sweep())

    async def _sweep(self) -> None:
        await self._catalog.sweep_tokens()
