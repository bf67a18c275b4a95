"""World: all that a broker may ask of its surroundings - time, timers, chance, files and the event loop.

There are two times. `time_ms` is the controllable one, milliseconds since the epoch: sessions, rebalances, retention,
timestamps, quota windows live by it, and so do the timers of `at`. It starts from the wall clock and is moved by the
monotonic one, so it never jumps when somebody sets the machine's clock, and a test may move it. `loop_time` is never
controlled: fetch waits, request timeouts and idle connections live by it and by the timers of `later`, so that a broker
with a frozen clock still answers its sockets.

Below this file nobody reads a clock, rolls dice or opens a file. `RealWorld` is the one of a running broker; the
simulation in `tests/sim` has its own, where a seed is a life.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import cache
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from storage.engine import Files

log = logging.getLogger("kbroker.world")

T = TypeVar("T")


class Handle(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None: ...


class ServantGone(Exception):
    """A servant has ended before its answer; says how."""


class Servant(Protocol):
    """A process of ours that carries out orders, one at a time (`kbroker/servant.py`)."""

    async def start(self) -> None:
        """Raises OSError where no process can be had."""

    async def ask(self, order: bytes) -> bytes:
        """The answer to an order, one line each. Raises ServantGone."""

    def end(self) -> None:
        """End it, whatever it does; who waits hears ServantGone."""

    async def close(self) -> int:
        """The same, and see it end; its status."""


class World(ABC):
    """What both worlds offer. Callbacks run on the loop, one at a time, and never inside the call that set them."""

    random: random.Random
    files: Files

    @abstractmethod
    def time_ms(self) -> int:
        """The controllable time, in milliseconds since the epoch."""

    @abstractmethod
    def loop_time(self) -> float:
        """Seconds by a clock that nobody moves and that only runs forward."""

    def work_time(self) -> float:
        """Seconds by the finest clock, for measuring one's own work: the loop's may stand still within a turn."""
        return self.loop_time()

    @abstractmethod
    def at(self, time_ms: int, callback: Callable[..., object], *args: Any) -> Handle:
        """Call once the controllable time has reached `time_ms`."""

    @abstractmethod
    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Handle:
        """Call after this many seconds of loop time."""

    @abstractmethod
    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call in the next turn of the loop."""

    @abstractmethod
    def future(self) -> asyncio.Future[Any]:
        """An open future of this world's loop."""

    @abstractmethod
    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a rare administrative chain beside everything else; whatever it raises is logged."""

    def aside(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run beside the loop what takes long and lets go of the interpreter meanwhile, as compressing does. Where time
        is a number, at once."""
        done = self.future()
        try:
            done.set_result(call())
        except Exception as error:
            done.set_exception(error)
        return done

    def servant(self, module: str) -> Servant | None:
        """A process that is to serve this module of ours, not yet started; None where there are none."""
        return None

    def uuid(self) -> bytes:
        return random_uuid(self.random)

    def tidy(self) -> bool:
        """A piece of work is done whose memory is not needed any more: let the operating system have it, if it is time
        to; whether it was."""
        return False

    def secret(self, size: int) -> bytes:
        """Bytes that nobody can guess; in a simulation they come from its seed."""
        return self.random.randbytes(size)


def random_uuid(rng: random.Random) -> bytes:
    """A random id of version 4. Its text form never begins with a dash: tools would take it for an option."""
    while True:
        bits = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
        if bits >> 122 != _DASH:
            return bits.to_bytes(16, "big")


_DASH = 62  # the six bits that url-safe base64 writes as "-"


