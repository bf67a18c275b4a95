"""Configs as administration clients see them: each entry with its value, where that came from, and what else could
have set it.

Sources and types are Kafka's numbers (DescribeConfigsResponse). A value comes from the first of: a topic's own
override, the broker's dynamic config, the dynamic default of all brokers, the configuration that the broker was
started with, the default. The synonyms of an entry list those that are set, in this order. A value that is a secret
is never shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kbroker import config as broker_config
from kbroker import topic_config
from kbroker.config import Config
from kbroker.topic_config import TopicConfig

TOPIC, BROKER, DEFAULT_BROKER, STATIC, DEFAULT, LOGGER = 1, 2, 3, 4, 5, 6

TYPES = {
    "BOOLEAN": 1,
    "STRING": 2,
    "INT": 3,
    "SHORT": 4,
    "LONG": 5,
    "DOUBLE": 6,
    "LIST": 7,
    "CLASS": 8,
    "PASSWORD": 9,
}
_SOURCES = {"topic": TOPIC, "static": STATIC, "default": DEFAULT}

ONLY_STORED = "Kept and shown; it has no effect in this broker."


class Synonym(NamedTuple):
    """One place where the value could have come from."""

    name: str
    value: str | None
    source: int


class Described(NamedTuple):
    """One config."""

    name: str
    value: str | None
    source: int
    type: int
    synonyms: tuple[Synonym, ...] = ()
    doc: str = ""
    read_only: bool = False
    sensitive: bool = False


def described_topic(config: TopicConfig) -> Iterator[Described]:
    """All configs of a topic; those that Kafka hides are shown when they are set."""
    for entry in topic_config.TABLE:
        if entry.name.startswith("internal.") and entry.name not in config.overrides:
            continue
        yield Described(
            entry.name,
            config.text(entry.name),
            _SOURCES[config.source(entry.name)],
            TYPES[entry.type],
            tuple([Synonym(name, value, _SOURCES[source]) for name, value, source in config.synonyms(entry.name)]),
            entry.doc or ONLY_STORED,
        )


def described_broker(
    config: Config, node_id: int, own: Mapping[str, str], of_all: Mapping[str, str]
) -> Iterator[Described]:
    """All configs of one broker: `own` are its dynamic ones, `of_all` those of every broker."""
    for entry in broker_config.entries().values():
        name, sensitive = entry.name, entry.sensitive
        found = []
        if name in own:
            found.append(Synonym(name, None if sensitive else own[name], BROKER))
        if name in of_all:
            found.append(Synonym(name, None if sensitive else of_all[name], DEFAULT_BROKER))
        if name in ("node.id", "broker.id"):
            found.append(Synonym(name, str(node_id), STATIC))
        elif config.is_set(name):
            found.append(Synonym(name, None if sensitive else config.text(name), STATIC))
        if entry.default is not None:
            found.append(Synonym(name, None if sensitive else entry.default, DEFAULT))
        yield Described(
            name,
            found[0].value if found else None,
            found[0].source if found else DEFAULT,
            TYPES[entry.type],
            tuple(found),
            entry.doc or ONLY_STORED,
            read_only=not entry.dynamic,
            sensitive=sensitive,
        )


def described_of_all_brokers(of_all: Mapping[str, str]) -> Iterator[Described]:
    """What is set for all brokers at run time, and nothing else."""
    for name, value in of_all.items():
        entry = broker_config.entries()[name]
        shown = None if entry.sensitive else value
        synonyms = (Synonym(name, shown, DEFAULT_BROKER),)
        doc = entry.doc or ONLY_STORED
        yield Described(name, shown, DEFAULT_BROKER, TYPES[entry.type], synonyms, doc, sensitive=entry.sensitive)


# Groups and client metrics as Kafka shows them when nothing is set: name, type, default, the broker config behind it.
# fmt: off
_GROUP_ROWS = (
    ("consumer.assignment.interval.ms", "INT", "1000", "group.consumer.assignment.interval.ms"),
    ("consumer.heartbeat.interval.ms", "INT", "5000", "group.consumer.heartbeat.interval.ms"),
    ("consumer.session.timeout.ms", "INT", "45000", "group.consumer.session.timeout.ms"),
    ("errors.deadletterqueue.copy.record.enable", "BOOLEAN", "false", "errors.deadletterqueue.copy.record.enable"),
    ("errors.deadletterqueue.topic.name", "STRING", "", "errors.deadletterqueue.topic.name"),
    ("share.assignment.interval.ms", "INT", "1000", "group.share.assignment.interval.ms"),
    ("share.auto.offset.reset", "STRING", "latest", "share.auto.offset.reset"),
    ("share.delivery.count.limit", "INT", "5", "group.share.delivery.count.limit"),
    ("share.heartbeat.interval.ms", "INT", "5000", "group.share.heartbeat.interval.ms"),
    ("share.isolation.level", "STRING", "read_uncommitted", "share.isolation.level"),
    ("share.partition.max.record.locks", "INT", "2000", "group.share.partition.max.record.locks"),
    ("share.record.lock.duration.ms", "INT", "30000", "group.share.record.lock.duration.ms"),
    ("share.renew.acknowledge.enable", "BOOLEAN", "true", "share.renew.acknowledge.enable"),
    ("share.session.timeout.ms", "INT", "45000", "group.share.session.timeout.ms"),
    ("streams.assignment.interval.ms", "INT", "1000", "group.streams.assignment.interval.ms"),
    ("streams.assignor.name", "STRING", "sticky", "group.streams.assignors"),
    ("streams.heartbeat.interval.ms", "INT", "5000", "group.streams.heartbeat.interval.ms"),
    ("streams.initial.rebalance.delay.ms", "INT", "3000", "group.streams.initial.rebalance.delay.ms"),
    ("streams.num.standby.replicas", "INT", "0", "group.streams.num.standby.replicas"),
    ("streams.rack.aware.assignment.tags", "LIST", "", "group.streams.rack.aware.assignment.tags"),
    ("streams.session.timeout.ms", "INT", "45000", "group.streams.session.timeout.ms"),
)
_CLIENT_METRICS_ROWS = (
    ("interval.ms", "INT", "300000", None),
    ("match", "LIST", "", None),
    ("metrics", "LIST", "", None),
)
# fmt: on


def described_group(config: Config) -> Iterator[Described]:
    """No group has configs of its own yet: what the broker says for all."""
    known = broker_config.entries()
    for name, kind, default, synonym in _GROUP_ROWS:
        if synonym in known and config.is_set(synonym):
            text = config.text(synonym)
            chain = (Synonym(synonym, text, STATIC), Synonym(synonym, default, DEFAULT))
            yield Described(name, text, STATIC, TYPES[kind], chain, ONLY_STORED)
        else:
            yield Described(name, default, DEFAULT, TYPES[kind], (Synonym(synonym, default, DEFAULT),), ONLY_STORED)


def described_client_metrics() -> Iterator[Described]:
    for name, kind, default, _ in _CLIENT_METRICS_ROWS:
        yield Described(name, default, DEFAULT, TYPES[kind], (), ONLY_STORED)
