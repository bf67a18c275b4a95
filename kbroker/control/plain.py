"""Typed values as plain JSON, and back: what a verb takes and answers with, on both ends of a door.

    bool int float str None     as they are; a number without a fraction is a float where one is wanted
    bytes                       a string where they are UTF-8, else {"base64": "..."}
    list[T]  dict[str, T]       arrays and objects
    a NamedTuple                an object with its fields; one with a default may be left out
    T | None                    either
    Any                         whatever JSON it is

Reading checks, and `Misfit` says what was wanted. The standard library and nothing else.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


class Misfit(ValueError):
    """The value is not of the type; the message goes behind the name of what it was for."""


def to_plain(value: Any) -> Any:
    """The value as json.dumps takes it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return _of_bytes(bytes(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: to_plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [to_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no plain value")


def from_plain(type_: Any, value: Any) -> Any:
    """The value of that type which `value` stands for."""
    if type_ is Any:
        return value
    origin = get_origin(type_)
    if origin in (Union, UnionType):
        return _of_union(get_args(type_), value)
    if origin is list:
        if not isinstance(value, list | tuple):
            raise _wanted(type_, value)
        (item_type,) = get_args(type_)
        return [from_plain(item_type, item) for item in value]
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _wanted(type_, value)
        item_type = get_args(type_)[1]
        return {str(name): from_plain(item_type, item) for name, item in value.items()}
    if type_ is bytes:
        return _to_bytes(value)
    if isinstance(type_, type) and issubclass(type_, tuple):
        return _to_named(type_, value)
    return _to_scalar(type_, value)


def _of_union(types: tuple[Any, ...], value: Any) -> Any:
    if value is None and NoneType in types:
        return None
    others = [each for each in types if each is not NoneType]
    for each in others[:-1]:
        try:
            return from_plain(each, value)
        except Misfit:
            continue
    return from_plain(others[-1], value)


def _to_scalar(type_: Any, value: Any) -> Any:
    if type_ is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, type_) and (type_ is bool or not isinstance(value, bool)):
        return value
    raise _wanted(type_, value)


def _to_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Mapping) and set(value) == {"base64"} and isinstance(value["base64"], str):
        try:
            return b64decode(value["base64"], validate=True)
        except Error:
            pass
    raise Misfit('wants a string, or {"base64": "..."}')


def _of_bytes(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _to_named(type_: Any, value: Any) -> Any:
    if isinstance(value, type_):
        return value
    if not isinstance(value, Mapping):
        raise _wanted(type_, value)
    types = hints(type_)
    unknown = [name for name in value if name not in types]
    if unknown:
        raise Misfit(f"has no field {unknown[0]}; there are {', '.join(types)}")
    missing = [name for name in types if name not in value and name not in type_._field_defaults]
    if missing:
        raise Misfit(f"lacks the field {missing[0]}")
    found = {}
    for name, item in value.items():
        try:
            found[name] = from_plain(types[name], item)
        except Misfit as error:
            raise Misfit(f"has a field {name} that {error}") from None
    return type_(**found)


@cache
def hints(type_: Any) -> dict[str, Any]:
    """The fields of a NamedTuple with their types."""
    return get_type_hints(type_)


def _wanted(type_: Any, value: Any) -> Misfit:
    return Misfit(f"wants {name_of(type_)}, not {_short(value)}")


def name_of(type_: Any) -> str:
    """A type in a person's words."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", bytes: "bytes"}
    if get_origin(type_) in (Union, UnionType):
        return " or ".join("null" if each is NoneType else name_of(each) for each in get_args(type_))
    if get_origin(type_) is list:
        return f"a list, each item {name_of(get_args(type_)[0])}"
    if get_origin(type_) is dict:
        return f"an object, each value {name_of(get_args(type_)[1])}"
    return names.get(type_) or f"an object like {getattr(type_, '__name__', type_)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
