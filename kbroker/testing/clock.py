"""Time, from the test's side: `broker.clock.advance("45s")`."""

from __future__ import annotations

from collections.abc import Callable

from kbroker.control.shapes import Advanced, Time
from kbroker.testing.ask import Ask, Asker, verb
from kbroker.testing.link import Line


class Clock(Asker):
    """The time that Kafka's rules live by: sessions, rebalances, transactions, retention, compaction, producer expiry.
    Sockets, fetch waits and clients' own clocks go on in real time."""

    def __init__(self, link: Callable[[], Line]) -> None:
        self._find = link

    @property
    def _link(self) -> Line:
        return self._find()

    @verb
    def now(self) -> Ask[Time]:
        """What time it is for the broker."""
        return self._ask(Time, "clock.now")

    @verb
    def freeze(self) -> Ask[Time]:
        """Let time stand: nothing expires, and the broker still answers."""
        return self._ask(Time, "clock.freeze")

    @verb
    def auto(self, pace: float = 1.0) -> Ask[Time]:
        """Let time run by itself, so many times as fast as the clock on the wall."""
        return self._ask(Time, "clock.auto", pace=float(pace))

    @verb
    def advance(self, by: int | str, *, keep_members: bool = False) -> Ask[Advanced]:
        """Move time forward: milliseconds, or "45s", "1h30m". From timer to timer; the answer says what fired. With
        `keep_members` no session of a group's member expires on the way."""
        return self._ask(Advanced, "clock.advance", by=by, keep_members=keep_members)
