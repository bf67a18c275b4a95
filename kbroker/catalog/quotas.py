"""Client quotas (KIP-546): who may have them, which values they may have, and who matches a filter. In the words of
Kafka's `ClientQuotaControlManager` and `ClientQuotaImage`. Pure.

An entity is a sorted tuple of (type, name) pairs; a name of None is the default for all who have no quota of their
own. Addresses stand alone; users and client ids can stand together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from wire.errors import ErrorCode, KafkaError

Entity = tuple[tuple[str, str | None], ...]

USER, CLIENT_ID, IP = "user", "client-id", "ip"
EXACT, DEFAULT, SPECIFIED = range(3)

# An address or the name of a host, which is not looked up.
_HOST = re.compile(r"[0-9A-Za-z._:%-]+")

_LONG, _INT, _DOUBLE = (1 << 63) - 1, (1 << 31) - 1, None
_OF_CLIENTS: Mapping[str, int | None] = {
    "producer_byte_rate": _LONG,
    "consumer_byte_rate": _LONG,
    "request_percentage": _DOUBLE,
    "controller_mutation_rate": _DOUBLE,
}
_OF_ADDRESSES: Mapping[str, int | None] = {"connection_creation_rate": _INT}


class QuotaChange(NamedTuple):
    """A quota to set, or to take away (None)."""

    name: str
    value: float | None


class QuotaAlteration(NamedTuple):
    entity: Entity
    changes: Sequence[QuotaChange]


class Component(NamedTuple):
    """One part of a filter: entities whose part of this type has this name, is the default, or is there at all."""

    type: str
    match_type: int
    match: str | None


def altered(alteration: QuotaAlteration, before: Mapping[str, float]) -> dict[str, float]:
    """The quotas of an entity after the changes, or a KafkaError."""
    allowed = _allowed(alteration.entity)
    if len({change.name for change in alteration.changes}) < len(alteration.changes):
        raise duplicate(alteration.entity)
    after = dict(before)
    for name, value in alteration.changes:
        if value is None:
            after.pop(name, None)
            continue
        if name not in allowed:
            raise _refused(f"Invalid configuration key {name}")
        _check_value(name, value, allowed[name])
        after[name] = value
    return after


def duplicate(entity: Entity) -> KafkaError:
    parts = ", ".join(f"{kind}={'null' if name is None else name}" for kind, name in entity)
    return _refused(f"Ignoring duplicate entity ClientQuotaEntity(entries={{{parts}}})")


def _allowed(entity: Entity) -> Mapping[str, int | None]:
    if not entity:
        raise _refused("Invalid empty client quota entity")
    kinds = dict(entity)
    for kind, name in entity:
        if kind not in (USER, CLIENT_ID, IP):
            raise _refused(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _refused(f"Empty {kind} not supported")
    if IP not in kinds:
        return _OF_CLIENTS
    if len(kinds) > 1:
        raise _refused("Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId")
    address = kinds[IP]
    if address is not None and not _HOST.fullmatch(address):
        raise _refused(f"{address} is not a valid IP or resolvable host.")
    return _OF_ADDRESSES


def _check_value(name: str, value: float, most: int | None) -> None:
    if not isfinite(value):
        raise _refused(f"Quota {name} must be a finite number")
    if value <= 0:
        raise _refused(f"Quota {name} must be greater than 0")
    if most is None:
        return
    if value > most:
        raise _refused(f"Proposed value for {name} is too large for {'an INT' if most == _INT else 'a LONG'}.")
    if value != int(value):
        raise _refused(f"{name} cannot be a fractional value.")


def matching(
    quotas: Mapping[Entity, Mapping[str, float]], components: Sequence[Component], *, strict: bool
) -> Iterator[tuple[Entity, Mapping[str, float]]]:
    """What a filter finds; a strict one leaves out entities with further parts. Raises KafkaError at once."""
    _check_filter(components)
    return (
        (entity, values)
        for entity, values in sorted(quotas.items(), key=_order)
        if (not strict or len(entity) == len(components)) and all(_matches(one, entity) for one in components)
    )


def _order(item: tuple[Entity, Mapping[str, float]]) -> list[tuple[str, bool, str]]:
    return [(kind, name is None, name or "") for kind, name in item[0]]


def _matches(component: Component, entity: Entity) -> bool:
    for kind, name in entity:
        if kind == component.type:
            return component.match_type == SPECIFIED or name == component.match
    return False


def _check_filter(components: Sequence[Component]) -> None:
    kinds: list[str] = []
    for kind, match_type, match in components:
        if match_type not in (EXACT, DEFAULT, SPECIFIED):
            raise _refused(f"Unknown match type {match_type}")
        if match_type == EXACT and match is None:
            raise _refused("Request specified MATCH_TYPE_EXACT, but set match string to null.")
        if match_type != EXACT and match is not None:
            which = "MATCH_TYPE_DEFAULT" if match_type == DEFAULT else "MATCH_TYPE_SPECIFIED"
            raise _refused(f"Request specified {which}, but also specified a match string.")
        if not kind:
            raise _refused("Invalid empty entity type.")
        if kind in kinds:
            raise _refused(f"Entity type {kind} cannot appear more than once in the filter.")
        if kind not in (USER, CLIENT_ID, IP):
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")
        kinds.append(kind)
    if IP in kinds and len(kinds) > 1:
        raise _refused(
            "Invalid entity filter component combination. IP filter component should not be used with user or "
            "clientId filter component."
        )


def _refused(reason: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, reason)
