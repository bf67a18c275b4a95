"""The history as people read it: bytes become requests and responses only here, when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kbroker.control.history import Seen
from kbroker.control.shapes import Request
from kbroker.control.table import ControlError
from wire.errors import ErrorCode, ProtocolError
from wire.header import decode_request_header, decode_response_header, response_header_version
from wire.registry import APIS, Api
from wire.schema import Struct

SIZE_BYTES = 4

_KEYS = {api.kafka_name.lower(): key for key, api in APIS.items()}


def key_of(name: str) -> int:
    """The API key of a name such as "Produce" or "produce"; a number stands for itself."""
    plain = name.replace("_", "").lower()
    if plain in _KEYS:
        return _KEYS[plain]
    if plain.isdecimal() and int(plain) in APIS:
        return int(plain)
    raise ControlError("argument", f"there is no API {name}")


class Filter(NamedTuple):
    """Which requests are meant."""

    api: str | None = None
    client_id: str | None = None
    connection: int | None = None
    since: int = 0
    failed: bool = False

    def find(self, requests: list[Seen]) -> Iterator[Request]:
        """Those of them that are, decoded."""
        key = None if self.api is None else key_of(self.api)
        for seen in requests:
            if seen.number <= self.since or (key is not None and seen.head[0] != key):
                continue
            if self.connection is not None and seen.connection != self.connection:
                continue
            if self.client_id is not None and _client_id(seen) != self.client_id:
                continue
            found = read(seen)
            if not self.failed or found.errors or found.refused:
                yield found


def _client_id(seen: Seen) -> str | None:
    try:
        return decode_request_header(seen.request)[3]
    except ProtocolError:
        return None


def read(seen: Seen) -> Request:
    """A request and its response, decoded as far as they can be."""
    key, version, correlation_id = seen.head
    api = APIS.get(key)
    client_id: str | None = None
    request: dict[str, Any] = {}
    try:
        _, _, _, client_id, offset = decode_request_header(seen.request)
        if api is not None:
            decoded, _ = api.request_class().decode_from(seen.request, offset, version)
            request = decoded.to_json(version)
    except ProtocolError:
        pass  # why it was refused stands beside it
    response, errors = _response(api, version, seen)
    return Request(
        number=seen.number,
        at_ms=seen.at_ms,
        api=api.kafka_name if api is not None else str(key),
        version=version,
        client_id=client_id,
        correlation_id=correlation_id,
        connection=seen.connection,
        node=seen.node,
        request=request,
        response=response,
        took_ms=round(seen.took_s * 1000, 3),
        errors=errors,
        refused=seen.refused,
        faults=list(seen.faults),
    )


def _response(api: Api | None, version: int, seen: Seen) -> tuple[dict[str, Any] | None, list[str]]:
    if api is None or not seen.reply:
        return None, []
    body = memoryview(seen.reply)[SIZE_BYTES:]
    try:
        _, offset = decode_response_header(body, response_header_version(api.key, version))
        response = api.response_class().decode(bytes(body[offset:]), version)
        return response.to_json(version), list(dict.fromkeys(_errors(response)))
    except ProtocolError:
        # ApiVersions alone answers a version that the broker does not have, in version 0 (KIP-511).
        return _response(api, 0, seen) if version else (None, [])


def _errors(struct: Struct) -> Iterator[str]:
    for field in struct.__fields__:
        value = getattr(struct, field.name)
        if field.kind == "int16" and field.name.endswith("error_code") and value:
            yield _error_name(value)
        elif field.kind == "array" and field.element is not None and field.element.struct is not None:
            for item in value or ():
                yield from _errors(item)


def _error_name(code: int) -> str:
    try:
        return ErrorCode(code).name
    except ValueError:
        return str(code)
