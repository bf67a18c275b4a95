"""A file of exchanges: one JSON object a line, frames in base64.

    {"kbroker": 1, "recorded_at_ms": ...}                          the first line
    {"number": 1, "at_ms": ..., "took_ms": ..., "connection": ..., "broker": ..., "request": ..., "reply": ...}

Secrets are left out: the bytes of SaslAuthenticate and of what follows an old SaslHandshake, salted passwords,
tokens. In their place stand as many zero bytes, so that sizes stay what they were.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any, TextIO

from kbroker.trace.exchange import Exchange
from wire.errors import ProtocolError
from wire.header import decode_request_header, decode_response_header, response_header_version
from wire.registry import APIS

FORMAT = 1
SASL_AUTHENTICATE, ALTER_USER_SCRAM, CREATE_TOKEN, RENEW_TOKEN, EXPIRE_TOKEN, DESCRIBE_TOKEN = 36, 51, 38, 39, 40, 41
SECRET = frozenset((SASL_AUTHENTICATE, ALTER_USER_SCRAM, CREATE_TOKEN, RENEW_TOKEN, EXPIRE_TOKEN, DESCRIBE_TOKEN))


class NotARecording(Exception):
    """The file is none, in one sentence."""


class Recorder:
    """Writes exchanges as they come."""

    def __init__(self, file: TextIO, at_ms: int) -> None:
        self._file = file
        self._say({"kbroker": FORMAT, "recorded_at_ms": at_ms})

    def add(self, exchange: Exchange) -> None:
        bare = without_secrets(exchange)
        self._say(
            bare._asdict()
            | {
                "request": b64encode(bare.request).decode(),
                "reply": None if bare.reply is None else b64encode(bare.reply).decode(),
            }
        )

    def _say(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def recorded(file: TextIO) -> Iterator[Exchange]:
    """What a file holds; NotARecording where it is none."""
    for number, line in enumerate(file):
        try:
            told = json.loads(line)
            if number == 0:
                if told.get("kbroker") != FORMAT:
                    raise NotARecording("this is no recording of kbroker, or one of a newer version")
                continue
            reply = None if told["reply"] is None else b64decode(told["reply"])
            yield Exchange(**(told | {"request": b64decode(told["request"]), "reply": reply}))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotARecording(f"line {number + 1} is no part of a recording: {error}") from None


def without_secrets(exchange: Exchange) -> Exchange:
    """The same with zeros where a secret was; what cannot be read at all may be one as a whole."""
    try:
        key, version, _, _, offset = decode_request_header(exchange.request)
    except ProtocolError:
        return exchange._replace(request=bytes(len(exchange.request)), reply=_zeros(exchange.reply, 0))
    if key not in SECRET and key in APIS:
        return exchange
    request = exchange.request[:offset] + bytes(len(exchange.request) - offset)
    if exchange.reply is None or key not in APIS:
        return exchange._replace(request=request, reply=_zeros(exchange.reply, 0))
    _, head = decode_response_header(exchange.reply, response_header_version(key, version))
    return exchange._replace(request=request, reply=_zeros(exchange.reply, head))


def _zeros(reply: bytes | None, head: int) -> bytes | None:
    return None if reply is None else reply[:head] + bytes(len(reply) - head)
