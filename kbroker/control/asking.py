"""Asking a handler without a connection behind it: whatever way it answers, the answer comes here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from kbroker.context import LATER, Context

if TYPE_CHECKING:
    from kbroker.server.apis import Handler


class Asking(Context):
    """A request's surroundings, and the place for an answer that comes later."""

    __slots__ = ("_future",)

    async def ask(self, handler: Handler, request: Any) -> Any:
        """What the handler answers, or raises."""
        response = handler(request, self)
        if response is LATER:
            self._future: asyncio.Future[Any] = self.cluster.world.future()
            response = self._future
        return await response if isawaitable(response) else response

    def answer(self, response: Any) -> None:
        """Called by a handler that has returned LATER, in a later turn."""
        if self._future.done():
            return
        if isinstance(response, Exception):
            self._future.set_exception(response)
        else:
            self._future.set_result(response)


class Trusted(Asking):
    """A request from inside: whoever has the broker in hand may do everything with it."""

    __slots__ = ()

    def authorize(self, operation: str, resource_type: str, names: Sequence[str]) -> list[bool]:
        return [True] * len(names)

    def authorize_any(self, operation: str, resource_type: str) -> bool:
        return True
