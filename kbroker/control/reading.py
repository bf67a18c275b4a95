"""The history as people read it: bytes become requests and responses only here, when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kbroker.control.history import Seen
from kbroker.control.shapes import Request
from kbroker.control.table import ControlError
from kbroker.trace.exchange import Exchange
from kbroker.trace.exchange import read as wire_read
from kbroker.trace.stream import SIZE_BYTES, cut_from
from wire.errors import ProtocolError
from wire.header import decode_request_header
from wire.registry import find


def key_of(name: str) -> int:
    """The API key of a name such as "Produce" or "produce"; a number stands for itself."""
    api = find(name)
    if api is None:
        raise ControlError("argument", f"there is no API {name}")
    return api.key


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


def exchange_of(seen: Seen) -> Exchange:
    """Request and reply as who looks gets them: without their sizes, and without secrets."""
    *_, request, _, reply, _ = seen.without_secrets()
    return Exchange(
        number=seen.number,
        at_ms=seen.at_ms,
        took_ms=round(seen.took_s * 1000, 3),
        connection=f"#{seen.connection}",
        broker=str(seen.node),
        request=request,
        reply=reply[SIZE_BYTES:] if reply else None,
        request_bytes=seen.request_bytes if seen.request_bytes > len(request) else None,
        reply_bytes=cut_from(reply) if reply else None,
    )


def read(seen: Seen) -> Request:
    """A request and its response, decoded as far as they can be."""
    exchange = exchange_of(seen)
    found = wire_read(exchange.request, exchange.reply)
    return Request(
        number=seen.number,
        at_ms=seen.at_ms,
        api=found.api,
        version=found.version,
        client_id=found.client_id,
        correlation_id=found.correlation_id,
        connection=seen.connection,
        node=seen.node,
        request=found.request or {},
        response=found.response,
        took_ms=exchange.took_ms,
        errors=found.errors,
        refused=seen.refused,
        faults=seen.faults,
    )
