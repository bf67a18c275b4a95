"""What has happened to each group lately, and why: its last 100 events.

Machines say what happened as a task: so it is told here only once it is durable, and as the facade keeps it, it
outlives a machine that is made anew. It does not outlive the broker. A heartbeat by which nothing changes says nothing.

    member joins, leaves (with the reason of KIP-800), falls silent, is removed or turned away
    rebalance begins; generation or epoch, and what has changed to make it; assignment is there; group has another type
    member waits: for whom and how long; has to give something up

What nobody asked for (a session that ends, a member that is removed) is told in the log, the rest at DEBUG.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

log = logging.getLogger("kbroker.groups")

KEPT = 100


class What(Enum):
    JOINED = "joined"
    LEFT = "left"
    EXPIRED = "session expired"
    REMOVED = "removed"
    REBALANCE = "rebalance"
    GENERATION = "generation"
    EPOCH = "epoch"
    ASSIGNED = "assigned"
    REVOKES = "gives up"
    WAITED = "waited"
    TYPE = "type"
    GONE = "gone"


_UNASKED = frozenset({What.EXPIRED, What.REMOVED})


class Happened(NamedTuple):
    """One event, as a task of the machine. `member` is empty where it is the group's. `cause` is for people."""

    group_id: str
    at_ms: int
    what: What
    member: str
    cause: str


class Histories:
    """Of all groups that this process coordinates; that of a group goes with it."""

    def __init__(self) -> None:
        self._events: dict[str, deque[Happened]] = {}
        self.heard: list[Callable[[Happened], object]] = []
        """Called with each event."""

    def tell(self, happened: Happened) -> None:
        for heard in self.heard:
            heard(happened)
        level = logging.INFO if happened.what in _UNASKED else logging.DEBUG
        if log.isEnabledFor(level):
            who = f" {happened.member}" if happened.member else ""
            log.log(level, "group %s:%s %s: %s", happened.group_id, who, happened.what.value, happened.cause)
        if happened.what is What.GONE:
            self._events.pop(happened.group_id, None)
            return
        kept = self._events.get(happened.group_id)
        if kept is None:
            kept = self._events[happened.group_id] = deque(maxlen=KEPT)
        kept.append(happened)

    def of(self, group_id: str) -> list[Happened]:
        """Oldest first; empty for a group of which nothing has been heard since the broker started."""
        return list(self._events.get(group_id, ()))


def because(reason: str | None) -> str:
    """The reason that a client has given, as a cause."""
    return reason or "no reason given"


def listed(members: Iterable[str]) -> str:
    """Members by name, as long as they are few."""
    names = sorted(members)
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
