"""Broker configs: Kafka's names, typed values, and Kafka's words when a value is wrong.

The rows are in `config_acting.py`, `config_security.py` and `config_shares.py` (what has an effect here) and
`config_stored.py` (what Kafka has and we only keep). A listener may have some of its own (`find`, `of_listener`).
`Config` holds what was set, checked and typed when it was made, what was set at run time (KIP-226), and answers with
the default for the rest:

    config = Config.parse({"num.partitions": "3"})
    config["num.partitions"] == 3          config["group.max.size"] == 2147483647          config["broker.rack"] is None

Types become: BOOLEAN bool; INT, SHORT, LONG int; DOUBLE float; LIST a tuple of strings; STRING, CLASS, PASSWORD str; a
value that is not set and has no default is None. Topic configs use the same types and rules (`topic_config.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from kbroker.config_acting import ACTING

Value = Any
"""What `Config` answers with: one of the types named above. The reader knows which, as it knows the name."""

_LISTENER = "listener.name."

_BOUNDS = {"SHORT": 15, "INT": 31, "LONG": 63}


class ConfigError(ValueError):
    """A name or value that cannot be; one sentence, for a user or for the error message of a response."""


class Entry(NamedTuple):
    """One row of the tables. `doc` is empty for a config that is only stored."""

    name: str
    type: str
    default: str | None
    valid: str | None
    dynamic: bool
    doc: str

    @property
    def acts(self) -> bool:
        return bool(self.doc)

    @property
    def sensitive(self) -> bool:
        return self.type == "PASSWORD"


@cache
def entries() -> dict[str, Entry]:
    """Every broker config by its name, sorted."""
    from kbroker.config_security import SECURITY  # what a start in plain text does without
    from kbroker.config_shares import SHARES  # what a start without share groups does without
    from kbroker.config_stored import STORED  # 200 rows that a start does without

    rows = [
        *_acting().values(), *(Entry(*row) for row in (*SECURITY, *SHARES)), *(Entry(*row, "") for row in STORED),
    ]  # fmt: skip
    return {entry.name: entry for entry in sorted(rows)}


@cache
def _acting() -> dict[str, Entry]:
    return {row[0]: Entry(*row) for row in ACTING}


def _entry(name: str) -> Entry:
    """The row of a name; KeyError where there is none."""
    entry = find(name)
    if entry is None:
        raise KeyError(name)
    return entry


def find(name: str) -> Entry | None:
    """The config of that name; also one that a listener, or a mechanism of a listener, has of its own."""
    entry = _acting().get(name) or entries().get(name)
    if entry is not None or not name.startswith(_LISTENER):
        return entry
    from kbroker.config_security import OF_A_LISTENER, OF_A_MECHANISM

    _, _, own = name.removeprefix(_LISTENER).partition(".")
    if own not in entries() or not own.startswith(OF_A_LISTENER):
        _, _, own = own.partition(".")
        if own not in entries() or not own.startswith(OF_A_MECHANISM):
            return None
    return entries()[own]._replace(name=name, default=None)


# Several names of one thing: a value is looked for in this order, and shown with all of them (Kafka's
# `DynamicBrokerConfig.brokerConfigSynonyms`).
_FAMILIES = {
    member: family[first:] if family[0] == "log.flush.interval.ms" else family
    for family in (
        ("log.roll.ms", "log.roll.hours"),
        ("log.roll.jitter.ms", "log.roll.jitter.hours"),
        ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
        ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    )
    for first, member in enumerate(family)
}


class Layer(NamedTuple):
    """One place where a value could have come from: source is "broker" (set at run time for this broker), "brokers"
    (for all), "static" (file, command line) or "default".
    """

    name: str
    value: str
    source: str


class Config(Mapping[str, Value]):
    """The broker's configs. What was set before the start stands; `change` says what is set at run time."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._texts = dict(texts or {})
        self._dynamic: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
        self._values: dict[str, Value] = {}
        for name, text in self._texts.items():
            entry = find(name)
            if entry is None:
                raise ConfigError(unknown(name, entries()))
            self._values[name] = parse(entry, text)

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Config:
        return cls(texts)

    def unless_set(self, texts: Mapping[str, str]) -> Config:
        """This config, with these values where nobody has set one."""
        return Config({**texts, **self._texts})

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            text = self.text(name)
            value = self._values[name] = None if text is None else parse(_entry(name), text)
            return value

    def of_listener(self, listener: str, name: str, mechanism: str = "") -> Value:
        """The value for a mechanism of a listener, or for the listener, or for all: the nearest that is set."""
        return self[self.nearest(listener, name, mechanism)]

    def nearest(self, listener: str, name: str, mechanism: str = "") -> str:
        """The name under which `of_listener` finds its value."""
        prefix = f"{_LISTENER}{listener.lower()}."
        for own in (f"{prefix}{mechanism.lower()}.{name}" if mechanism else "", prefix + name):
            if own and self.is_set(own):
                return own
        return name

    def __iter__(self) -> Iterator[str]:
        return iter(entries())

    def __len__(self) -> int:
        return len(entries())

    def with_own(self, own: Mapping[str, str]) -> Config:
        """This config as it would be with these set at run time for this broker."""
        made = Config(self._texts)
        made.change(own, self._dynamic[1])
        return made

    def change(self, own: Mapping[str, str], of_all: Mapping[str, str]) -> None:
        """What is set at run time from now on, for this broker and for all. Names that a broker does not know are for
        its plugins, and values that do not hold here (another version wrote them) are as if not set.
        """
        self._dynamic = (_holding(own), _holding(of_all))
        self._values = {}

    def is_set(self, name: str) -> bool:
        """Whether somebody has set it, even if to its default."""
        return name in self._texts or any(name in texts for texts in self._dynamic)

    def source(self, name: str) -> str:
        """Where the value comes from, in the words of `Layer`."""
        own, of_all = self._dynamic
        if name in own or name in of_all:
            return "broker" if name in own else "brokers"
        return "static" if name in self._texts else "default"

    def text(self, name: str) -> str | None:
        """The value as it was written, or the default as Kafka writes it."""
        for texts in (*self._dynamic, self._texts):
            if name in texts:
                return texts[name]
        return _entry(name).default

    def layers(self, name: str, own: Mapping[str, str] | None = None) -> list[Layer]:
        """Where the value could have come from, the one that counts first; `own` are the configs of another broker.

        Kafka looks at all names of the thing, one place after another, and tells what comes from the name itself on.
        """
        family = _FAMILIES.get(name, (name,))
        defaults = {member: entry.default for member in family if (entry := entries().get(member)) is not None}
        found = [
            Layer(member, text, source)
            for source, texts in (
                ("broker", self._dynamic[0] if own is None else own),
                ("brokers", self._dynamic[1]),
                ("static", self._texts),
                ("default", defaults),
            )
            for member in family
            if (text := texts.get(member)) is not None
        ]
        first = next((at for at, layer in enumerate(found) if layer.name == name), len(found))
        return found[first:]

    def of_listeners(self, own: Mapping[str, str]) -> list[Entry]:
        """What is set for single listeners, before the start or at run time (`own`)."""
        names = sorted({**self._texts, **own})
        return [entry for name in names if name not in entries() and (entry := find(name)) is not None]

    def without_effect(self) -> list[str]:
        """The names that were set although they are only stored."""
        return [name for name in self._texts if not _entry(name).acts]


