"""From a file and a command line to the broker's `Config`.

Later goes before earlier: defaults, --preset, the file of --config, --set, flags. A flag is only another way to write
configs:

    --listen       listeners, in the order given         --data DIR   log.dirs
    --advertise    advertised.listeners                  --memory     kbroker.memory        --fsync   kbroker.fsync

The same thing said twice on one command line, in two ways or with two values, is a mistake and not a matter of order.
Some names speak of one thing (`log.dir`, `log.dirs` and `kbroker.memory` all say where the data is): whoever sets one
of them puts away what an earlier layer said with another.

The file is TOML; `num.partitions = 3` and `[num]` with `partitions = 3` are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kbroker.config import Config, ConfigError, entries, find, unknown
from kbroker.listeners import parse_address

PRESETS: Mapping[str, Mapping[str, str]] = {
    # Timing as Apache Kafka has it by default; ours is that of development, where nobody likes to wait.
    "kafka": {
        "group.consumer.assignment.interval.ms": "1000",
        "group.consumer.heartbeat.interval.ms": "5000",
        "group.consumer.min.heartbeat.interval.ms": "5000",
        "group.consumer.min.session.timeout.ms": "45000",
        "group.initial.rebalance.delay.ms": "3000",
        "group.min.session.timeout.ms": "6000",
        "group.streams.assignment.interval.ms": "1000",
        "group.streams.heartbeat.interval.ms": "5000",
        "group.streams.initial.rebalance.delay.ms": "3000",
        "group.streams.min.heartbeat.interval.ms": "5000",
        "group.streams.min.session.timeout.ms": "45000",
    },
}

_ONE_THING = (("log.dirs", "log.dir", "kbroker.memory"), ("node.id", "broker.id"))


def gather(
    file: str | None = None,
    sets: Sequence[str] = (),
    *,
    listen: Sequence[str] = (),
    advertise: Sequence[str] = (),
    data: str | None = None,
    memory: bool = False,
    fsync: bool = False,
    preset: str | None = None,
) -> Config:
    """The config that all of these ask for; ConfigError says in one sentence what is wrong with it."""
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
    spoken = _sets(sets)
    for name, (flag, _) in flags.items():
        for same in _same(name):
            if same in spoken:
                raise ConfigError(f"{flag} and --set {same}=... say the same thing twice")
    spoken |= {name: text for name, (_, text) in flags.items()}
    texts = _file(file) if file is not None else {}
    for name in spoken:
        for same in _same(name):
            texts.pop(same, None)
    return Config({**(PRESETS[preset] if preset is not None else {}), **texts, **spoken})


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
        if find(name) is None:
            raise ConfigError(unknown(name, entries()))
        for same in _same(name):
            if same in texts and (same != name or texts[same] != text):
                raise ConfigError(f"--set {same}={texts[same]} and --set {name}={text} contradict each other")
        texts[name] = text
    return texts


def _file(path: str) -> dict[str, str]:
    """The names and values of a TOML file, as text."""
    import tomllib

    try:
        with open(path, "rb") as file:
            tree = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error} (a name that begins like another one needs quotes)") from None
    texts: dict[str, str] = {}
    try:
        _flatten(tree, "", texts)
        Config(texts)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return texts


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
