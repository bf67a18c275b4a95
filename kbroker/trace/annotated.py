"""Both frames of an exchange as values for whoever draws them: the bytes, and what each of them is.

    {"bytes": 87, "kept": 87, "hex": "00000053...", "notes": [...], "more": false, "unfolded": {SOURCE: HEX}}

A note is {"at", "size", "path", "type", "value", "meaning", "depth"}, and where they are known "versions" and "since"
(what the version that brought the field was for). `at` counts from the first byte of the frame's size, or, where there
is a "source", from the first byte that compressed records of that name unfolded to. Notes come in the order of
`wire.explain`; one without bytes is a heading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kbroker.trace.exchange import Exchange
from kbroker.trace.fields import about
from wire.explain import SECTION, Cursor, Note, guarded, read_request, read_response
from wire.explain_text import value_text
from wire.header import RequestHeader, ResponseHeader
from wire.registry import APIS, Api
from wire.schema import Message

SIZE_BYTES = 4
MOST_NOTES = 4000
MOST_UNFOLDED = 1 << 20
MOST_PADDED = 16 << 20
CUT = "cut"
_HEADER = "header"


class Annotated:
    """Makes the two of them, a few notes at a time: `steps` is to be run to its end, `request` and `reply` are there
    then (`reply` is None if there is none)."""

    def __init__(self, exchange: Exchange, key: int, version: int, most: int = MOST_NOTES) -> None:
        self._exchange = exchange
        self._api = APIS.get(key)
        self._version = version
        self._most = most
        self.request: dict[str, Any] = {}
        self.reply: dict[str, Any] | None = None

    def steps(self) -> Iterator[None]:
        """Each step is the work of one note."""
        asked, answered = self._exchange.request, self._exchange.reply
        api = self._api
        self.request = frame = _frame(asked, self._exchange.whole_request)
        cursor = _cursor(asked, frame)
        message: type[Message] | None = None if api is None else api.request_class()
        yield from self._fill(frame, guarded(cursor, read_request(cursor)), RequestHeader, message)
        if answered:
            self.reply = frame = _frame(answered, self._exchange.whole_reply or 0)
            cursor = _cursor(answered, frame)
            message = None if api is None else api.response_class()
            yield from self._fill(frame, _of_response(cursor, api, self._version), ResponseHeader, message)

    def _fill(
        self, frame: dict[str, Any], notes: Iterator[Note], header: type[Message], message: type[Message] | None
    ) -> Iterator[None]:
        kept, is_cut = frame["kept"] - SIZE_BYTES, _is_cut(frame)
        unfolded: dict[str, list[bytes]] = {}
        for count, note in enumerate(notes):
            if is_cut and not note.source and note.offset + len(note.raw) > kept:
                frame["notes"].append(_cut(note, frame))
                break
            if count == self._most:
                frame["more"] = True
                break
            if note.source:
                unfolded.setdefault(note.source, []).append(note.raw)
            if is_cut and note.path.endswith(".crc"):
                note = note._replace(meaning="cannot be checked: the end of the batch was not kept")
            frame["notes"].append(_told(note, header, message))
            yield
        frame["unfolded"] = {source: b"".join(raws).hex() for source, raws in unfolded.items()}


def _is_cut(frame: dict[str, Any]) -> bool:
    return bool(frame["kept"] < frame["bytes"] + SIZE_BYTES)


def _cursor(kept: bytes, frame: dict[str, Any]) -> Cursor:
    """Zeros stand for what was not kept: so lengths are right, and what lies before the end can be read."""
    missing = min(max(0, frame["bytes"] - len(kept)), MOST_PADDED)
    return Cursor(kept + bytes(missing), unfold=MOST_UNFOLDED)


def _frame(frame: bytes, whole: int) -> dict[str, Any]:
    size = whole.to_bytes(SIZE_BYTES, "big", signed=True)
    first = Note(-SIZE_BYTES, size, "size", "int32", whole, f"{whole} bytes follow")
    return {
        "bytes": whole,
        "kept": SIZE_BYTES + len(frame),
        "hex": (size + frame).hex(),
        "notes": [_told(first, RequestHeader, None)],
        "more": False,
        "unfolded": {},
    }


def _of_response(cursor: Cursor, api: Api | None, version: int) -> Iterator[Note]:
    if api is None:
        return iter(())
    return guarded(cursor, read_response(cursor, api, version))


def _told(note: Note, header: type[Message], message: type[Message] | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "at": note.offset if note.source else note.offset + SIZE_BYTES,
        "size": len(note.raw),
        "path": note.path,
        "type": note.type,
        "value": value_text(note) if note.type != SECTION else "",
        "meaning": note.meaning,
        "depth": note.depth,
    }
    if note.source:
        said["source"] = note.source
    in_header = note.path.startswith(_HEADER + ".")
    of, path = (header, note.path.removeprefix(_HEADER + ".")) if in_header else (message, note.path)
    field = about(of, path) if of is not None and path else None
    if field is not None and not in_header:
        said["versions"] = field.versions
        if field.since:
            said["since"] = field.since
    return said


def _cut(note: Note, frame: dict[str, Any]) -> dict[str, Any]:
    at = note.offset + SIZE_BYTES
    return {
        "at": at,
        "size": frame["kept"] - at,
        "path": note.path,
        "type": CUT,
        "value": "",
        "meaning": f"the first {frame['kept']:,} of {frame['bytes'] + SIZE_BYTES:,} bytes were kept",
        "depth": note.depth,
    }
