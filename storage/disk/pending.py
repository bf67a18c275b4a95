"""Writes on their way: one `Pending` per write, and the `Call` of `append` whose answers they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..engine import Buffer, Conflict, Outcome, Write
from ..placing import Placed


class Call:
    """One call of `append`: answers come in any order, and all together when the last one is there."""

    __slots__ = ("answers", "future", "left")

    def __init__(self, count: int) -> None:
        self.future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self.answers: list[Outcome] = [Conflict(0)] * count
        self.left = count
        if not count:
            self.future.set_result([])

    def answer(self, slot: int, outcome: Outcome) -> None:
        self.answers[slot] = outcome
        self.left -= 1
        if not self.left and not self.future.done():
            self.future.set_result(self.answers)


class Pending:
    """A write on its way."""

    __slots__ = ("base", "batches", "call", "end", "max_timestamp", "placed", "size", "slot")

    def __init__(self, write: Write, placed: list[Placed], call: Call, slot: int) -> None:
        self.batches: Sequence[Buffer] = write.batches
        self.placed = placed
        self.call = call
        self.slot = slot
        self.base = write.expected_end
        if len(placed) == 1:
            _, self.end, self.size, self.max_timestamp = placed[0]
        else:
            self.end = placed[-1].next_offset
            self.size = sum(p.size for p in placed)
            self.max_timestamp = max(p.max_timestamp for p in placed)
