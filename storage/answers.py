"""How a write is answered. `append` is `submit` of each write and a future for all; `tell` is how engines answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from .engine import Conflict, Outcome, Write
from .placing import measure


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


class Asked(Write):
    """A write of such a call."""

    __slots__ = ("call", "slot")

    def __init__(self, write: Write, call: Call, slot: int) -> None:
        super().__init__(write.log, write.expected_end, write.batches)
        self.call = call
        self.slot = slot

    def answered(self, outcome: Outcome) -> None:
        self.call.answer(self.slot, outcome)


def append(submit: Callable[[Write], None], writes: Sequence[Write]) -> asyncio.Future[list[Outcome]]:
    """What every engine does for `append`. Nothing is submitted where one of them breaks rule 4."""
    for write in writes:
        measure(write)
    call = Call(len(writes))
    for slot, write in enumerate(writes):
        submit(Asked(write, call, slot))
    return call.future


def tell(answers: Iterable[tuple[Write, Outcome]]) -> None:
    """Answer each; one who raises keeps nobody else from his answer."""
    for write, outcome in answers:
        try:
            write.answered(outcome)
        except Exception as error:
            said = {"message": f"who wrote to log {write.log} failed when it was answered", "exception": error}
            asyncio.get_running_loop().call_exception_handler(said)
