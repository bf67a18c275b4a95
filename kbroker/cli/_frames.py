"""Frames made from JSON, and shown byte by byte: what `encode` and `call` have in common."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import click

from wire.errors import ProtocolError
from wire.explain import DAMAGE, ERROR, explain
from wire.explain_text import lines
from wire.header import encode_request_header
from wire.registry import Api, find
from wire.schema import Request

SIZE_BYTES = 4
LONGEST_ON_A_TERMINAL = 256

_CORRUPT = re.compile(r"byte=(\d+)(?:=(0x[0-9a-fA-F]{1,2}|\d{1,3}))?")


def api_of(name: str) -> Api:
    """The API of a name or a key."""
    api = find(name.removesuffix("Request"))
    if api is None:
        raise click.BadParameter(f"there is no API {name}", param_hint="API")
    return api


def request_of(api: Api, version: int, text: str) -> Request:
    """The request that the JSON says; what it leaves out has Kafka's defaults."""
    if not api.min_version <= version <= (api.unstable_version or api.max_version):
        raise click.BadParameter(
            f"{api.kafka_name} has versions {api.min_version} to {api.max_version}", param_hint="--version"
        )
    try:
        request: Request = api.request_class().from_json(json.loads(text), version)
    except ValueError as error:
        raise click.BadParameter(f"it is no JSON: {error}", param_hint="JSON") from None
    except ProtocolError as error:
        raise click.BadParameter(str(error), param_hint="JSON") from None
    return request


def frame_of(request: Request, version: int, correlation_id: int, client_id: str | None) -> bytes:
    """The whole frame, its size first."""
    try:
        body = encode_request_header(request.__api_key__, version, correlation_id, client_id) + request.encode(version)
    except ProtocolError as error:
        raise click.BadParameter(str(error), param_hint="JSON") from None
    return len(body).to_bytes(SIZE_BYTES, "big") + body


def corrupted(frame: bytes, where: str) -> bytes:
    """byte=N turns all bits of a byte around, byte=N=VALUE makes it that."""
    found = _CORRUPT.fullmatch(where)
    if found is None or int(found[1]) >= len(frame) or int(found[2] or "0", 0) > 255:
        raise click.BadParameter(
            f"{where!r}: byte=17 or byte=17=0xff, of the {len(frame)} bytes of the frame", param_hint="--corrupt"
        )
    at = int(found[1])
    value = frame[at] ^ 0xFF if found[2] is None else int(found[2], 0)
    return frame[:at] + bytes((value,)) + frame[at + 1 :]


def show(frame: bytes, **known: Any) -> bool:
    """Print every byte with its meaning; whether it is sound."""
    terminal = sys.stdout.isatty()
    sound = True
    notes = []
    for note in explain(frame, **known):
        sound = sound and note.type not in (ERROR, DAMAGE)
        notes.append(note)
    longest = LONGEST_ON_A_TERMINAL if terminal else None
    for line in lines(notes, colour=terminal and not os.environ.get("NO_COLOR"), longest=longest):
        click.echo(line, color=True if terminal else None)
    return sound
