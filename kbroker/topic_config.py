"""Topic configs: the table, and how a topic's value is found.

A value comes from the topic's own override, else from the first broker config of its synonyms that somebody has set,
else from that config's default: `retention.ms` is found in `log.retention.ms`, `log.retention.minutes`,
`log.retention.hours`, in this order, each in its own unit. A row without a description is kept and shown, but has no
effect here. `internal.segment.bytes` is known to Kafka and shown by it only when set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from kbroker.config import Config, ConfigError, Value, canonical, parse
from wire.errors import ErrorCode, KafkaError

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000

# Broker configs in another unit than their topic config, and how many milliseconds their unit has.
_UNITS = {
    "log.retention.minutes": _MINUTE_MS,
    "log.retention.hours": _HOUR_MS,
    "log.roll.hours": _HOUR_MS,
    "log.roll.jitter.hours": _HOUR_MS,
}


class Entry(NamedTuple):
    """One row: the synonyms are broker configs, the one that goes first first."""

    name: str
    type: str
    default: str | None
    valid: str | None
    synonyms: tuple[str, ...]
    doc: str

    @property
    def acts(self) -> bool:
        return bool(self.doc)


class Synonym(NamedTuple):
    """One step of how a value was found, as DescribeConfigs shows it: source is "topic", or that of a `Layer` of the
    broker's config.
    """

    name: str
    value: str
    source: str


# fmt: off
TABLE: tuple[Entry, ...] = tuple(Entry(*row) for row in (
    ("cleanup.policy", "LIST", "delete", "[compact, delete]", ("log.cleanup.policy",),
     "What happens to old records: delete, compact, or both."),
    ("compression.gzip.level", "INT", "-1", "[1,...,9] or -1", ("compression.gzip.level",), ""),
    ("compression.lz4.level", "INT", "9", "[1,...,17]", ("compression.lz4.level",), ""),
    ("compression.type", "STRING", "producer", "[uncompressed, zstd, lz4, snappy, gzip, producer]",
     ("compression.type",), "The codec that batches are stored with; producer keeps the producer's."),
    ("compression.zstd.level", "INT", "3", "[-131072,...,22]", ("compression.zstd.level",), ""),
    ("delete.retention.ms", "LONG", "86400000", "[0,...]", ("log.cleaner.delete.retention.ms",),
     "How long tombstones and transaction markers stay in a compacted log."),
    ("errors.deadletterqueue.group.enable", "BOOLEAN", "false", None, (),
     "Whether share groups may use the topic as their dead letter queue."),
    ("file.delete.delay.ms", "LONG", "60000", "[0,...]", ("log.segment.delete.delay.ms",),
     "How long the files of deleted segments stay on the disk, under another name."),
    ("flush.messages", "LONG", "9223372036854775807", "[1,...]", ("log.flush.interval.messages",),
     "1 makes every write wait for the disk; larger values sync in the background."),
    ("flush.ms", "LONG", "9223372036854775807", "[0,...]",
     ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
     "How long after a write a sync follows in the background."),
    ("follower.replication.throttled.replicas", "LIST", "", "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
     (), ""),
    ("index.interval.bytes", "INT", "4096", "[0,...]", ("log.index.interval.bytes",), ""),
    ("internal.segment.bytes", "INT", None, None, (), ""),
    ("leader.replication.throttled.replicas", "LIST", "", "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
     (), ""),
    ("local.retention.bytes", "LONG", "-2", "[-2,...]", ("log.local.retention.bytes",), ""),
    ("local.retention.ms", "LONG", "-2", "[-2,...]", ("log.local.retention.ms",), ""),
    ("max.compaction.lag.ms", "LONG", "9223372036854775807", "[1,...]", ("log.cleaner.max.compaction.lag.ms",),
     "How long a record may wait to be compacted, whatever the ratio."),
    ("max.decompressed.message.bytes", "INT", "2147483639", "[1,...,2147483639]",
     ("max.decompressed.message.bytes",), "The most bytes that a batch may have when it is decompressed."),
    ("max.message.bytes", "INT", "1048588", "[0,...]", ("message.max.bytes",),
     "The largest record batch, as compressed by the producer."),
    ("message.timestamp.after.max.ms", "LONG", "3600000", "[0,...]", ("log.message.timestamp.after.max.ms",),
     "How far ahead of the broker a record timestamp may lie."),
    ("message.timestamp.before.max.ms", "LONG", "9223372036854775807", "[0,...]",
     ("log.message.timestamp.before.max.ms",), "How far behind the broker a record timestamp may lie."),
    ("message.timestamp.type", "STRING", "CreateTime", "[CreateTime, LogAppendTime]", ("log.message.timestamp.type",),
     "Whether records keep the time of the producer or get the time of the append."),
    ("min.cleanable.dirty.ratio", "DOUBLE", "0.5", "[0,...,1]", ("log.cleaner.min.cleanable.ratio",),
     "The share of bytes not yet compacted from which on the log is compacted."),
    ("min.compaction.lag.ms", "LONG", "0", "[0,...]", ("log.cleaner.min.compaction.lag.ms",),
     "How long a record stays as it is before it may be compacted."),
    ("min.insync.replicas", "INT", "1", "[1,...]", ("min.insync.replicas",),
     "How many replicas must be in sync for a write with acks=all."),
    ("preallocate", "BOOLEAN", "false", None, ("log.preallocate",), ""),
    ("remote.copy.lag.bytes", "LONG", "-1", "[-1,...]", ("log.remote.copy.lag.bytes",), ""),
    ("remote.copy.lag.ms", "LONG", "0", "[-1,...]", ("log.remote.copy.lag.ms",), ""),
    ("remote.log.copy.disable", "BOOLEAN", "false", None, (), ""),
    ("remote.log.delete.on.disable", "BOOLEAN", "false", None, (), ""),
    ("remote.storage.enable", "BOOLEAN", "false", None, (), ""),
    ("retention.bytes", "LONG", "-1", None, ("log.retention.bytes",),
     "How much of each partition is kept, by whole segments; -1 for all."),
    ("retention.ms", "LONG", "604800000", "[-1,...]",
     ("log.retention.ms", "log.retention.minutes", "log.retention.hours"), "How long records are kept; -1 for ever."),
    ("segment.bytes", "INT", "1073741824", "[1048576,...]", ("log.segment.bytes",),
     "The size at which a new segment file is begun."),
    ("segment.index.bytes", "INT", "10485760", "[4,...]", ("log.index.size.max.bytes",), ""),
    ("segment.jitter.ms", "LONG", "0", "[0,...]", ("log.roll.jitter.ms", "log.roll.jitter.hours"), ""),
    ("segment.ms", "LONG", "604800000", "[1,...]", ("log.roll.ms", "log.roll.hours"),
     "The age at which a new segment file is begun."),
    ("unclean.leader.election.enable", "BOOLEAN", "false", None, ("unclean.leader.election.enable",),
     "Whether a replica that is not in sync may lead when no other is left: what it has not is lost then."),
))
# fmt: on


@cache
def entries() -> dict[str, Entry]:
    return {entry.name: entry for entry in TABLE}


def check(overrides: Mapping[str, str | None]) -> dict[str, str]:
    """Refuse overrides as Kafka does, with KafkaError(INVALID_CONFIG) in its words; or give them as they are kept."""
    table = entries()
    nulls = sorted(name for name, text in overrides.items() if text is None)
    if nulls:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(nulls)}")
    values: dict[str, Value] = {}
    for name, text in overrides.items():
        if name not in table:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
        try:
            values[name] = parse(table[name], text or "")
            if name.endswith(".throttled.replicas"):
                _check_replicas(name, values[name])
        except ConfigError as error:
            raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from None
    shortest, longest = values.get("min.compaction.lag.ms", 0), values.get("max.compaction.lag.ms", (1 << 63) - 1)
    if shortest > longest:
        reason = f"min.compaction.lag.ms ({shortest}) > max.compaction.lag.ms ({longest})"
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"conflict topic config setting {reason}")
    if values.get("remote.storage.enable"):
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
            "storage.",
        )
    return {name: canonical(table[name], text or "") for name, text in overrides.items()}


_REPLICA = re.compile(r"[0-9]+:[0-9]+")


def _check_replicas(name: str, replicas: Sequence[str]) -> None:
    if tuple(replicas) != ("*",) and not all(map(_REPLICA.fullmatch, replicas)):
        raise ConfigError(
            f"Invalid value [{', '.join(replicas)}] for configuration {name}: {name} must be the literal '*' or a list "
            "of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
        )


class TopicConfig:
    """The configs of one topic, typed: `topic_config["max.message.bytes"] == 1048588`.

    Nothing changes after it was made; other overrides are another one.
    """

    __slots__ = ("_broker", "_values", "overrides")

    def __init__(self, overrides: Mapping[str, str], broker: Config) -> None:
        self.overrides = dict(overrides)
        self._broker = broker
        self._values: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            text = self.text(name)
            value = self._values[name] = None if text is None else parse(entries()[name], text)
            return value

    def text(self, name: str) -> str | None:
        """The value as text, wherever it comes from."""
        if name in self.overrides:
            return self.overrides[name]
        entry = entries()[name]
        for synonym in entry.synonyms:
            if self._broker.is_set(synonym):
                return _converted(synonym, self._broker.text(synonym))
        return entry.default

    def source(self, name: str) -> str:
        """Where the value comes from, as Kafka tells it: in the words of `Synonym`."""
        return next((one.source for one in self.synonyms(name)), "default")

    def synonyms(self, name: str) -> Sequence[Synonym]:
        """The places where the value could have come from, the one that counts first, as DescribeConfigs shows them.

        Kafka begins with the first synonym here, even where only another one is set.
        """
        found = [Synonym(name, self.overrides[name], "topic")] if name in self.overrides else []
        for synonym in entries()[name].synonyms[:1]:
            found += [Synonym(*layer) for layer in self._broker.layers(synonym)]
        return found


def _converted(synonym: str, text: str | None) -> str | None:
    unit_ms = _UNITS.get(synonym)
    if unit_ms is None or text is None:
        return text
    return str(int(text) * unit_ms if int(text) >= 0 else -1)
