"""From files, the environment and a command line to the broker's `Config`, and to the topics that are there from the
start.

Later goes before earlier: defaults, --preset, the file of --config, KAFKA_* variables, --set, flags. A flag is only
another way to write configs:

    --listen       listeners, in the order given         --data DIR   log.dirs
    --advertise    advertised.listeners                  --memory     kbroker.memory        --fsync   kbroker.fsync
    --user         kbroker.sasl.users                    --add-scram  kbroker.scram.users
    --http         kbroker.http                          --control    kbroker.control
    --brokers      kbroker.brokers                       --racks      kbroker.racks
    --tls          ssl.keystore.location, and for a directory ssl.truststore.location

The same thing said twice on one command line, in two ways or with two values, is a mistake and not a matter of order.
Some names speak of one thing (`log.dir`, `log.dirs` and `kbroker.memory` all say where the data is): whoever sets one
of them puts away what an earlier layer said with another.

A file whose name ends with .properties is a broker's server.properties. Any other one is TOML: `num.partitions = 3` and
`[num]` with `partitions = 3` are the same, and `[topics.orders]` has `partitions` and the configs of a topic.

Variables are named as in the apache/kafka image: KAFKA_LOG_RETENTION_MS is log.retention.ms; of what a name has
besides, "__" stands for "_" and "___" for "-".

A server.properties and the environment of a container are written for another broker: what they have that is unknown
here is told and left alone. In TOML, --set and flags an unknown name is a mistake.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kbroker.config import Config, ConfigError, entries, find, unknown
from kbroker.listeners import parse_address

TOPICS = "topics"
VARIABLE = "KAFKA_"
NOT_CONFIGS = r"KAFKA_(VERSION|HOME|HEAP_OPTS|OPTS|JVM_\w+|GC_\w+|JMX_\w+|LOG4J_\w+|TOOLS_\w+|BOOTSTRAP_\w+)"
"""Variables of the image's scripts and of clients."""

PRESETS: Mapping[str, Mapping[str, str]] = {
    # Timing as Apache Kafka has it by default; ours is that of development, where nobody likes to wait.
    "kafka": {
        "group.consumer.assignment.interval.ms": "1000",
        "group.consumer.heartbeat.interval.ms": "5000",
        "group.consumer.min.heartbeat.interval.ms": "5000",
        "group.consumer.min.session.timeout.ms": "45000",
        "group.initial.rebalance.delay.ms": "3000",
        "group.min.session.timeout.ms": "6000",
        "group.share.assignment.interval.ms": "1000",
        "group.share.heartbeat.interval.ms": "5000",
        "group.share.min.heartbeat.interval.ms": "5000",
        "group.share.min.record.lock.duration.ms": "15000",
        "group.share.min.session.timeout.ms": "45000",
        "group.streams.assignment.interval.ms": "1000",
        "group.streams.heartbeat.interval.ms": "5000",
        "group.streams.initial.rebalance.delay.ms": "3000",
        "group.streams.min.heartbeat.interval.ms": "5000",
        "group.streams.min.session.timeout.ms": "45000",
    },
}

_ONE_THING = (("log.dirs", "log.dir", "kbroker.memory"), ("node.id", "broker.id"))


class Seed(NamedTuple):
    """A topic that is to be there when the broker is ready; -1 partitions are num.partitions."""

    name: str
    partitions: int = -1
    configs: Mapping[str, str] = {}


class Gathered(NamedTuple):
    """`unknown` are names that were meant for another broker, and mean nothing here."""

    config: Config
    topics: Sequence[Seed]
    unknown: Sequence[str]


def gather(
    file: str | None = None,
    sets: Sequence[str] = (),
    *,
    topics: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    listen: Sequence[str] = (),
    advertise: Sequence[str] = (),
    data: str | None = None,
    memory: bool = False,
    fsync: bool = False,
    users: Sequence[str] = (),
    add_scram: Sequence[str] = (),
    tls: str | None = None,
    preset: str | None = None,
    http: str | None = None,
    control: bool = False,
    brokers: int | None = None,
    racks: str | None = None,
) -> Gathered:
    """What all of these ask for together; ConfigError says in one sentence what is wrong with it."""
    if memory and data is not None:
        raise ConfigError("--memory and --data DIR contradict each other")
    flags: dict[str, tuple[str, str]] = {}
    if listen:
        flags["listeners"] = "--listen", _joined(listen, "--listen")
    if advertise:
        flags["advertised.listeners"] = "--advertise", _joined(advertise, "--advertise")
    if data is not None:
        flags["log.dirs"] = "--data", data
    if memory:
        flags["kbroker.memory"] = "--memory", "true"
    if fsync:
        flags["kbroker.fsync"] = "--fsync", "true"
    if http is not None:
        flags["kbroker.http"] = "--http", http
    if brokers is not None:
        flags["kbroker.brokers"] = "--brokers", str(brokers)
    if racks is not None:
        flags["kbroker.racks"] = "--racks", racks
    flags |= _security(users, add_scram, tls)
    if control:
        flags["kbroker.control"] = "--control", "true"
        if http is None and "kbroker.http" not in _sets(sets):
            flags["kbroker.http"] = "--control", "127.0.0.1:0"
    spoken = _sets(sets)
    for name, (flag, _) in flags.items():
        for same in _same(name):
            if same in spoken:
                raise ConfigError(f"{flag} and --set {same}=... say the same thing twice")
    spoken |= {name: text for name, (_, text) in flags.items()}
    texts, seeds = _file(file) if file is not None else ({}, [])
    _over(texts, _variables(environment or {}))
    foreign = sorted(name for name in texts if find(name) is None)
    texts = {name: text for name, text in texts.items() if name not in foreign}
    _over(texts, spoken)
    wanted = {seed.name: seed for seed in (*seeds, *map(_seed, topics))}
    preset_texts = PRESETS[preset] if preset is not None else {}
    return Gathered(Config({**preset_texts, **texts}), tuple(wanted.values()), foreign)


