"""What the door answers as an OpenAPI 3.1 document. The paths of the control verbs are made of their table, and their
schemas of the types that they are annotated with; other rooms bring their paths along.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from kbroker.control.plain import to_plain
from kbroker.control.table import Verb
from kbroker.version import VERSION

if TYPE_CHECKING:
    from kbroker.http.rows import Row

_SCALARS: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
    bytes: {
        "oneOf": [
            {"type": "string"},
            {"type": "object", "properties": {"base64": {"type": "string"}}, "required": ["base64"]},
        ]
    },
}
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"kind": {"type": "string"}, "message": {"type": "string"}},
            "required": ["kind", "message"],
        }
    },
    "required": ["error"],
}
_ANOTHER = {"default": "1", "description": "what POST /brokers has answered as its number"}
_SERVERS = [
    {"url": "/", "description": "the first broker of the process"},
    {"url": "/brokers/{number}", "description": "one more of them", "variables": {"number": _ANOTHER}},
]


def document(
    verbs: Collection[Verb],
    only_looks: Callable[[Verb], bool],
    others: Mapping[str, Any] | None = None,
    rows: Collection[Row] = (),
) -> dict[str, Any]:
    """The whole document; `others` are paths that are no verbs, as OpenAPI has them, `rows` are made as verbs are."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    typed = {row.path: {row.method.lower(): _operation(row.verb, row.method.lower(), schemas)} for row in rows}
    for verb in verbs:
        noun, _, word = verb.name.partition(".")
        method = "get" if only_looks(verb) else "post"
        paths[f"/control/{noun}/{word}"] = {method: _operation(verb, method, schemas)}
    several = "/control/brokers/create" in paths
    return {
        "openapi": "3.1.0",
        "info": {"title": "kbroker", "version": VERSION},
        **({"servers": _SERVERS} if several else {}),
        "paths": {**_first_only({**(others or {}), **typed}), **paths, **(_brokers(paths) if several else {})},
        "components": {"schemas": schemas},
    }


def _first_only(paths: Mapping[str, Any]) -> dict[str, Any]:
    """What the other brokers of the process do not have."""
    return {path: {"servers": _SERVERS[:1], **item} for path, item in paths.items()}


def _brokers(paths: dict[str, Any]) -> dict[str, Any]:
    """The same verbs where people look for them: a broker is a resource."""
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
    verbs = {word: next(iter(paths[f"/control/brokers/{word}"].values())) for word in ("list", "create", "drop")}
    named = {word: {**one, "operationId": f"brokers/{word}"} for word, one in verbs.items()}
    ended = {name: value for name, value in named["drop"].items() if name != "requestBody"}
    return {
        "/brokers": {"get": named["list"], "post": named["create"]},
        "/brokers/{number}": {"delete": {**ended, "parameters": [number]}},
    }


def _operation(verb: Verb, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    media = "text/event-stream" if verb.streams else "application/json"
    operation: dict[str, Any] = {
        "operationId": verb.name,
        "summary": verb.doc,
        "tags": [verb.name.partition(".")[0]],
        "responses": {
            "200": {"description": "done", "content": {media: {"schema": _schema(verb.answer, schemas)}}},
            "default": {
                "description": "not done",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    arguments = {name: _with_default(one.type, one, schemas) for name, one in verb.arguments.items()}
    required = [name for name, one in verb.arguments.items() if one.required]
    if method == "get":
        operation["parameters"] = [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in arguments.items()
        ]
    elif arguments:
        body = {"type": "object", "properties": arguments, "required": required, "additionalProperties": False}
        operation["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": body}}}
    return operation


def _with_default(type_: Any, argument: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(type_, schemas)
    return schema if argument.required else {**schema, "default": to_plain(argument.default)}


def _schema(type_: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(type_)
    if type_ in _SCALARS:
        return _SCALARS[type_]
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(each, schemas) for each in get_args(type_)]}
    if origin is list:
        return {"type": "array", "items": _schema(get_args(type_)[0], schemas)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(get_args(type_)[1], schemas)}
    if isinstance(type_, type) and hasattr(type_, "_fields"):
        return _of_named(type_, schemas)
    return {}


def _of_named(type_: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """A NamedTuple has a place of its own; it may hold itself."""
    name = type_.__name__
    if name not in schemas:
        schemas[name] = {}
        hints = get_type_hints(type_)
        schemas[name] |= {
            "type": "object",
            "properties": {field: _schema(hints[field], schemas) for field in type_._fields},
            "required": [field for field in type_._fields if field not in type_._field_defaults],
        }
        if type_.__doc__ and not type_.__doc__.startswith(f"{name}("):
            schemas[name]["description"] = " ".join(type_.__doc__.split())
    return {"$ref": f"#/components/schemas/{name}"}
