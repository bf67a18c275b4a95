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
from kbroker.trace.secrets import without_secrets

FORMAT = 1


class NotARecording(Exception):
    """The file is none, in one sentence."""


class Recorder:
    """Writes exchanges as they come; with `secrets` just as they were, for brokers that are only played with."""

    def __init__(self, file: TextIO, at_ms: int, *, secrets: bool = False) -> None:
        self._file = file
        self._secrets = secrets
        self._say({"kbroker": FORMAT, "recorded_at_ms": at_ms})

    def add(self, exchange: Exchange) -> None:
        request, reply = exchange.request, exchange.reply
        if not self._secrets:
            request, reply = without_secrets(request, reply)
        self._say(
            exchange._asdict()
            | {
                "request": b64encode(request).decode(),
                "reply": None if reply is None else b64encode(reply).decode(),
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
