"""The replicas of a partition, and its high watermark. Pure.

There is one log. A replica is a mark on it: how far that node would have copied. A follower's mark follows the end at
once, unless it is held (tests and faults hold it); the high watermark is the least mark of the in-sync replicas, and
it is what acks=all waits for and what consumers see. It never goes back.
"""

from __future__ import annotations

from collections.abc import Sequence


class Replicas:
    """`end` is the leader's own mark: what is written for sure."""

    __slots__ = ("assigned", "end", "held", "high_watermark", "in_sync", "leader")

    def __init__(self, leader: int, assigned: Sequence[int], in_sync: Sequence[int]) -> None:
        self.leader = leader
        self.assigned = tuple(assigned)
        self.in_sync = tuple(in_sync)
        self.held: dict[int, int] = {}
        self.end = 0
        self.high_watermark = 0

    def mark(self, node_id: int) -> int:
        """How far a replica has come."""
        return self.held.get(node_id, self.end) if self.held else self.end

    def _settle(self) -> bool:
        least = min([self.mark(node_id) for node_id in self.in_sync], default=self.end) if self.held else self.end
        if least <= self.high_watermark:
            return False
        self.high_watermark = least
        return True

    def written(self, end: int) -> bool:
        """The log is written up to `end`. Whether the high watermark moved."""
        self.end = end
        return self._settle()

    def hold(self, node_id: int, mark: int | None = None) -> None:
        """A follower stays at its mark from now on."""
        assert node_id != self.leader, "the leader's mark is the log itself"
        self.held[node_id] = self.end if mark is None else mark

    def release(self, node_id: int) -> bool:
        """The follower catches up. Whether the high watermark moved."""
        self.held.pop(node_id, None)
        return self._settle()

    def lead(self, leader: int, assigned: Sequence[int], in_sync: Sequence[int]) -> bool:
        """Other roles. A new leader's mark is the end of the log. Whether the high watermark moved."""
        self.leader = leader
        self.assigned = tuple(assigned)
        self.in_sync = tuple(in_sync)
        self.held.pop(leader, None)
        return self._settle()

    def reset(self, end: int) -> None:
        """The log was opened again and ends here."""
        self.end = end
        self.held = {node_id: min(mark, end) for node_id, mark in self.held.items()}
        self.high_watermark = 0
        self._settle()
