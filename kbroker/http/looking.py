"""Who looks at the wire by HTTP: while somebody does, there is a tap; where control is on, there is one anyway.

Without control nothing is remembered and nothing is paid until the first looker comes. When the last one has gone the
tap goes with it; what was seen stays for a minute, for who looks at single frames then.

What lookers get is made on a beat of theirs, from what has gathered meanwhile: a request costs the copy of its bytes
and nothing else, however many look and however they choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kbroker.control.history import Follower, History, Tap
from kbroker.control.table import ControlError

if TYPE_CHECKING:
    from kbroker.broker import Broker
    from kbroker.control.control import Control
    from kbroker.world import Handle, World

REMEMBERED_S = 60.0


class Looking:
    """One for each HTTP door."""

    def __init__(self, broker: Broker, control: Control | None) -> None:
        self._broker = broker
        self._control = control
        self._own: History | None = None
        self._tap: Tap | None = None
        self._lookers = 0
        self._forgetting: Handle | None = None

    @property
    def world(self) -> World:
        return self._broker.cluster.world

    @property
    def history(self) -> History:
        """What is remembered; ControlError where that is nothing."""
        found = self._found()
        if found is None:
            raise ControlError("missing", "nothing is remembered: nobody looks, and the broker runs without control")
        return found

    def _found(self) -> History | None:
        kept = None if self._control is None else self._control.history
        return self._own if kept is None else kept

    @contextmanager
    def follow(self) -> Iterator[Follower]:
        """Every answer from now on, until the end of the block."""
        history = self._found()
        if history is None:
            history = self._own = History(self.world)
        if history is self._own:
            self._came(history)
        try:
            yield history.follow()
        finally:
            if history is self._own:
                self._left()

    def _came(self, history: History) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        self._lookers += 1
        if self._tap is None:
            self._tap = Tap(self._broker.server, history)
            self._tap.attach()

    def _left(self) -> None:
        self._lookers -= 1
        if not self._lookers and self._tap is not None:
            self._tap.detach()
            self._tap = None
            self._forgetting = self.world.later(REMEMBERED_S, self._forget)

    def _forget(self) -> None:
        if not self._lookers:
            self._own = None
