"""The memory that requests hold: how much there is (`Budget`), and large buffers used again (`Pool`).

`queued.max.request.bytes` bounds what all connections hold together: frames that are not answered yet, frames that are
still arriving, replies that slow readers leave lying. Beyond it nobody is read, but for one connection at a time whose
frame has begun (the `passage`): half a frame that never ends would never give its memory back.

A large frame has a buffer of its own (`wire.frame`). Fresh large buffers cost page faults, so a few are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from wire.frame import EXACT_BYTES, LARGE_BYTES, Frame

_KEPT = 32 * 1024 * 1024
_FILLING = b"\xdd"


class Waiter(Protocol):
    def memory_is_free(self) -> None: ...


class Budget:
    """Counts bytes held, and wakes who waits for some to be given back. A negative limit is none."""

    __slots__ = ("limit", "passage", "used", "waiting")  # `used` is counted up by whoever holds more

    def __init__(self, limit: int) -> None:
        self.limit = limit if limit >= 0 else 1 << 62
        self.used = 0
        self.passage: Waiter | None = None
        self.waiting: dict[Waiter, None] = {}

    def give_back(self, size: int) -> None:
        self.used -= size
        if self.waiting and self.used <= self.limit:
            self._wake()

    def wait(self, waiter: Waiter) -> None:
        self.waiting[waiter] = None

    def may_read(self, waiter: Waiter, inside: bool) -> bool:
        """Whether this connection may receive more; `inside` says that it has a frame to complete."""
        if self.used <= self.limit or self.passage is waiter:
            return True
        if inside and self.passage is None:
            self.passage = waiter
            return True
        return False

    def leave(self, waiter: Waiter) -> None:
        """The waiter's frame is complete, or the waiter gone."""
        self.waiting.pop(waiter, None)
        if self.passage is waiter:
            self.passage = None
            if self.waiting:
                self._wake()

    def ahead(self) -> int:
        """How much a frame that has begun may take on its mere word."""
        return EXACT_BYTES if self.used < self.limit else LARGE_BYTES

    def _wake(self) -> None:
        waiting, self.waiting = self.waiting, {}
        for waiter in waiting:
            waiter.memory_is_free()


def _capacity(size: int) -> int:
    """A power of two, so that frames of about the same size use one another's; of large ones eight steps lie between,
    lest half of one be for nothing."""
    bits = (size - 1).bit_length()
    step = 1 << bits if size <= EXACT_BYTES else 1 << bits - 4
    return -(-size // step) * step


class Pool:
    """Large buffers, kept by size. What was not needed from one `shrink` to the next is let go; `on_keeping` is told
    when there is something to shrink.

    With `fill` every buffer that comes back is overwritten with 0xDD: a view that outlives its loan is seen then, since
    its batch fails the CRC.
    """

    def __init__(self, fill: bool = False, on_keeping: Callable[[], object] = bool) -> None:
        self.fill = fill
        self._free: dict[int, list[bytearray]] = {}
        self._least: dict[int, int] = {}  # how few of a size lay unused since the last `shrink`
        self._kept = 0
        self._on_keeping = on_keeping
        self._told = False

    def shrink(self) -> bool:
        """Let go of what nobody needed since the last time; whether anything is left to look at again."""
        for capacity, free in self._free.items():
            surplus = self._least.get(capacity, 0)
            self._kept -= surplus * capacity
            del free[:surplus]
            self._least[capacity] = len(free)
        self._told = self._kept > 0
        return self._told

    def take(self, size: int) -> Frame:
        """A buffer of this size; its content is arbitrary."""
        if size < LARGE_BYTES:
            return bytearray(size)
        capacity = _capacity(size)
        free = self._free.get(capacity)
        if free:
            self._kept -= capacity
            whole = free.pop()
            if len(free) < self._least[capacity]:
                self._least[capacity] = len(free)
            return memoryview(whole)[:size]
        return memoryview(bytearray(capacity))[:size]

    def put(self, frame: Frame) -> None:
        """Take back what `take` gave, or a small frame."""
        if self.fill:
            frame[:] = _FILLING * len(frame)
        if type(frame) is memoryview:
            whole: bytearray = frame.obj  # type: ignore[assignment]
            if self._kept + len(whole) <= _KEPT:
                self._kept += len(whole)
                free = self._free.get(len(whole))
                if free is None:
                    free = self._free[len(whole)] = []
                    self._least[len(whole)] = 0
                free.append(whole)
                if not self._told:
                    self._told = True
                    self._on_keeping()
