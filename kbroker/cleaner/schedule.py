"""What is to be looked at when. Logs that are due at the same moment share it, and all moments share one alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kbroker.world import Handle, World


class Schedule:
    """`ring` is called with the logs that are due. A log has one due time, the earliest that was asked for."""

    def __init__(self, world: World, ring: Callable[[list[str]], None]) -> None:
        self._world = world
        self._ring = ring
        self._due: dict[str, int] = {}
        self._moments: dict[int, dict[str, None]] = {}
        self._alarm: Handle | None = None
        self._alarm_ms = 0

    def __len__(self) -> int:
        return len(self._due)

    def at(self, log: str, due_ms: int) -> None:
        known = self._due.get(log)
        if known is not None:
            if known <= due_ms:
                return
            self._take(log, known)
        self._due[log] = due_ms
        self._moments.setdefault(due_ms, {})[log] = None
        if self._alarm is None or due_ms < self._alarm_ms:
            self._arm()

    def forget(self, log: str) -> None:
        known = self._due.pop(log, None)
        if known is not None:
            self._take(log, known)

    def _take(self, log: str, due_ms: int) -> None:
        moment = self._moments[due_ms]
        del moment[log]
        if not moment:
            del self._moments[due_ms]

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._moments:
            self._alarm_ms = min(self._moments)
            self._alarm = self._world.at(self._alarm_ms, self._fire)

    def _fire(self) -> None:
        self._alarm = None
        now = self._world.time_ms()
        logs: list[str] = []
        for moment in sorted(due for due in self._moments if due <= now):
            logs += self._moments.pop(moment)
        for log in logs:
            del self._due[log]
        self._arm()
        if logs:
            self._ring(logs)

    def close(self) -> None:
        self._due.clear()
        self._moments.clear()
        self._arm()
