"""A broker in this loop, its control, and its verbs called as a door calls them: by name, with plain arguments."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any

from kbroker.broker import Broker
from kbroker.control.control import Control
from kbroker.control.table import find
from kbroker.control.world import ControlledWorld
from tests.kbroker.running import Client, connect, serving


class Hand:
    """The control of a broker, in a test's hand."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.broker: Broker = control.broker
        self.clients: list[Client] = []

    async def connect(self) -> Client:
        """A client that is closed at the end."""
        self.clients.append(await connect(self.broker))
        return self.clients[-1]

    async def __call__(self, name: str, /, **arguments: Any) -> Any:
        verb = find(name)
        answer = verb.run(self.control, **verb.bind(arguments))
        return await answer if isawaitable(answer) else answer


@asynccontextmanager
async def controlling(nodes: int = 1, history_bytes: int = 0, **configs: str) -> AsyncIterator[Hand]:
    world = ControlledWorld(asyncio.get_running_loop())
    async with serving(nodes, world=world, **configs) as broker:
        hand = Hand(Control(broker, history_bytes=history_bytes))
        try:
            yield hand
        finally:
            for client in hand.clients:
                await client.close()
