"""Addresses of brokers in answers, and ours in their place.

They stand in Metadata, FindCoordinator, DescribeCluster and, since KIP-951, beside a NOT_LEADER in Produce, Fetch,
ShareFetch and ShareAcknowledge. Streams' endpoints belong to applications and controllers' to nobody who comes by
here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from wire.header import decode_response_header, response_head, response_header_version
from wire.messages.api_versions import ApiVersionsResponse
from wire.registry import APIS
from wire.schema import Response, Struct

Place = tuple[str, int]
ToOurs = Callable[[Place], Place]
Learn = Callable[[Response], object]

PRODUCE, FETCH, METADATA, FIND_COORDINATOR, API_VERSIONS, DESCRIBE_CLUSTER = 0, 1, 3, 10, 18, 60
SHARE_FETCH, SHARE_ACKNOWLEDGE = 78, 79

NAMES_BROKERS = {
    PRODUCE: 10,
    FETCH: 16,
    METADATA: 0,
    FIND_COORDINATOR: 0,
    DESCRIBE_CLUSTER: 0,
    SHARE_FETCH: 0,
    SHARE_ACKNOWLEDGE: 0,
}
"""The APIs whose answers do, from which version on."""


def rewritten(
    key: int, version: int, frame: bytes, to_ours: ToOurs, most: dict[int, int], learn: Learn | None = None
) -> bytes:
    """The answer as clients are to see it. `most` are the newest versions that may be advertised; `learn` is shown
    what names brokers, as the cluster gave it."""
    if key == API_VERSIONS:
        return _capped(version, frame, most)
    if version < NAMES_BROKERS.get(key, version + 1):
        return frame
    header = response_header_version(key, version)
    correlation_id, at = decode_response_header(frame, header)
    response = APIS[key].response_class().decode(memoryview(frame)[at:], version)
    if learn is not None:
        learn(response)
    if not _put(response, to_ours):
        return frame
    return response_head(correlation_id, header) + response.encode(version)


def _put(struct: Any, to_ours: ToOurs) -> bool:
    """Put every host and port right; whether there was one."""
    found = False
    kind: type[Struct] = type(struct)
    has_address, arrays = _shape(kind)
    if has_address and struct.host:
        struct.host, struct.port = to_ours((struct.host, struct.port))
        found = True
    for name in arrays:
        for item in getattr(struct, name) or ():
            found |= _put(item, to_ours)
    return found


@cache
def _shape(struct: type[Struct]) -> tuple[bool, list[str]]:
    """Whether it has an address itself, and which of its arrays may hold one."""
    names = {field.name for field in struct.__fields__}
    arrays = [
        field.name
        for field in struct.__fields__
        if field.kind == "array" and field.element is not None and field.element.struct is not None
        and _may_hold(field.element.struct)
    ]  # fmt: skip
    return {"host", "port"} <= names, arrays


def _may_hold(struct: type[Struct]) -> bool:
    has_address, arrays = _shape(struct)
    return has_address or bool(arrays)


def _capped(version: int, frame: bytes, most: dict[int, int]) -> bytes:
    """ApiVersions with no version above what may be. Of a version that we do not know its answer passes as it is."""
    if version > APIS[API_VERSIONS].max_version:
        return frame
    correlation_id, at = decode_response_header(frame, 0)
    body = memoryview(frame)[at:]
    answered = 0 if bytes(body[:2]) == b"\0\x23" else version  # UNSUPPORTED_VERSION is answered in version 0
    response = ApiVersionsResponse.decode(body, answered)
    for api in response.api_keys:
        api.max_version = min(api.max_version, most.get(api.api_key, api.max_version))
    return response_head(correlation_id, 0) + response.encode(answered)


def newest_known() -> dict[int, int]:
    """What may be advertised at most so that no address goes by unread."""
    return {key: APIS[key].max_version for key in NAMES_BROKERS}
