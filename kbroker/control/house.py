"""Several brokers in one process, each with its data, clock, faults and history: one more takes milliseconds.

The first one is number 0 and lives as long as the house. They share the loop and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kbroker.control.table import ControlError

if TYPE_CHECKING:
    from kbroker.control.control import Control

FIRST = 0


class House:
    """The brokers of a process by their numbers."""

    def __init__(self, first: Control) -> None:
        self._last = FIRST
        self.controls: dict[int, Control] = {FIRST: first}
        first.house = self

    def find(self, number: int) -> Control:
        control = self.controls.get(number)
        if control is None:
            known = ", ".join(map(str, self.controls))
            raise ControlError("missing", f"there is no broker {number}; there are {known}")
        return control

    async def create(self, configs: Mapping[str, str], nodes: int = 1, seed: int | None = None) -> int:
        """One more, on ports of its own."""
        from kbroker.broker import Broker, CannotStart, StorageError
        from kbroker.config import Config, ConfigError
        from kbroker.control.control import Control
        from kbroker.control.world import ControlledWorld
        from kbroker.server.listener import CannotListen

        texts = {"kbroker.memory": "true", "listeners": "PLAINTEXT://127.0.0.1:0"} | dict(configs)
        if "log.dirs" in configs or "log.dir" in configs:
            del texts["kbroker.memory"]
        try:
            world = ControlledWorld(asyncio.get_running_loop(), seed=seed)
            broker = Broker(Config(texts), world=world, nodes=nodes)
            await broker.start()
        except (CannotListen, ConfigError, CannotStart, StorageError) as error:
            raise ControlError("refused", " ".join(str(error).split())) from None
        first = self.controls[FIRST]
        control = Control(broker, history_bytes=first.history_bytes, journal=first.journal)
        control.house = self
        self._last += 1
        self.controls[self._last] = control
        return self._last

    async def drop(self, number: int) -> None:
        """End one. Its connections are closed and its port refuses from now on."""
        if number == FIRST:
            raise ControlError("argument", "broker 0 ends with its process")
        control = self.find(number)
        del self.controls[number]
        control.close()
        for connection in list(control.server.connections):
            connection.drop("the broker ends")
        await control.broker.stop()

    async def close(self) -> None:
        for number in [each for each in self.controls if each != FIRST]:
            await self.drop(number)
        self.controls[FIRST].close()