def _over(texts: dict[str, str], later: Mapping[str, str]) -> None:
    """What is said later takes the place of what says the same thing in other words."""
    for name in later:
        for same in _same(name):
            texts.pop(same, None)
    texts.update(later)


def _seed(text: str) -> Seed:
    """NAME[:PARTITIONS[:KEY=VALUE]...]"""
    name, *rest = text.split(":")
    partitions = rest.pop(0) if rest and "=" not in rest[0] else "-1"
    pairs = [part.partition("=") for part in rest]
    if not name or not re.fullmatch(r"-1|[1-9]\d*", partitions) or not all(key and equals for key, equals, _ in pairs):
        raise ConfigError(f"--topic wants NAME[:PARTITIONS[:KEY=VALUE]], not {text}")
    return Seed(name, int(partitions), {key: value for key, _, value in pairs})


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """KAFKA_* variables as configs."""
    found = {}
    for name, text in environment.items():
        if name.startswith(VARIABLE) and not re.fullmatch(NOT_CONFIGS, name):
            found[_config_of(name)] = text
    try:
        Config({name: text for name, text in found.items() if find(name) is not None})
    except ConfigError as error:
        raise ConfigError(f"the environment: {error}") from None
    return found


def _config_of(variable: str) -> str:
    words = variable.removeprefix(VARIABLE).lower()
    return re.sub("_+", lambda run: {1: ".", 2: "_", 3: "-"}.get(len(run[0]), run[0]), words)


def _security(users: Sequence[str], add_scram: Sequence[str], tls: str | None) -> dict[str, tuple[str, str]]:
    flags: dict[str, tuple[str, str]] = {}
    if tls is not None:
        folder = os.path.isdir(tls)
        flags["ssl.keystore.location"] = "--tls", os.path.join(tls, "server.pem") if folder else tls
        if folder:
            flags["ssl.truststore.location"] = "--tls", os.path.join(tls, "ca.pem")
    if users:
        flags["kbroker.sasl.users"] = "--user", ",".join(users)
    if add_scram:
        flags["kbroker.scram.users"] = "--add-scram", ",".join(add_scram)
    return flags


def _same(name: str) -> tuple[str, ...]:
    return next((names for names in _ONE_THING if name in names), (name,))


def _joined(addresses: Sequence[str], flag: str) -> str:
    return ",".join(str(parse_address(text, flag)) for text in addresses)


def _sets(sets: Sequence[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for item in sets:
        name, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not name:
            raise ConfigError(f"--set wants NAME=VALUE, not {item}")
        entry = find(name)
        if entry is None:
            raise ConfigError(unknown(name, entries()))
        for same in _same(name):
            if same in texts and (same != name or texts[same] != text):
                one, other = ("***", "***") if entry.sensitive else (texts[same], text)
                raise ConfigError(f"--set {same}={one} and --set {name}={other} contradict each other")
        texts[name] = text
    return texts


def _file(path: str) -> tuple[dict[str, str], list[Seed]]:
    """The names and values of a file, as text, and its topics."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    try:
        texts, seeds = _properties(content) if path.endswith(".properties") else _toml(content)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return texts, seeds


def _properties(content: bytes) -> tuple[dict[str, str], list[Seed]]:
    from kbroker.properties import parse_properties

    texts = parse_properties(content.decode())
    Config({name: text for name, text in texts.items() if find(name) is not None})
    return texts, []


def _toml(content: bytes) -> tuple[dict[str, str], list[Seed]]:
    import tomllib

    try:
        tree = tomllib.loads(content.decode())
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"it is not TOML: {error} (a name that begins like another one needs quotes)") from None
    seeds = [_table(name, table) for name, table in tree.pop(TOPICS, {}).items()]
    texts: dict[str, str] = {}
    _flatten(tree, "", texts)
    Config(texts)
    return texts, seeds


def _table(name: str, table: Any) -> Seed:
    """[topics.NAME]"""
    if not isinstance(table, dict):
        raise ConfigError(f"topics.{name} is no table; [topics.{name}] begins one")
    texts: dict[str, str] = {}
    _flatten(table, "", texts)
    partitions = texts.pop("partitions", "-1")
    if not re.fullmatch(r"-1|[1-9]\d*", partitions):
        raise ConfigError(f"topics.{name} has {partitions} partitions, and needs one at least")
    return Seed(name, int(partitions), texts)


def _flatten(tree: Mapping[str, Any], prefix: str, texts: dict[str, str]) -> None:
    for key, value in tree.items():
        name = prefix + key
        if isinstance(value, dict):
            _flatten(value, name + ".", texts)
        elif isinstance(value, list):
            texts[name] = ",".join(_text(name, item) for item in value)
        else:
            texts[name] = _text(name, value)


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ConfigError(f"Invalid value {value} for configuration {name}: Expected text, a number, true or false")
