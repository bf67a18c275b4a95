"""A request and its answer as they went over the wire, and what they say when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct as Packing
from typing import Any, NamedTuple

from wire.errors import ProtocolError, error_name
from wire.header import decode_request_header, decode_response_header, response_header_version
from wire.registry import APIS, Api
from wire.schema import Struct

_FIRST = Packing(">hhi")  # API key, version, correlation id


class Exchange(NamedTuple):
    """`request` and `reply` are frames without their size in front; a reply that never came is None. `took_ms` is from
    the one to the other where they were seen. `connection` is a number or host:port, `broker` who was asked. `lacking`
    counts the bytes that the size in front promised and that never came.
    `request_bytes` and `reply_bytes` are how long they were, where only their beginning was kept; else None.
    """

    number: int
    at_ms: int
    took_ms: float
    connection: str
    broker: str
    request: bytes
    reply: bytes | None
    lacking: int = 0
    request_bytes: int | None = None
    reply_bytes: int | None = None

    @property
    def whole_request(self) -> int:
        """How many bytes the request had."""
        return len(self.request) if self.request_bytes is None else self.request_bytes

    @property
    def whole_reply(self) -> int | None:
        """How many bytes the reply had; None where none came."""
        if self.reply is None:
            return None
        return len(self.reply) if self.reply_bytes is None else self.reply_bytes


class Reading(NamedTuple):
    """What the bytes say. `api` is the key where it has no name; `errors` are the names of all error codes in the
    response, each once; a message that cannot be read is None. Of a frame whose end is missing there is what stands
    before the first records.
    """

    api: str
    key: int
    version: int
    client_id: str | None
    correlation_id: int
    request: dict[str, Any] | None
    response: dict[str, Any] | None
    errors: list[str]


def read(request: bytes, reply: bytes | None, *, fields_of_reply: bool = True) -> Reading:
    """Decode both as far as they can be. Without `fields_of_reply` only the errors of the response are looked for."""
    try:
        key, version, correlation_id, client_id, offset = decode_request_header(request)
    except ProtocolError:
        return _unreadable(request)
    api = APIS.get(key)
    if api is None:
        return Reading(str(key), key, version, client_id, correlation_id, None, None, [])
    asked: dict[str, Any] | None
    try:
        asked = api.request_class().decode_from(request, offset, version)[0].to_json(version)
    except ProtocolError:
        from kbroker.trace.beginnings import beginning

        asked = beginning(api.request_class(), version, request[offset:])[0]
    response, errors = _response(api, version, reply, fields_of_reply)
    return Reading(api.kafka_name, key, version, client_id, correlation_id, asked, response, errors)


def _unreadable(request: bytes) -> Reading:
    """A header that breaks off: its first fields have their places all the same."""
    if len(request) < _FIRST.size:
        return Reading("?", -1, -1, None, -1, None, None, [])
    key, version, correlation_id = _FIRST.unpack_from(request)
    name = APIS[key].kafka_name if key in APIS else str(key)
    return Reading(name, key, version, None, correlation_id, None, None, [])


def _response(api: Api, version: int, reply: bytes | None, fields: bool) -> tuple[dict[str, Any] | None, list[str]]:
    if not reply:
        return None, []
    try:
        _, offset = decode_response_header(reply, response_header_version(api.key, version))
    except ProtocolError:
        return None, []
    try:
        response = api.response_class().decode(memoryview(reply)[offset:], version)
        told = response.to_json(version) if fields else None
        return told, list(dict.fromkeys(_errors(response)))
    except ProtocolError:
        # ApiVersions alone answers a version that the broker does not have, in version 0 (KIP-511).
        if version and api.kafka_name == "ApiVersions":
            return _response(api, 0, reply, fields)
        from kbroker.trace.beginnings import beginning

        return beginning(api.response_class(), version, reply[offset:])


def _errors(struct: Struct) -> Iterator[str]:
    for field in struct.__fields__:
        value = getattr(struct, field.name)
        if field.kind == "int16" and field.name.endswith("error_code") and value:
            yield error_name(value)
        elif field.kind == "array" and field.element is not None and field.element.struct is not None:
            for item in value or ():
                yield from _errors(item)
