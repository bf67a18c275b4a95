"""An event loop in which time is a number: when nothing is ready it jumps to the next timer, and an hour takes no time.

It is asyncio's own loop with two parts replaced: the clock, and the selector, whose wait is the jump. Sockets are not
selected at all; `create_server` and `create_connection` go to the in-memory network that `network.py` hangs in.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from tests.storage.simdisk import Crash

T = TypeVar("T")


DESTROYED = "Task was destroyed but it is pending!"


class Stuck(Exception):
    """Nothing is ready and no timer is set: what is awaited can never come."""


class Jump(selectors.BaseSelector):
    """Waits by moving the loop's clock forward."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self.loop = loop
        self.keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck(f"nothing left to do at {self.loop.now:.3f} s")
        self.loop.now += max(0.0, timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self.keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self.keys


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(Jump(self))
        self.network: Any = None
        self.complaints: list[dict[str, Any]] = []
        self.set_exception_handler(self.complain)

    def time(self) -> float:
        return self.now

    def complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What nobody took. A dead broker's last calls to its disk, and what it awaited for ever, are no fault of
        anybody's."""
        if not isinstance(context.get("exception"), Crash) and context.get("message") != DESTROYED:
            self.complaints.append(context)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        listener = self.network.listen(protocol_factory, host, port, options.get("sock"))
        if options.get("start_serving", True):
            await listener.start_serving()
        return listener

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        return self.network.connect(protocol_factory, host, port)


def live(coroutine: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run one coroutine to its end in virtual time; errors that nobody took are errors of the run."""
    asyncio.set_event_loop(loop)
    try:
        result = loop.run_until_complete(coroutine)
        if loop.complaints:
            first = loop.complaints[0]
            raise AssertionError(f"unhandled in the loop: {first.get('message')}") from first.get("exception")
        return result
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        if pending:
            with suppress(Stuck):
                loop.run_until_complete(asyncio.wait(pending, timeout=1))
        asyncio.set_event_loop(None)
        loop.close()


async def passed(seconds: float) -> None:
    """Virtual time passes."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    loop.call_later(seconds, lambda: over.done() or over.set_result(None))
    await over
