"""A record as a line, in both directions.

JSON lines are inverse: what `consume --json` prints, `produce --json` writes again byte for byte.

    {"topic": "orders", "partition": 0, "offset": 7, "timestamp": 1795266515747, "key": "k", "value": null,
     "headers": [["trace", "1"], ["raw", {"base64": "/w=="}]]}

Text that is UTF-8 is a string, other bytes are {"base64": ...}, no value at all is null. Reading, only "value" must
be there; "topic" and "offset" say nothing to the writer, "partition" says where.

Formats have Kafka tools' usual letters: %t topic, %p partition, %o offset, %T timestamp in ms, %D the same as a date,
%k key, %v value, %h headers, %n how many records so far; \\n \\t \\0 and %% are what one expects.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

from kbroker.records.places import date
from kbroker.records.read import NotUnderstood, Read
from wire.durable.codec import BY_TOPIC, decode_key, decode_value
from wire.errors import MalformedMessage
from wire.records import Record

ABSENT = b"NULL"

_LETTER = re.compile(r"%(.)|\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "r": "\r", "\\": "\\"}


def to_json(read: Read, *, raw: bool = False) -> dict[str, Any]:
    """The record as JSON. Records of brokers' own topics are what they mean, unless `raw`."""
    key, value = (None, None) if raw else decoded(read)
    return {
        "topic": read.topic,
        "partition": read.partition,
        "offset": read.offset,
        "timestamp": read.timestamp,
        "key": _packed(read.key) if key is None else key,
        "value": _packed(read.value) if key is None else value,
        "headers": [[name, _packed(content)] for name, content in read.headers],
    }


def from_json(line: str) -> tuple[Record, int | None]:
    """The record and the partition that the line asks for; NotUnderstood says what is wrong with it."""
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or "value" not in fields:
            raise ValueError('an object with "value" is wanted')
        record = Record(
            _unpacked(fields.get("key")),
            _unpacked(fields["value"]),
            [(str(name), _unpacked(content)) for name, content in fields.get("headers") or ()],
            int(fields.get("timestamp", -1)),
        )
        partition = fields.get("partition")
        return record, None if partition is None else int(partition)
    except (ValueError, TypeError) as error:
        raise NotUnderstood(f"this line is no record ({error}): {line.strip()[:80]}") from None


def decoded(read: Read) -> tuple[Any, Any]:
    """Key and value of a record of a broker's own topic, as JSON with their type; (None, None) where it is none."""
    types = BY_TOPIC.get(read.topic)
    if types is None or read.key is None:
        return None, None
    try:
        key = decode_key(read.key, types)
        if key is None:
            return None, None
        value = None if read.value is None else decode_value(key, read.value)
    except MalformedMessage:
        return None, None
    name = type(key).__name__.removesuffix("Key")
    shown = None if value is None else value.to_json(int.from_bytes((read.value or b"")[:2], "big"))
    return {name: key.to_json(0)}, shown


def meant(read: Read) -> Read:
    """The record with key and value as text that says what they mean, where it is one of a broker's own topic."""
    key, value = decoded(read)
    if key is None:
        return read
    return read._replace(key=_compact(key), value=None if value is None else _compact(value))


def formatter(template: str, *, raw: bool = False) -> Callable[[Read, int], bytes]:
    """What turns a record, and its number, into bytes. What brokers keep is what it means, unless `raw`."""
    for letter in (found[1] for found in _LETTER.finditer(template) if found[1]):
        if letter not in _PARTS and letter not in "n%":
            raise NotUnderstood(f"%{letter} means nothing; there are %{' %'.join(_PARTS)} %n %%")

    def form(read: Read, number: int) -> bytes:
        read = read if raw else meant(read)
        out, at = [], 0
        for found in _LETTER.finditer(template):
            out.append(template[at : found.start()].encode())
            at = found.end()
            if found[2]:
                out.append(_ESCAPES.get(found[2], found[0]).encode())
            elif found[1] == "%":
                out.append(b"%")
            else:
                out.append(b"%d" % number if found[1] == "n" else _PARTS[found[1]](read))
        return b"".join((*out, template[at:].encode()))

    return form


def _headers(read: Read) -> bytes:
    return b",".join(name.encode() + b"=" + (ABSENT if value is None else value) for name, value in read.headers)


_PARTS: Mapping[str, Callable[[Read], bytes]] = {
    "t": lambda read: read.topic.encode(),
    "p": lambda read: b"%d" % read.partition,
    "o": lambda read: b"%d" % read.offset,
    "T": lambda read: b"%d" % read.timestamp,
    "D": lambda read: date(read.timestamp).encode(),
    "k": lambda read: ABSENT if read.key is None else read.key,
    "v": lambda read: ABSENT if read.value is None else read.value,
    "h": _headers,
}


def _packed(content: bytes | None) -> str | dict[str, str] | None:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(content).decode()}


def _unpacked(content: Any) -> bytes | None:
    if content is None:
        return None
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, dict) and content.keys() == {"base64"}:
        return b64decode(content["base64"], validate=True)
    return _compact(content)


def _compact(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
