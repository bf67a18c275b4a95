"""Group configs (KIP-848, KIP-932, KIP-1071): what a group may set for itself, within what the broker allows.

A value comes from the group's own override, else from the broker config behind it. The ranges are broker configs too,
and Kafka checks them when a value is set. What Kafka keeps to itself is shown only when it is set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from kbroker.config import Config, ConfigError, canonical, parse
from wire.errors import ErrorCode, KafkaError


class Entry(NamedTuple):
    """One row. `synonym` is the broker config behind it; `least` and `most` are those of its range."""

    name: str
    type: str
    default: str
    valid: str | None
    synonym: str
    least: str | None = None
    most: str | None = None
    hidden: bool = False


# fmt: off
TABLE: tuple[Entry, ...] = (
    Entry("consumer.assignment.interval.ms", "INT", "1000", "[0,...]", "group.consumer.assignment.interval.ms",
          "group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"),
    Entry("consumer.assignor.offload.enable", "BOOLEAN", "true", None, "group.consumer.assignor.offload.enable",
          hidden=True),
    Entry("consumer.heartbeat.interval.ms", "INT", "5000", "[1,...]", "group.consumer.heartbeat.interval.ms",
          "group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
    Entry("consumer.session.timeout.ms", "INT", "45000", "[1,...]", "group.consumer.session.timeout.ms",
          "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
    Entry("errors.deadletterqueue.copy.record.enable", "BOOLEAN", "false", None,
          "errors.deadletterqueue.copy.record.enable"),
    Entry("errors.deadletterqueue.topic.name", "STRING", "", None, "errors.deadletterqueue.topic.name"),
    Entry("share.assignment.interval.ms", "INT", "1000", "[0,...]", "group.share.assignment.interval.ms",
          "group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms"),
    Entry("share.assignor.offload.enable", "BOOLEAN", "true", None, "group.share.assignor.offload.enable",
          hidden=True),
    Entry("share.auto.offset.reset", "STRING", "latest", None, "share.auto.offset.reset"),
    Entry("share.delivery.count.limit", "INT", "5", "[2,...]", "group.share.delivery.count.limit",
          "group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"),
    Entry("share.heartbeat.interval.ms", "INT", "5000", "[1,...]", "group.share.heartbeat.interval.ms",
          "group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"),
    Entry("share.isolation.level", "STRING", "read_uncommitted", "[read_committed, read_uncommitted]",
          "share.isolation.level"),
    Entry("share.partition.max.record.locks", "INT", "2000", "[100,...]", "group.share.partition.max.record.locks",
          "group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"),
    Entry("share.record.lock.duration.ms", "INT", "30000", "[1000,...]", "group.share.record.lock.duration.ms",
          "group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"),
    Entry("share.renew.acknowledge.enable", "BOOLEAN", "true", None, "share.renew.acknowledge.enable"),
    Entry("share.session.timeout.ms", "INT", "45000", "[1,...]", "group.share.session.timeout.ms",
          "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
    Entry("streams.acceptable.recovery.lag", "LONG", "10000", "[0,...]", "group.streams.acceptable.recovery.lag",
          hidden=True),
    Entry("streams.assignment.interval.ms", "INT", "1000", "[0,...]", "group.streams.assignment.interval.ms",
          "group.streams.min.assignment.interval.ms", "group.streams.max.assignment.interval.ms"),
    Entry("streams.assignor.name", "STRING", "sticky", None, "group.streams.assignors"),
    Entry("streams.assignor.offload.enable", "BOOLEAN", "true", None, "group.streams.assignor.offload.enable",
          hidden=True),
    Entry("streams.heartbeat.interval.ms", "INT", "5000", "[1,...]", "group.streams.heartbeat.interval.ms",
          "group.streams.min.heartbeat.interval.ms", "group.streams.max.heartbeat.interval.ms"),
    Entry("streams.initial.rebalance.delay.ms", "INT", "3000", "[0,...]", "group.streams.initial.rebalance.delay.ms"),
    Entry("streams.num.standby.replicas", "INT", "0", "[0,...]", "group.streams.num.standby.replicas",
          most="group.streams.max.standby.replicas"),
    Entry("streams.num.warmup.replicas", "INT", "2", "[0,...]", "group.streams.num.warmup.replicas",
          most="group.streams.max.warmup.replicas", hidden=True),
    Entry("streams.rack.aware.assignment.tags", "LIST", "", None, "group.streams.rack.aware.assignment.tags"),
    Entry("streams.session.timeout.ms", "INT", "45000", "[1,...]", "group.streams.session.timeout.ms",
          "group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms"),
    Entry("streams.task.offset.interval.ms", "INT", "60000", "[1,...]", "group.streams.task.offset.interval.ms",
          "group.streams.min.task.offset.interval.ms", hidden=True),
)
# fmt: on

_DURATION = re.compile(r"by_duration:P(?=.)([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,9})?S)?)?")


@cache
def entries() -> dict[str, Entry]:
    return {entry.name: entry for entry in TABLE}


def check(overrides: Mapping[str, str], broker: Config) -> dict[str, str]:
    """The overrides of a group as they are kept, or KafkaError(INVALID_CONFIG) in Kafka's words."""
    table = entries()
    kept = {}
    for name, text in overrides.items():
        if name not in table:
            raise _refused(f"Unknown group config name: {name}")
        try:
            kept[name] = canonical(table[name], text)
        except ConfigError as error:
            raise _refused(str(error)) from None
        _check_words(name, kept[name], broker)
    for name, text in kept.items():
        _check_range(table[name], int(text) if table[name].type in ("INT", "LONG") else 0, broker)
    for kind in ("consumer", "share", "streams"):
        heartbeat, session = f"{kind}.heartbeat.interval.ms", f"{kind}.session.timeout.ms"
        if int(value(heartbeat, kept, broker)) >= int(value(session, kept, broker)):
            raise _refused(f"{session} must be greater than {heartbeat}")
    return kept


def value(name: str, overrides: Mapping[str, str], broker: Config) -> str:
    """What holds for a group with these overrides."""
    entry = entries()[name]
    if name in overrides:
        return overrides[name]
    return (broker.text(entry.synonym) if entry.synonym in broker else None) or entry.default


def typed(name: str, overrides: Mapping[str, str], broker: Config) -> str | int | bool | tuple[str, ...]:
    """The same as a value of its type."""
    found: str | int | bool | tuple[str, ...] = parse(entries()[name], value(name, overrides, broker))
    return found


def _check_words(name: str, text: str, broker: Config) -> None:
    if name == "share.auto.offset.reset" and text not in ("earliest", "latest") and not _DURATION.fullmatch(text):
        raise _refused(
            f"Invalid value {text} for configuration {name}: Invalid value `{text}` for configuration {name}. The "
            "value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."
        )
    if name == "streams.assignor.name" and text not in broker["group.streams.assignors"]:
        raise _refused(
            f"{name} '{text}' is not a registered task assignor. Registered assignors are: "
            f"[{', '.join(broker['group.streams.assignors'])}]."
        )


def _check_range(entry: Entry, number: int, broker: Config) -> None:
    low = None if entry.least is None else broker[entry.least]
    high = None if entry.most is None else broker[entry.most]
    if (low is None or low <= number) and (high is None or number <= high):
        return
    if low is None:
        raise _refused(f"{entry.name} must be less than or equal to {high}")
    if high is None:
        raise _refused(f"{entry.name} must be greater than or equal to {low}")
    raise _refused(f"{entry.name} must be in the range {low} to {high} inclusive.")


def _refused(reason: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_CONFIG, reason)
