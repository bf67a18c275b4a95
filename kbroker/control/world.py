"""A world whose controllable time is in somebody's hand: it stands, jumps from timer to timer, or runs at another pace.

Only `World.time_ms` and the alarms of `World.at` are moved: sessions, rebalances, transactions, retention. Sockets,
fetch waits and request timeouts go by `loop_time`, which nobody moves, so a broker with a frozen clock answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from heapq import heappop
from typing import TYPE_CHECKING, Any, NamedTuple

from kbroker.world import RealWorld

if TYPE_CHECKING:
    from storage.engine import Files


class Rung(NamedTuple):
    """An alarm that has been called."""

    at_ms: int
    what: str


class ControlledWorld(RealWorld):
    """See `kbroker.world.RealWorld`. Its time runs like any other until somebody takes hold of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, files: Files | None = None, seed: int | None = None) -> None:
        super().__init__(loop, files, seed)
        self._stands_at: int | None = None
        self._from_ms = self._start_ms
        self._from_monotonic = self._start_monotonic
        self.pace = 1.0

    @property
    def is_frozen(self) -> bool:
        return self._stands_at is not None

    def time_ms(self) -> int:
        if self._stands_at is not None:
            return self._stands_at
        return self._from_ms + int((time.monotonic() - self._from_monotonic) * 1000 * self.pace)

    def freeze(self) -> None:
        """Time stands."""
        self._stands_at = self.time_ms()
        self._arm()

    def run(self, pace: float = 1.0) -> None:
        """Time runs from where it is, this many times as fast as the clock on the wall."""
        self._from_ms, self._from_monotonic = self.time_ms(), time.monotonic()
        self._stands_at = None
        self.pace = pace
        self._arm()

    def shift(self, milliseconds: int) -> None:
        if milliseconds < 0:
            raise ValueError("the time of a world only moves forward")
        if self._stands_at is not None:
            self._stands_at += milliseconds
        else:
            self._from_ms += milliseconds
        self._arm()

    def next_alarm_ms(self) -> int | None:
        """When the next alarm is due."""
        alarms = self._alarms
        while alarms and alarms[0].callback is None:
            heappop(alarms)
            self._dead -= 1
        return alarms[0].time_ms if alarms else None

    def ring(self, at_ms: int, what: Callable[[Any, tuple[Any, ...]], str]) -> list[Rung]:
        """Move a time that stands to `at_ms`, and call the alarms that are due then, in their order; `what` says what
        one is about to do. What they set for the same moment is not called."""
        assert self._stands_at is not None
        self._stands_at = max(self._stands_at, at_ms)
        now, last = self._stands_at, self._order
        due = []
        while (next_ms := self.next_alarm_ms()) is not None and next_ms <= now and self._alarms[0].order <= last:
            due.append(heappop(self._alarms))
        rung = []
        for alarm in due:
            if alarm.callback is None:
                self._dead -= 1
                continue
            rung.append(Rung(alarm.time_ms, what(alarm.callback, alarm.args)))
            self._call(alarm)
        return rung

    def _arm(self) -> None:
        """While time stands, only what is due already rings."""
        if self._stands_at is not None:
            next_ms = self.next_alarm_ms()
            if next_ms is None or next_ms > self._stands_at:
                if self._wake is not None:
                    self._wake.cancel()
                    self._wake = None
                return
        super()._arm()

    def _seconds(self, wait_ms: int) -> float:
        return super()._seconds(wait_ms) / self.pace
