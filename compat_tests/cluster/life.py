"""A cluster of three that is moved about by a seed, and the readers of a group that live with it.

Steps come when the writer has got so many more answers, so each falls into the middle of traffic, and no run depends on
how fast a machine is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from random import Random

from compat_tests.drivers import Consumer, Place, Record
from kbroker.testing import Cluster
from kbroker.testing.cluster import Node


def steps(cluster: Cluster, seed: int, rounds: int) -> Iterator[Callable[[], object]]:
    """One broker at a time is away, so that acks=all goes on; leaders move in between."""
    chance = Random(seed)
    for _ in range(rounds):
        node = chance.choice(cluster.nodes)
        yield lambda: cluster.shuffle_leaders(chance.randrange(1 << 30))
        yield node.kill if chance.random() < 0.5 else node.stop
        yield lambda: cluster.shuffle_leaders(chance.randrange(1 << 30))
        yield _back(node)
        yield cluster.elect


def _back(node: Node) -> Callable[[], object]:
    return lambda: node.start()


class Reader(threading.Thread):
    """A member of a group that commits after every poll; what it has read, and what has kept it from committing."""

    def __init__(self, consumer: Consumer, topic: str, told: threading.Condition) -> None:
        super().__init__(daemon=True)
        self.consumer = consumer
        self.records: list[Record] = []
        self.refused: list[Exception] = []
        self.error: BaseException | None = None
        self._told = told
        self._ended = threading.Event()
        consumer.subscribe(topic)

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                polled = self.consumer.poll(0.1)
                if polled:
                    self._commit()
                with self._told:
                    self.records += polled
                    self._told.notify_all()
        except BaseException as error:
            with self._told:
                self.error = error
                self._told.notify_all()

    def _commit(self) -> None:
        """A rebalance may come between, which each library says with an exception of its own; then somebody reads these
        records again."""
        try:
            self.consumer.commit()
        except Exception as error:
            self.refused.append(error)

    def end(self) -> None:
        self._ended.set()
        self.join(60)
        assert not self.is_alive(), "a poll that does not end"
        self.consumer.close()


class Commits:
    """The committed offsets of a group as they were seen one time after another: none goes back."""

    def __init__(self, cluster: Cluster, group: str) -> None:
        self._cluster = cluster
        self._group = group
        self.seen: dict[Place, int] = {}

    def look(self) -> None:
        for group in self._cluster.groups():
            for one in group.offsets if group.id == self._group else ():
                place = one.topic, one.partition
                before = self.seen.get(place, 0)
                assert one.offset >= before, f"{place} was committed at {before}, and now is at {one.offset}"
                self.seen[place] = one.offset
