"""What the catalog knows, as others see it: topics, their partitions, nodes, finalized features.

These are views: they change in place when a record is applied, so look and forget, and keep none across an await.
Each topic carries a `memo` for whoever answers questions about it again and again (Metadata); it is emptied whenever
the topic changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kbroker.topic_config import TopicConfig

INTERNAL_TOPICS = frozenset(("__consumer_offsets", "__transaction_state", "__share_group_state"))

NO_LEADER = -1
NO_EPOCH = -1

# What configs hang on, by Kafka's numbers (ConfigResource.Type).
TOPIC, BROKER, CLIENT_METRICS, GROUP = 2, 4, 16, 32


@dataclass(slots=True)
class PartitionState:
    """Who leads a partition in which epoch, and who holds it."""

    leader: int
    leader_epoch: int
    replicas: list[int]
    isr: list[int]


@dataclass(slots=True, eq=False)
class Topic:
    """A topic. Its name is free again when it is deleted, its id (16 bytes) never."""

    name: str
    id: bytes
    partitions: list[PartitionState]
    overrides: dict[str, str]
    config: TopicConfig
    memo: dict[object, Any] = field(default_factory=dict)
    internal: bool = field(init=False)

    def __post_init__(self) -> None:
        self.internal = self.name in INTERNAL_TOPICS

    @property
    def replication_factor(self) -> int:
        return len(self.partitions[0].replicas)

    def log(self, index: int) -> str:
        """The name of a partition's log."""
        return f"{self.id.hex()}/{index}"


@dataclass(slots=True, eq=False)
class Node:
    """A live node. `endpoints` say where clients reach it, by the name of the listener: known once it listens."""

    id: int
    rack: str | None = None
    endpoints: dict[str, tuple[str, int]] = field(default_factory=dict)


class Features(NamedTuple):
    """The finalized features; the epoch grows with every change."""

    epoch: int
    levels: Mapping[str, int]


class NewTopic(NamedTuple):
    """A topic to be made; -1 stands for the broker's default. Assignments are (partition, replicas), the first
    replica leads.
    """

    name: str
    partitions: int = -1
    replication_factor: int = -1
    assignments: Sequence[tuple[int, Sequence[int]]] = ()
    configs: Sequence[tuple[str, str | None]] = ()


@dataclass(frozen=True, slots=True)
class NewPartitions:
    """A topic to be grown to `count` partitions; with assignments, the replicas of each new one."""

    name: str
    count: int
    assignments: Sequence[Sequence[int]] | None = None
