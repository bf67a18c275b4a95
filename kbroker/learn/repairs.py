"""What would make a broken frame read well: another header, another version, or one length that is off by a little.

The byte at which a reader stumbles is seldom the one that is wrong: a length that is one too large is noticed where
its last byte is missing. So we try: with one thing changed, does the frame read to its end, with nothing left over?
The first change that does it, nearest to what was sent, is what is told. No guess is better than a wild one: where
nothing does it, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kbroker.learn.rules import header_rule
from wire.explain import DAMAGE, ERROR, REST, Cursor, Note, Wrong, guarded, read_message, read_struct
from wire.header import RequestHeader, request_header_version
from wire.primitives import uvarint
from wire.registry import Api

SIZE_BYTES = 4
MOST_BYTES = 16 << 10
"""Longer frames are not tried on: somebody who learns sends short ones."""

FIXED = {"array": 4, "bytes": 4, "records": 4, "string": 2, "nullable string": 2}
NEAR = (1, -1, 2, -2, 3, -3, 4, -4)


class Repair(NamedTuple):
    """Change the byte at `offset`, and it reads well. `words` say how, `rule` why."""

    offset: int
    words: str
    rule: str = ""


def read(frame: bytes, header_version: int, api: Api, version: int) -> list[Note]:
    """The notes of a frame, its size first, with this header and a body of this version."""
    cursor = Cursor(frame, SIZE_BYTES)

    def both() -> Iterator[Note]:
        yield from read_struct(cursor, RequestHeader, header_version, header_version > 1, "header")
        yield from read_message(cursor, api.request_class(), version)

    return list(guarded(cursor, both()))


def is_sound(notes: list[Note]) -> bool:
    """Whether all was read, and reads like something that was meant."""
    return not any(
        note.type in (ERROR, DAMAGE, REST) or (note.type == "bool" and note.raw not in (b"\0", b"\1")) for note in notes
    )


def repair(frame: bytes, api: Api, version: int, notes: list[Note]) -> Repair | None:
    """`notes` are those of the frame as it came."""
    if len(frame) > MOST_BYTES:
        return None
    return _header(frame, api, version) or _length(frame, api, version, notes) or _version(frame, api, version)


def _header(frame: bytes, api: Api, version: int) -> Repair | None:
    right = request_header_version(api.key, version)
    for other in (1, 2):
        if other == right or not is_sound(read(frame, other, api, version)):
            continue
        cursor = Cursor(frame, SIZE_BYTES)
        list(read_struct(cursor, RequestHeader, 1, False, "header"))
        what = (
            "put 00 here, the number of tagged fields"
            if right > other
            else "leave this byte out: it is no tagged field"
        )
        return Repair(
            cursor.at, f"with request header v{other} all of it reads well: {what}", header_rule(api, version)
        )
    return None


def _version(frame: bytes, api: Api, version: int) -> Repair | None:
    """Written as another version than the header says."""
    others = sorted(range(api.min_version, api.max_version + 1), key=lambda other: abs(other - version))
    for other in others[1:]:
        for header_version in {request_header_version(api.key, version), request_header_version(api.key, other)}:
            if is_sound(read(frame, header_version, api, other)):
                words = f"as {api.kafka_name} v{other} all of it reads well, but the header says v{version}"
                differ = api.is_flexible(other) != api.is_flexible(version)
                return Repair(6, words, header_rule(api, version) if differ else "")
    return None


def _length(frame: bytes, api: Api, version: int, notes: list[Note]) -> Repair | None:
    header_version = request_header_version(api.key, version)
    is_left_over = any(note.type == REST for note in notes)
    for step in NEAR[:2] if is_left_over else NEAR:
        for note in notes:
            for changed, told in _changed(frame, note, step, api.is_flexible(version)):
                if is_sound(read(changed, header_version, api, version)):
                    return Repair(note.offset, f"with {told} here all of it reads well")
    return None


def _changed(frame: bytes, note: Note, step: int, flexible: bool) -> Iterator[tuple[bytes, str]]:
    """The frame with another length in a place where one stands, or may stand."""
    if note.source or note.offset < SIZE_BYTES:
        return
    if note.type.endswith("string") and not _is_text(frame, note, step):
        return
    widths: tuple[int, ...] = (FIXED[note.type],) if note.type in FIXED else ()
    if note.type == ERROR:
        widths = () if flexible else (2, 4)
    for width in widths:
        raw = frame[note.offset : note.offset + width]
        value = int.from_bytes(raw, "big", signed=True) + step
        if len(raw) == width and 0 <= value < 1 << (8 * width - 1):
            new = value.to_bytes(width, "big")
            yield frame[: note.offset] + new + frame[note.offset + width :], new.hex(" ")
    if "compact" in note.type or (note.type == ERROR and flexible):
        cursor = Cursor(frame, note.offset)
        try:
            value = cursor.uvarint("") + step
        except Wrong:
            return
        if value >= 0:
            new = uvarint(value)
            yield frame[: note.offset] + new + frame[cursor.at :], new.hex(" ")


def _is_text(frame: bytes, note: Note, step: int) -> bool:
    """Whether a string of so many bytes more or fewer ends where text ends: it takes in text, or gives up what is
    none. Otherwise every missing byte could be made up for by the last letter of a name."""
    end = note.offset + len(note.raw)
    moved = frame[end : end + step] if step > 0 else frame[end + step : end]
    text = moved.isascii() and moved.decode("ascii", "replace").isprintable()
    return text if step > 0 else not text
