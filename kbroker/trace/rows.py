"""Exchanges as rows of a list: what `kbroker trace` prints on a line, as a value."""

from __future__ import annotations

from typing import Any

from kbroker.trace.exchange import Exchange, Reading
from kbroker.trace.lines import about


def row(exchange: Exchange, reading: Reading) -> dict[str, Any]:
    """`about` is the topic, group or transactional id that the request names first; `errors` are names."""
    return {
        "number": exchange.number,
        "at_ms": exchange.at_ms,
        "took_ms": exchange.took_ms,
        "connection": exchange.connection,
        "broker": exchange.broker,
        "client_id": reading.client_id,
        "key": reading.key,
        "api": reading.api,
        "version": reading.version,
        "correlation_id": reading.correlation_id,
        "request_bytes": exchange.whole_request,
        "reply_bytes": exchange.whole_reply,
        "about": about(reading),
        "errors": reading.errors,
    }
