"""What a log's config says of retention and compaction, in one value; and what the broker's config says of the cleaner.

The catalog's log has no topic: it is keyed, compacted and never deleted.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

FOREVER_MS = (1 << 63) - 1
KEY_BYTES = 140
"""What one key takes in memory: a hash, an offset and their places in a table."""


class Settings(Protocol):
    """Typed values by Kafka's names."""

    def __getitem__(self, name: str, /) -> Any: ...


class Policy(NamedTuple):
    """What is to be done with one log. Times in ms; -1 in retention is for ever."""

    delete: bool
    compact: bool
    retention_ms: int
    retention_bytes: int
    min_dirty_ratio: float
    min_lag_ms: int
    max_lag_ms: int
    delete_retention_ms: int
    segment_bytes: int
    max_decompressed_bytes: int

    @classmethod
    def of(cls, config: Settings) -> Policy:
        policies = config["cleanup.policy"]
        return cls(
            "delete" in policies,
            "compact" in policies,
            config["retention.ms"],
            config["retention.bytes"],
            config["min.cleanable.dirty.ratio"],
            config["min.compaction.lag.ms"],
            config["max.compaction.lag.ms"],
            config["delete.retention.ms"],
            config["segment.bytes"],
            config["max.decompressed.message.bytes"],
        )


CATALOG = Policy(False, True, -1, -1, 0.5, 0, FOREVER_MS, 86_400_000, 16 << 20, 256 << 20)


class Pace(NamedTuple):
    """What the broker's config says."""

    enabled: bool
    first_look_ms: int
    retention_interval_ms: int
    compaction_interval_ms: int
    most_keys: int

    @classmethod
    def of(cls, config: Settings) -> Pace:
        usable = config["log.cleaner.dedupe.buffer.size"] * config["log.cleaner.io.buffer.load.factor"]
        return cls(
            config["log.cleaner.enable"],
            config["log.initial.task.delay.ms"],
            config["log.retention.check.interval.ms"],
            max(config["log.cleaner.backoff.ms"], 1),
            max(int(usable / KEY_BYTES), 1),
        )
