"""The timers of a machine: each is an event that comes back when its time has come (`machine.py`, rule 6).

One that only moves into the future (a session, with every heartbeat) keeps its place in the world's queue until then,
and moves by a number.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from kbroker.machine import Timer
from kbroker.world import Handle, World


class _Alarm:
    __slots__ = ("armed_at", "at", "event", "handle")

    def __init__(self, at: int, event: object, handle: Handle) -> None:
        self.at = self.armed_at = at
        self.event = event
        self.handle = handle


class Timers:
    """Of one machine; `ring` is called with the event of a timer."""

    def __init__(self, world: World, ring: Callable[[object], object]) -> None:
        self._world = world
        self._ring = ring
        self._alarms: dict[Hashable, _Alarm] = {}

    def set(self, timer: Timer) -> None:
        alarm = self._alarms.get(timer.key)
        if timer.at is None:
            if alarm is not None:
                alarm.handle.cancel()
                del self._alarms[timer.key]
        elif alarm is not None and timer.at >= alarm.armed_at:
            alarm.at = timer.at
            alarm.event = timer.event
        else:
            if alarm is not None:
                alarm.handle.cancel()
            handle = self._world.at(timer.at, self._rings, timer.key)
            self._alarms[timer.key] = _Alarm(timer.at, timer.event, handle)

    def due(self, key: Hashable) -> object:
        """The event of a timer that rings now; None where it has moved, or is not there."""
        alarm = self._alarms.get(key)
        return None if alarm is None or alarm.at > self._world.time_ms() else alarm.event

    def postpone(self, kind: type, by_ms: int) -> None:
        """Timers of that kind of event ring so much later."""
        for alarm in self._alarms.values():
            if isinstance(alarm.event, kind):
                alarm.at += by_ms

    def forget(self) -> None:
        for alarm in self._alarms.values():
            alarm.handle.cancel()
        self._alarms.clear()

    def _rings(self, key: Hashable) -> None:
        alarm = self._alarms[key]
        if alarm.at > self._world.time_ms():
            alarm.armed_at = alarm.at
            alarm.handle = self._world.at(alarm.at, self._rings, key)
            return
        del self._alarms[key]
        self._ring(alarm.event)
