"""How the overrides of a resource change, and what is refused (Kafka's `ConfigurationControlManager` and
`ConfigAdminManager`, to the word).

A change is a set of operations on single configs (KIP-339), or it replaces all overrides. What comes of it is held
against the rules of its kind of resource as a whole, so a resource changes whole or not at all. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kbroker import group_config, telemetry_config, topic_config
from kbroker.catalog.state import BROKER, CLIENT_METRICS, GROUP, TOPIC
from kbroker.config import Config, ConfigError, canonical, find
from kbroker.config import entries as broker_entries
from wire.errors import ErrorCode, KafkaError

SET, DELETE, APPEND, SUBTRACT = range(4)
_VERBS = {APPEND: "APPEND", SUBTRACT: "SUBTRACT"}

# These come up with the broker; Kafka can change them in a running one.
_FROM_THE_START = ("listeners", "listener.security.protocol.map")
_ONLY_BY_LISTENER = "ssl."
_OF_A_LISTENER = "listener.name."
_ONLY_OF_ONE_BROKER = ("sasl.", _OF_A_LISTENER)


class ConfigChange(NamedTuple):
    """One operation on one config."""

    name: str
    operation: int
    value: str | None


class Alteration(NamedTuple):
    """What is to be done to one resource: operations, or a set of values (all of them SET) instead of what there is."""

    kind: int
    name: str
    changes: Sequence[ConfigChange]
    replaces: bool = False


def altered(
    alteration: Alteration, before: Mapping[str, str], inherited: Callable[[str], str | None], broker: Config
) -> dict[str, str]:
    """The overrides of a resource after the changes, or a KafkaError. `inherited` is what holds without an override;
    it is asked about lists.
    """
    kind = alteration.kind
    _check_changes(alteration.changes)
    after: dict[str, str] = {} if alteration.replaces else dict(before)
    for name, operation, value in alteration.changes:
        if operation == DELETE:
            after.pop(name, None)
        elif operation == SET:
            after[name] = value or ""
        elif operation in _VERBS:
            _check_list(kind, name, operation)
            text = after[name] if name in after else inherited(name) or ""
            after[name] = _extended(text, value or "") if operation == APPEND else _reduced(text, value or "")
        else:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    if kind == TOPIC:
        return topic_config.check(dict(after))
    if kind == GROUP:
        return group_config.check(after, broker)
    if kind == CLIENT_METRICS:
        return telemetry_config.check(after)
    assert kind == BROKER
    return _checked_broker(after, of_all=not alteration.name)


def shows_anew(alteration: Alteration, before: Mapping[str, str]) -> bool:
    """Whether it says, or says once more, what a listener with TLS shows and whom it believes."""
    names = [*(change.name for change in alteration.changes), *before]
    return alteration.kind == BROKER and any(f".{_ONLY_BY_LISTENER}" in name for name in names)


def _check_changes(changes: Sequence[ConfigChange]) -> None:
    nulls = [change.name for change in changes if change.operation != DELETE and change.value is None]
    if nulls:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {','.join(nulls)}")
    if len({change.name for change in changes}) < len(changes):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")


def _check_list(kind: int, name: str, operation: int) -> None:
    if kind == BROKER:
        entry = broker_entries().get(name)
        if entry is None or entry.type != "LIST":
            verb = _VERBS[operation].lower()
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Config value {verb} is not allowed for config key: {name}")
        return
    # Kafka's controller knows the types of topic configs only.
    if kind != TOPIC or name not in topic_config.entries() or topic_config.entries()[name].type != "LIST":
        raise KafkaError(
            ErrorCode.INVALID_CONFIG, f"Can't {_VERBS[operation]} to key {name} because its type is not LIST."
        )


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text else []


def _extended(text: str, more: str) -> str:
    """What is there already is not there twice."""
    return ",".join(dict.fromkeys(_items(text) + _items(more)))


def _reduced(text: str, less: str) -> str:
    gone = _items(less)
    return ",".join(item for item in _items(text) if item not in gone)


def _checked_broker(texts: Mapping[str, str], *, of_all: bool) -> dict[str, str]:
    """A config of a name that we do not know may be one of a plugin; Kafka keeps it, too."""
    table = broker_entries()
    _refuse("Cannot update these configs dynamically", [
        name for name in texts if name in table and (not table[name].dynamic or name in _FROM_THE_START)
    ])  # fmt: skip
    _refuse(
        "These security configs can be dynamically updated only per-listener using the listener prefix",
        [name for name in texts if name in table and name.startswith(_ONLY_BY_LISTENER)],
    )
    if of_all:
        _refuse(
            "Cannot update these configs at default cluster level, broker id must be specified",
            [name for name in texts if find(name) is not None and name.startswith(_ONLY_OF_ONE_BROKER)],
        )
    try:
        return {name: text if (entry := find(name)) is None else canonical(entry, text) for name, text in texts.items()}
    except ConfigError as error:
        raise KafkaError(ErrorCode.INVALID_REQUEST, str(error)) from None


def _refuse(reason: str, names: Sequence[str]) -> None:
    if names:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"{reason}: [{', '.join(sorted(names))}]")
