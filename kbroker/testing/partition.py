"""One partition, to be moved about: `broker.partition("orders", 0).leader = 3`. In a cluster any in-sync replica leads;
where there is only one, that one leads it or nobody does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kbroker.control.shapes import Partition as PartitionState
from kbroker.testing.ask import Ask, Asker, verb
from kbroker.testing.link import Line


class Partition(Asker):
    """A partition. What is assigned is done when the assignment returns."""

    def __init__(self, link: Callable[[], Line], topic: str, index: int) -> None:
        self._find = link
        self.topic = topic
        self.index = index

    @property
    def _link(self) -> Line:
        return self._find()

    @verb
    def look(self) -> Ask[PartitionState]:
        """Leader, epoch, replicas, in-sync replicas, offsets."""
        return self._ask(PartitionState, "leaders.get", topic=self.topic, partition=self.index)

    @verb
    def move(self, leader: int | None) -> Ask[PartitionState]:
        """Let another in-sync replica lead, in a new epoch; None leaves it without a leader."""
        return self._ask(PartitionState, "leaders.move", topic=self.topic, partition=self.index, leader=leader)

    @verb
    def hold(self, node: int) -> Ask[PartitionState]:
        """Let a follower copy nothing more. While it is in sync, acks=all waits for it and consumers see nothing
        new."""
        return self._ask(PartitionState, "leaders.hold", topic=self.topic, partition=self.index, node=node)

    @verb
    def release(self, node: int) -> Ask[PartitionState]:
        """Let it catch up."""
        return self._ask(PartitionState, "leaders.release", topic=self.topic, partition=self.index, node=node)

    @verb
    def assign(self, *replicas: int) -> Ask[PartitionState]:
        """Let these brokers hold it; the first is the preferred leader."""
        return self._ask(
            PartitionState, "leaders.assign", topic=self.topic, partition=self.index, replicas=list(replicas)
        )

    @verb
    def set_in_sync(self, *isr: int) -> Ask[PartitionState]:
        """Let these replicas be the in-sync ones; the leader is always one of them."""
        return self._ask(PartitionState, "leaders.in_sync", topic=self.topic, partition=self.index, isr=list(isr))

    @property
    def leader(self) -> int | None:
        found = self.look().leader
        return None if found < 0 else found

    @leader.setter
    def leader(self, leader: int | None) -> None:
        if leader != self.leader:
            self.move(leader)

    @property
    def leader_epoch(self) -> int:
        return self.look().leader_epoch

    @property
    def isr(self) -> list[int]:
        return self.look().isr

    @isr.setter
    def isr(self, isr: Sequence[int]) -> None:
        self.set_in_sync(*isr)

    @property
    def replicas(self) -> list[int]:
        return self.look().replicas

    @replicas.setter
    def replicas(self, replicas: Sequence[int]) -> None:
        self.assign(*replicas)

    def __repr__(self) -> str:
        return f"<{self.topic}-{self.index}>"
