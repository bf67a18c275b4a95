"""Messages with any content: every class and version there is, filled by a seed.

`CASES` are all (name, version) pairs; `anything(cls, version, random)` makes an object that this version can carry.
"""

from random import Random
from typing import Any

from wire.registry import message, message_names
from wire.schema import Field, Message, Struct

CASES = [
    (name, version)
    for name in message_names()
    for versions in [message(name).__versions__]
    for version in range(versions.low, versions.high + 1)
]

_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint16": 16, "uint32": 32}
_TEXTS = ("", "a", "topic-1", "größe", "\x00", "😀", "x" * 126, "x" * 127, "x" * 128, "y" * 300, "ß" * 9000)


def anything(cls: type[Message], version: int, random: Random) -> Any:
    return _struct(cls, version, version in cls.__flexible__, random, 0)


def _struct(cls: type[Struct], version: int, flexible: bool, random: Random, depth: int) -> Any:
    values = {}
    for field in cls.__fields__:
        if version in field.versions and (field.tag is None or (flexible and random.random() < 0.5)):
            values[field.name] = _value(field, version, flexible, random, depth)
    made = cls(**values)
    if flexible and random.random() < 0.1:
        made.unknown_tags = {tag: random.randbytes(random.choice((0, 3, 200))) for tag in (100, 300, 70000)}
    return made


def _value(field: Field, version: int, flexible: bool, random: Random, depth: int) -> Any:
    if version in field.nullable and random.random() < 0.25:
        return None
    kind = field.kind
    if kind == "struct":
        return _struct(field.struct, version, flexible, random, depth + 1)
    if kind == "array":
        most = (3, 2, 1, 1, 0)[min(depth, 4)]
        count = random.choice((0, 1, most)) if field.element.kind == "struct" else random.choice((0, 1, 2, 5, 130))
        return [_value(field.element, version, flexible, random, depth) for _ in range(count)]
    if kind == "bool":
        return random.random() < 0.5
    if kind == "float64":
        return random.choice((0.0, -1.5, 1e300, float("inf")))
    if kind == "string":
        return random.choice(_TEXTS)
    if kind in ("bytes", "records"):
        return random.randbytes(random.choice((0, 1, 126, 127, 128, 500)))
    if kind == "uuid":
        return random.randbytes(16)
    low, high = (0, 2 ** _BITS[kind] - 1) if kind[0] == "u" else (-(2 ** (_BITS[kind] - 1)), 2 ** (_BITS[kind] - 1) - 1)
    return random.choice((0, 1, low, high, random.randint(low, high)))