class _Alarm:
    """A timer of the controllable time. Cancelled ones stay in the heap until they come up, or outnumber the living."""

    __slots__ = ("args", "callback", "order", "time_ms", "world")

    def __init__(
        self, world: RealWorld, time_ms: int, order: int, callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self.world = world
        self.time_ms = time_ms
        self.order = order
        self.callback: Callable[..., object] | None = callback
        self.args = args

    def __lt__(self, other: _Alarm) -> bool:
        return (self.time_ms, self.order) < (other.time_ms, other.order)

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self.args = ()
            self.world._cancelled()


_TIDY_EVERY_S = 10.0


@cache
def _malloc_trim() -> Callable[[int], object]:
    """The C library's, where it has one."""
    try:
        import ctypes

        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (ImportError, OSError, AttributeError, TypeError):  # musl, macOS, Windows
        return lambda keep: None
    return trim


class RealWorld(World):
    """The world of a running broker. One timer of the loop, the earliest, stands for all alarms; without any: none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, files: Files | None = None, seed: int | None = None) -> None:
        if files is None:
            from storage.disk.files import RealFiles

            files = RealFiles()
        self.files = files
        self.random = random.Random(seed)
        if seed is None:
            self.secret = os.urandom  # type: ignore[assignment, method-assign]
        self.loop = loop
        self._start_ms = time.time_ns() // 1_000_000
        self._start_monotonic = time.monotonic()
        self._ahead_ms = self._start_ms - self._start_monotonic * 1000  # of the monotonic clock
        self._alarms: list[_Alarm] = []
        self._order = 0
        self._dead = 0
        self._tidied = -_TIDY_EVERY_S
        self._wake: asyncio.TimerHandle | None = None
        self._wake_ms = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self.future = loop.create_future  # type: ignore[method-assign]
        self.loop_time = loop.time  # type: ignore[method-assign]
        self.work_time = time.perf_counter  # type: ignore[method-assign]

    def time_ms(self) -> int:
        return int(time.monotonic() * 1000 + self._ahead_ms)  # asked several times for each request

    def loop_time(self) -> float:
        return self.loop.time()

    def future(self) -> asyncio.Future[Any]:
        return self.loop.create_future()

    def shift(self, milliseconds: int) -> None:
        """Move the controllable time forward; what falls due fires in the next turn of the loop, in order."""
        if milliseconds < 0:
            raise ValueError("the time of a world only moves forward")
        self._ahead_ms += milliseconds
        self._arm()

    def at(self, time_ms: int, callback: Callable[..., object], *args: Any) -> Handle:
        self._order += 1
        alarm = _Alarm(self, time_ms, self._order, callback, args)
        heappush(self._alarms, alarm)
        if self._wake is None or time_ms < self._wake_ms:
            self._arm()
        return alarm

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Handle:
        return self.loop.call_later(seconds, callback, *args)

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.loop.call_soon(callback, *args)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def aside(self, call: Callable[[], T]) -> asyncio.Future[T]:
        return self.loop.run_in_executor(None, call)

    def servant(self, module: str) -> Servant | None:
        import sys

        if not sys.executable:  # an interpreter inside of something else
            return None
        from kbroker.servant import Child

        return Child(module)

    def tidy(self) -> bool:
        """glibc keeps what lies free between pieces that are in use, a megabyte a minute under mixed load; half a
        millisecond gives it back."""
        now = time.monotonic()
        if now - self._tidied < _TIDY_EVERY_S:
            return False
        self._tidied = now
        _malloc_trim()(0)
        return True

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a background chain failed", exc_info=error)

    def _cancelled(self) -> None:
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._alarms):
            self._alarms = [alarm for alarm in self._alarms if alarm.callback is not None]
            heapify(self._alarms)
            self._dead = 0
            self._arm()

    def _arm(self) -> None:
        """Set the loop's one timer to the earliest alarm that still lives."""
        alarms = self._alarms
        while alarms and alarms[0].callback is None:
            heappop(alarms)
            self._dead -= 1
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if alarms:
            self._wake_ms = alarms[0].time_ms
            self._wake = self.loop.call_later(self._seconds(self._wake_ms - self.time_ms()), self._fire)

    def _seconds(self, wait_ms: int) -> float:
        """How long the loop has to wait. It may round down to its own milliseconds: one more keeps it from waking early
        and for nothing."""
        return (wait_ms + 1) / 1000 if wait_ms > 0 else 0

    def _fire(self) -> None:
        self._wake = None
        now = self.time_ms()
        last = self._order  # an alarm that one of these sets waits for its own turn
        alarms = self._alarms
        due: list[_Alarm] = []
        while alarms and alarms[0].time_ms <= now and alarms[0].order <= last:
            due.append(heappop(alarms))
        for alarm in due:
            if alarm.callback is None:
                self._dead -= 1
            else:
                self._call(alarm)
        self._arm()

    def _call(self, alarm: _Alarm) -> None:
        callback, alarm.callback = alarm.callback, None
        assert callback is not None
        try:
            callback(*alarm.args)
        except Exception:
            log.exception("a timer failed")
