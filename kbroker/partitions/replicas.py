"""The replicas of a partition, and its high watermark. Pure.

There is one log. A replica is a mark on it: how far that node would have copied. A follower's mark follows the end at
once, unless it is held (tests and faults hold it) or its node is away; the high watermark is the least mark of the
in-sync replicas, and it is what acks=all waits for and what consumers see. It never goes back, but where a replica
begins to lead that has not copied everything: then the log ends at its mark, and what the others had above is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence


class Replicas:
    """`end` is the leader's own mark: what is written for sure."""

    __slots__ = ("assigned", "away", "end", "held", "high_watermark", "in_sync", "leader")

    def __init__(self, leader: int, assigned: Sequence[int], in_sync: Sequence[int]) -> None:
        self.leader = leader
        self.assigned = tuple(assigned)
        self.in_sync = tuple(in_sync)
        self.held: dict[int, int] = {}
        self.away: set[int] = set()  # those of them that are held because their node is away
        self.end = 0
        self.high_watermark = 0

    def mark(self, node_id: int) -> int:
        """How far a replica has come."""
        return self.held.get(node_id, self.end) if self.held else self.end

    def fewer_in_sync_than(self, least: int) -> bool:
        """Nobody can ask for more than there are (Kafka's `effectiveMinIsr`)."""
        return len(self.in_sync) < min(least, len(self.assigned))

    def _settle(self) -> bool:
        least = min([self.mark(node_id) for node_id in self.in_sync], default=self.end) if self.held else self.end
        if least <= self.high_watermark:
            return False
        self.high_watermark = least
        return True

    def written(self, end: int) -> bool:
        """The log is written up to `end`. Whether the high watermark moved."""
        self.end = end
        if self.held or end <= self.high_watermark:
            return self._settle()
        self.high_watermark = end
        return True

    def hold(self, node_id: int, mark: int | None = None) -> None:
        """A follower stays at its mark from now on."""
        assert node_id != self.leader, "the leader's mark is the log itself"
        self.held[node_id] = self.mark(node_id) if mark is None else mark
        self.away.discard(node_id)

    def release(self, node_id: int) -> bool:
        """The follower catches up. Whether the high watermark moved."""
        self.held.pop(node_id, None)
        return self._settle()

    def stand(self, away: Collection[int]) -> bool:
        """The nodes that are away copy nothing; who is back copies what it has missed, if somebody leads. Whether the
        high watermark moved."""
        for node_id in self.assigned:
            if node_id in away and node_id != self.leader and node_id not in self.held:
                self.held[node_id] = self.end
                self.away.add(node_id)
        if self.away and self.leader >= 0 and self.leader not in away:
            for node_id in self.away.difference(away):
                self.held.pop(node_id, None)
                self.away.discard(node_id)
        return self._settle()

    def lead(self, leader: int, assigned: Sequence[int], in_sync: Sequence[int]) -> bool:
        """Other roles. Whether the high watermark moved. A new leader's mark is the end of the log: one that is below
        stays until the log has been cut to it (`reset`)."""
        self.leader = leader
        self.assigned = tuple(assigned)
        self.in_sync = tuple(in_sync)
        self.away.discard(leader)
        if self.held.get(leader, self.end) >= self.end:
            self.held.pop(leader, None)
        return self._settle()

    def reset(self, end: int) -> None:
        """The log was opened again and ends here."""
        self.end = end
        self.held = {node_id: min(mark, end) for node_id, mark in self.held.items() if node_id != self.leader}
        self.high_watermark = 0
        self._settle()
