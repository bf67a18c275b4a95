"""Topics and partitions inside any request or response, found by what the schema says of its fields. Pure.

A topic is a struct with a field that is a topic's name or id, or such a name standing alone in an array; its partitions
are numbers, or structs with a number that is their index. So nothing here knows any single API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

from wire.primitives import ZERO_UUID
from wire.schema import Field, Struct

Names = Callable[[bytes], str | None]
"""The name of the topic with that id."""
Keep = Callable[[str, int | None], bool]
"""Whether a partition stays; None is the whole topic, where a request does not speak of partitions."""

_INDEXES = ("partition", "partition_index", "index")
_LISTS = ("partitions", "partition_indexes")
_TOPIC = "topicName"


def values(struct: Struct, entity: str) -> Iterator[Any]:
    """Everything in a message that names something of this kind: groupId, transactionalId."""
    for field in struct.__fields__:
        value = getattr(struct, field.name)
        if field.kind == "struct":
            if value is not None:
                yield from values(value, entity)
        elif field.kind != "array":
            if field.entity == entity and value is not None:
                yield value
        elif _struct_of(field) is not None:
            for item in value or ():
                yield from values(item, entity)
        elif field.entity == entity:
            yield from value or ()


def partitions(struct: Struct, name_of: Names) -> Iterator[tuple[str, int | None]]:
    """The partitions that a message speaks of, and topics of which it names no partition."""
    for field, items in _arrays(struct):
        for item in items:
            name = _topic(field, item, name_of)
            if name is not None:
                indexes: list[int | None] = [] if isinstance(item, str) else list(_indexes(item))
                yield from [(name, index) for index in indexes or [None]]
            elif isinstance(item, Struct):
                yield from partitions(item, name_of)


def only(struct: Struct, name_of: Names, keep: Keep) -> Any:
    """The same message with fewer partitions; topics of which none is left are left out."""
    found = copy(struct)
    for field, items in _arrays(struct):
        kept = []
        for item in items:
            name = _topic(field, item, name_of)
            if name is None:
                kept.append(only(item, name_of, keep) if isinstance(item, Struct) else item)
            elif isinstance(item, str) or not any(True for _ in _indexes(item)):
                if keep(name, None):
                    kept.append(item)
            else:
                smaller = _with_partitions(item, name, keep)
                if any(True for _ in _indexes(smaller)):
                    kept.append(smaller)
        if getattr(struct, field.name) is not None:
            setattr(found, field.name, kept)
    return found


def each_partition(struct: Struct, name_of: Names) -> Iterator[tuple[str, Struct]]:
    """Every partition of a response, as the struct that it is, with its topic's name."""
    for field, items in _arrays(struct):
        for item in items:
            name = _topic(field, item, name_of)
            if name is None or isinstance(item, str):
                if isinstance(item, Struct):
                    yield from each_partition(item, name_of)
                continue
            for inner, parts in _arrays(item):
                if _index_field(inner) is not None:
                    yield from [(name, part) for part in parts]


def index_of(partition: Any) -> int:
    """Of a partition that `each_partition` has found."""
    found: int = next(getattr(partition, name) for name in _INDEXES if hasattr(partition, name))
    return found


def merge(one: Any, other: Any) -> Any:
    """Two responses to parts of one request, as the response to the whole of it; the first one's own fields stay."""
    for field in one.__fields__:
        if field.kind != "array" or _struct_of(field) is None:
            continue
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if not theirs:
            continue
        merged = list(ours or ())
        for item in theirs:
            same = next((each for each in merged if _same(each, item)), None)
            if same is None:
                merged.append(item)
            else:
                merge(same, item)
        setattr(one, field.name, merged)
    return one


def _same(one: Struct, other: Struct) -> bool:
    """Whether they are of the same topic, group or transactional id."""
    names = [
        field.name
        for field in one.__fields__
        if field.entity in (_TOPIC, "groupId", "transactionalId") or (field.kind == "uuid" and field.name == "topic_id")
    ]
    return bool(names) and all(getattr(one, name) == getattr(other, name) for name in names)


def _arrays(struct: Struct) -> Iterator[tuple[Field, list[Any]]]:
    """The arrays of structs, or of topics' names."""
    for field in struct.__fields__:
        if field.kind == "array" and (_struct_of(field) is not None or field.entity == _TOPIC):
            yield field, list(getattr(struct, field.name) or ())


def _struct_of(field: Field) -> type[Struct] | None:
    assert field.element is not None
    return field.element.struct


def _topic(field: Field, item: Any, name_of: Names) -> str | None:
    if isinstance(item, str):
        return item if field.entity == _TOPIC else None
    for inner in item.__fields__:
        value = getattr(item, inner.name)
        if inner.entity == _TOPIC and inner.kind == "string" and value:
            return str(value)
        if inner.kind == "uuid" and inner.name == "topic_id" and value != ZERO_UUID:
            return name_of(value)
    return None


def _indexes(topic: Struct) -> Iterator[int]:
    for field in topic.__fields__:
        if field.kind != "array":
            continue
        if _is_list(field):
            yield from getattr(topic, field.name) or ()
        elif (name := _index_field(field)) is not None:
            yield from [getattr(part, name) for part in getattr(topic, field.name) or ()]


def _with_partitions(topic: Struct, name: str, keep: Keep) -> Struct:
    found = copy(topic)
    for field in topic.__fields__:
        if field.kind != "array":
            continue
        inner, parts = _index_field(field), getattr(topic, field.name) or ()
        if _is_list(field):
            setattr(found, field.name, [index for index in parts if keep(name, index)])
        elif inner is not None:
            setattr(found, field.name, [part for part in parts if keep(name, getattr(part, inner))])
    return found


def _is_list(field: Field) -> bool:
    return field.name in _LISTS and field.element is not None and field.element.kind == "int32"


def _index_field(field: Field) -> str | None:
    """How the elements of this array call their index, if they are partitions."""
    struct = _struct_of(field)
    names = () if struct is None else {each.name for each in struct.__fields__ if each.kind == "int32"}
    return next((name for name in _INDEXES if name in names), None)
