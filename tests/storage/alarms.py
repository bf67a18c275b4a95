"""A clock's alarms, for an engine under test: the test says when it is later."""

from __future__ import annotations

from collections.abc import Callable


class Alarm:
    """One that was set."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def cancel(self) -> None:
        self._alarms.waiting.pop(self, None)


class Alarms:
    """See the file's story: `at` is what an engine is given."""

    def __init__(self) -> None:
        self.waiting: dict[Alarm, tuple[int, Callable[[], object]]] = {}

    def at(self, time_ms: int, callback: Callable[[], object]) -> Alarm:
        alarm = Alarm(self)
        self.waiting[alarm] = time_ms, callback
        return alarm

    def ring(self, now_ms: int) -> None:
        """It is so late now."""
        for alarm, (time_ms, callback) in sorted(self.waiting.items(), key=lambda item: item[1][0]):
            if time_ms <= now_ms and self.waiting.pop(alarm, None):
                callback()