def _holding(texts: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, text in texts.items():
        if (entry := find(name)) is not None:
            try:
                parse(entry, text)
            except ConfigError:
                continue
            found[name] = text
    return found


def unknown(name: str, known: Iterable[str]) -> str:
    """The sentence for a name that nobody knows, with the name that was probably meant."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f"Unknown config name: {name}" + (f" (did you mean {close[0]}?)" if close else "")


def parse(entry: Any, text: str) -> Value:
    """The typed value of a text, or ConfigError in Kafka's words. `entry` has name, type and valid."""
    name, kind = entry.name, entry.type
    text = text.strip() if kind != "PASSWORD" else text
    if kind == "BOOLEAN":
        if text.lower() not in ("true", "false"):
            raise _invalid(text, name, "Expected value to be either true or false")
        return text.lower() == "true"
    if kind == "LIST":
        value: Value = tuple(item.strip() for item in text.split(",")) if text else ()
    elif kind == "DOUBLE":
        value = _number(float, name, kind, text)
    elif kind in _BOUNDS:
        value = _number(int, name, kind, text)
        bound = 1 << _BOUNDS[kind]
        if not -bound <= value < bound:
            raise _invalid(text, name, f"Not a number of type {kind}")
    else:
        value = text
    if entry.valid is not None:
        _check(entry.valid, name, kind, value, text)
    if name == "max.connections.per.ip.overrides":
        _check_counts(text)
    return value


def _check_counts(text: str) -> None:
    """ADDRESS:COUNT,ADDRESS:COUNT"""
    for item in filter(None, map(str.strip, text.split(","))):
        address, _, count = item.rpartition(":")
        if not address or not count.isdecimal():
            raise ConfigError(f'For input string: "{count}"')


def canonical(entry: Any, text: str) -> str:
    """The text that stands for the same value without what is in the way of reading it: ` TRUE ` is `true`."""
    value = parse(entry, text)
    if entry.type == "LIST":
        return ",".join(value)
    if entry.type in _BOUNDS:
        return str(value)
    return text if entry.type == "PASSWORD" else text.strip().lower() if entry.type == "BOOLEAN" else text.strip()


def _number(convert: type[int] | type[float], name: str, kind: str, text: str) -> int | float:
    try:
        if "_" in text:
            raise ValueError(text)
        return convert(text)
    except ValueError:
        raise _invalid(text, name, f"Not a number of type {kind}") from None


def _check(rule: str, name: str, kind: str, value: Value, text: str) -> None:
    """Hold a value against a rule in Kafka's notation: see `config_acting.py`. A rule in no such notation is prose."""
    folded = rule.startswith("(case insensitive) ")
    inner = rule.removeprefix("(case insensitive) ")
    if inner.endswith("] or -1"):
        inner = inner.removesuffix(" or -1")
        if value == -1:
            return
    if not (inner.startswith("[") and inner.endswith("]")) or ":" in inner:
        return
    parts = [part.strip() for part in inner[1:-1].split(",")]
    if "..." in parts:
        low, high = parts[0], parts[-1]
        if low != "..." and value < float(low):
            raise _invalid(text, name, f"Value must be at least {low}")
        if high != "..." and value > float(high):
            raise _invalid(text, name, f"Value must be no more than {high}")
        return
    allowed = [part.lower() for part in parts] if folded else parts
    for item in value if kind == "LIST" else (value,):
        if (item.lower() if folded else item) not in allowed:
            raise _invalid(item, name, f"String must be one of{' (case insensitive)' * folded}: {', '.join(parts)}")


def _invalid(text: str, name: str, reason: str) -> ConfigError:
    return ConfigError(f"Invalid value {text} for configuration {name}: {reason}")
