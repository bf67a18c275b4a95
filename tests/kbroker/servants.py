"""Servants for tests: one that is no process, and modules for real ones to serve."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module

from storage.engine import Files


class Tame:
    """Does in this process, on these files, what a process of its own would do."""

    def __init__(self, module: str, files: Files) -> None:
        self._hand: Callable[[bytes], Awaitable[bytes]] = import_module(module).hand(files, self)

    async def start(self) -> None:
        return

    async def take(self) -> None:
        return

    async def ask(self, order: bytes) -> bytes:
        return await self._hand(order)

    def end(self) -> None:
        return

    async def close(self) -> int:
        return 0


def hand(files: Files, pause: Tame) -> Callable[[bytes], Awaitable[bytes]]:
    """For a real one: b"endless" is an order that it never answers, others come back."""

    async def answer(order: bytes) -> bytes:
        while order == b"endless":
            await pause.take()
        return order

    return answer
