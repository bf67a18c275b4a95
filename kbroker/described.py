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
from kbroker import group_config, telemetry_config, topic_config
from kbroker.config import Config
from kbroker.topic_config import TopicConfig

TOPIC, BROKER, DEFAULT_BROKER, STATIC, DEFAULT, LOGGER, CLIENT_METRICS, GROUP = range(1, 9)

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
UNKNOWN_TYPE = 0
_SOURCES = {"topic": TOPIC, "broker": BROKER, "brokers": DEFAULT_BROKER, "static": STATIC, "default": DEFAULT}

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


# What Kafka keeps to itself (`defineInternal`), and the settings of its authorizer: not described unless they are set.
HIDDEN = {
    "allow.everyone.if.no.acl.found", "controller.performance.always.log.threshold.ms",
    "controller.performance.sample.period.ms", "group.consumer.assignor.offload.enable",
    "group.consumer.regex.refresh.interval.ms", "group.share.assignor.offload.enable",
    "group.share.dlq.manager.class.name", "group.share.initialize.retry.interval.ms",
    "group.share.persister.class.name", "group.streams.acceptable.recovery.lag",
    "group.streams.assignor.offload.enable", "group.streams.max.warmup.replicas",
    "group.streams.min.task.offset.interval.ms", "group.streams.num.warmup.replicas",
    "group.streams.task.offset.interval.ms", "internal.metadata.delete.delay.millis",
    "internal.metadata.log.segment.bytes", "internal.metadata.max.batch.size.in.bytes", "log.initial.task.delay.ms",
    "producer.id.expiration.check.interval.ms", "remote.log.index.file.cache.ttl.ms",
    "remote.log.manager.task.retry.backoff.max.ms", "remote.log.manager.task.retry.backoff.ms",
    "remote.log.manager.task.retry.jitter", "server.max.startup.time.ms",
    "share.coordinator.cold.partition.snapshot.interval.ms", "share.coordinator.state.topic.prune.interval.ms",
    "super.users", "unclean.leader.election.interval.ms", "unstable.api.versions.enable",
    "unstable.feature.versions.enable",
}  # fmt: skip


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


def described_broker(config: Config, node_id: int, own: Mapping[str, str]) -> Iterator[Described]:
    """All configs of one broker but those that are hidden and not set: `own` are its dynamic ones, those of all brokers
    are in the config. What is set at run time and no config of ours may be one of a plugin, and a secret.
    """
    identity = {"node.id": str(node_id), "broker.id": str(node_id)}
    for entry in (*broker_config.entries().values(), *config.of_listeners(own)):
        name, secret = entry.name, entry.sensitive
        layers = config.layers(name, own)
        if name in HIDDEN and all(layer.source == "default" for layer in layers):
            continue
        if name in identity:
            found = [Synonym(name, identity[name], STATIC)]
            found += [Synonym(*layer[:2], DEFAULT) for layer in layers if layer.source == "default"]
        else:
            found = [Synonym(one, None if secret else text, _SOURCES[source]) for one, text, source in layers]
        yield Described(
            name,
            found[0].value if found else None,
            found[0].source if found else DEFAULT,
            TYPES[entry.type],
            tuple(found),
            entry.doc or ONLY_STORED,
            read_only=not entry.dynamic or name not in broker_config.entries(),
            sensitive=secret,
        )
    yield from _of_plugins(own, BROKER)


def described_of_all_brokers(of_all: Mapping[str, str]) -> Iterator[Described]:
    """What is set for all brokers at run time, and nothing else."""
    table = broker_config.entries()
    for name, value in of_all.items():
        if name in table:
            entry = table[name]
            shown = None if entry.sensitive else value
            synonyms = (Synonym(name, shown, DEFAULT_BROKER),)
            doc = entry.doc or ONLY_STORED
            yield Described(name, shown, DEFAULT_BROKER, TYPES[entry.type], synonyms, doc, sensitive=entry.sensitive)
    yield from _of_plugins(of_all, DEFAULT_BROKER)


def _of_plugins(texts: Mapping[str, str], source: int) -> Iterator[Described]:
    for name in texts:
        if broker_config.find(name) is None:
            synonyms = (Synonym(name, None, source),)
            yield Described(name, None, source, UNKNOWN_TYPE, synonyms, ONLY_STORED, read_only=True, sensitive=True)


def described_group(config: Config, overrides: Mapping[str, str]) -> Iterator[Described]:
    """A group that nobody knows has configs, too: what the broker says for all."""
    for entry in group_config.TABLE:
        name = entry.name
        if entry.hidden and name not in overrides:
            continue
        found = [Synonym(name, overrides[name], GROUP)] if name in overrides else []
        if entry.synonym in config:
            found += [Synonym(one, text, _SOURCES[source]) for one, text, source in config.layers(entry.synonym)]
        else:
            found.append(Synonym(entry.synonym, entry.default, DEFAULT))
        value = group_config.value(name, overrides, config)
        yield Described(name, value, found[0].source, TYPES[entry.type], tuple(found), ONLY_STORED)


def described_client_metrics(texts: Mapping[str, str]) -> Iterator[Described]:
    """A subscription that was never made shows the defaults."""
    for name, entry in telemetry_config.TABLE.items():
        if name in texts:
            synonyms: tuple[Synonym, ...] = (Synonym(name, texts[name], CLIENT_METRICS),)
            yield Described(name, texts[name], CLIENT_METRICS, TYPES[entry.type], synonyms, entry.doc)
        else:
            yield Described(name, entry.default, DEFAULT, TYPES[entry.type], (), entry.doc)
