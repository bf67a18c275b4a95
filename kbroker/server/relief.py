"""Who holds memory that others wait for, and does nothing with it, is let go.

A client that stops reading its replies, or stops in the middle of a large frame, holds its part of the budget
(`memory.Budget`) for as long as it likes: a few consumers in a debugger are enough to leave nothing for anybody. Nobody
minds while there is memory. Once a connection has to wait for some, a client that has not moved by a byte for
`PATIENCE_SECONDS` is closed, as if it had been idle for too long. There is no timer as long as nobody waits.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from kbroker.server.memory import Budget

if TYPE_CHECKING:
    from kbroker.server.connection import Connection
    from kbroker.world import Handle, World

PATIENCE_SECONDS = 5.0


class Relief:
    """Looks twice, `PATIENCE_SECONDS` apart, at whoever only has to read or to send on."""

    def __init__(self, world: World, budget: Budget, connections: Collection[Connection]) -> None:
        self._world = world
        self._budget = budget
        self._connections = connections
        self._timer: Handle | None = None

    def wanted(self) -> None:
        """A connection waits for memory."""
        if self._timer is None:
            seen = {one: mark for one in self._connections if (mark := one.its_turn) is not None}
            self._timer = self._world.later(PATIENCE_SECONDS, self._look_again, seen)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self, seen: dict[Connection, tuple[int, float]]) -> None:
        self._timer = None
        if not self._budget.waiting:
            return
        for connection, mark in seen.items():
            if not connection.closing and connection.its_turn == mark:
                seconds = f"{PATIENCE_SECONDS:g} s"
                connection.drop(f"it has not moved for {seconds}, and others need the memory that it holds")
        if self._budget.waiting:
            self.wanted()
