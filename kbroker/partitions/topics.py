"""What partitions need to know of a topic. The catalog's Topic has it; this package does not know the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from storage.engine import LogOptions

FOREVER_MS = (1 << 63) - 1


class Settings(Protocol):
    """A topic's config: typed values by Kafka's names."""

    def __getitem__(self, name: str, /) -> Any: ...


class PartitionState(Protocol):
    """Who leads a partition, in which epoch, and who holds it."""

    @property
    def leader(self) -> int: ...

    @property
    def leader_epoch(self) -> int: ...

    @property
    def replicas(self) -> Sequence[int]: ...

    @property
    def isr(self) -> Sequence[int]: ...


class Topic(Protocol):
    """A topic as it is now."""

    @property
    def name(self) -> str: ...

    @property
    def id(self) -> bytes: ...

    @property
    def partitions(self) -> Sequence[PartitionState]: ...

    @property
    def config(self) -> Settings: ...


def log_options(config: Settings) -> LogOptions:
    """What of a topic's config the engine acts on."""
    messages, ms = config["flush.messages"], config["flush.ms"]
    compacted = "compact" in config["cleanup.policy"]  # what still grows is not compacted (KIP-354)
    return LogOptions(
        segment_bytes=config["segment.bytes"],
        segment_ms=min(config["segment.ms"], config["max.compaction.lag.ms"]) if compacted else config["segment.ms"],
        flush_messages=None if messages == FOREVER_MS else messages,
        flush_ms=None if ms == FOREVER_MS else ms,
        file_delete_delay_ms=config["file.delete.delay.ms"],
    )
