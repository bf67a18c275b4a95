"""A message in the JSON form of Kafka's own tools: what its request log and its converters print.

A name is Kafka's with the first letter lowered. Bytes and records are base64 with padding, a uuid is its 22
characters, numbers stay numbers, also of 64 bits. Fields that the version does not have, and tagged fields that equal
their default, are left out. Reading is kinder than Kafka: a missing field has its default, so that a request typed by
hand can be short. A name that the version does not know is refused: it is a mistake more often than not.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from typing import Any, TypeVar

from .errors import MalformedMessage, UnsupportedField, UnsupportedVersion
from .primitives import Buffer, uuid_bytes, uuid_text
from .schema import Field, Message, Struct

M = TypeVar("M", bound=Message)

_RANGES = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def to_json(message: Message, version: int) -> dict[str, Any]:
    _check_version(type(message), version)
    return _struct_to_json(message, version, type(message).__name__)


def from_json(cls: type[M], value: Any, version: int) -> M:
    _check_version(cls, version)
    made: M = _struct_from_json(cls, value, version, cls.__name__)
    return made


def _check_version(cls: type[Message], version: int) -> None:
    if version not in cls.__versions__:
        raise UnsupportedVersion(f"{cls.__name__} has versions {cls.__versions__}, not {version}")


def _struct_to_json(value: Struct, version: int, path: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field in value.__fields__:
        item = getattr(value, field.name)
        where = f"{path}.{field.name}"
        if version in field.versions:
            if field.tag is None or not field.is_default(item):
                out[field.json_name] = _to_json(field, item, version, where)
        elif not field.ignorable and not field.is_default(item):
            raise UnsupportedField(f"{where}: this version cannot carry a value other than the default")
    return out


def _to_json(field: Field, value: Any, version: int, path: str) -> Any:
    if value is None:
        if version not in field.nullable:
            raise UnsupportedField(f"{path}: this version cannot carry null")
        return None
    if field.kind == "struct":
        return _struct_to_json(value, version, path)
    if field.kind == "array":
        assert field.element is not None
        return [_to_json(field.element, item, version, f"{path}[{i}]") for i, item in enumerate(value)]
    if field.kind == "uuid":
        return uuid_text(value)
    if field.kind in ("bytes", "records"):
        whole = value if isinstance(value, (bytes, bytearray, memoryview)) else b"".join(value)
        return b2a_base64(whole, newline=False).decode("ascii")
    return value


def _struct_from_json(cls: type[Any], value: Any, version: int, path: str) -> Any:
    if not isinstance(value, dict):
        raise MalformedMessage("an object was expected", None, path)
    rest = dict(value)
    found = {}
    for field in cls.__fields__:
        if field.json_name in rest and version in field.versions:
            found[field.name] = _from_json(field, rest.pop(field.json_name), version, f"{path}.{field.name}")
    if rest:
        raise MalformedMessage(f"version {version} has no field {min(rest)!r}", None, path)
    return cls(**found)


def _from_json(field: Field, value: Any, version: int, path: str) -> Any:
    if value is None:
        if version not in field.nullable:
            raise MalformedMessage("null where a value must be", None, path)
        return None
    if field.kind == "struct":
        return _struct_from_json(field.struct, value, version, path)  # type: ignore[arg-type]
    if field.kind == "array":
        if not isinstance(value, list):
            raise MalformedMessage("an array was expected", None, path)
        assert field.element is not None
        return [_from_json(field.element, item, version, f"{path}[{i}]") for i, item in enumerate(value)]
    read = _READERS.get(field.kind)
    try:
        return read(value) if read is not None else _integer(field.kind, value)
    except (ValueError, TypeError, Error) as error:
        raise MalformedMessage(str(error) or f"{field.kind} was expected", None, path)


def _integer(kind: str, value: Any) -> int:
    low, high = _RANGES[kind]
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"an {kind} was expected, not {value!r}")
    return value


def _exactly(kind: type) -> Any:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{kind.__name__} was expected, not {value!r}")
        return value

    return read


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"a number was expected, not {value!r}")
    return float(value)


def _blob(value: Any) -> Buffer:
    return a2b_base64(value, strict_mode=True)


_READERS: dict[str, Any] = {
    "bool": _exactly(bool),
    "string": _exactly(str),
    "float64": _float,
    "uuid": lambda value: uuid_bytes(_exactly(str)(value)),
    "bytes": _blob,
    "records": _blob,
}
