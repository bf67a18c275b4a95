"""Notes of explain.py as lines of text, in columns: offset, bytes, path, type, value and meaning.

    0000  00 00 00 26              size                  int32  38  38 bytes follow

Offsets are decimal, with a plus in front where they count unfolded bytes. A value of many bytes goes on over several
lines; where it is shortened the line says how much is missing. Columns are as wide as the notes of a stretch need, so a
recording of any length is written while it is read.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from .explain import DAMAGE, ERROR, SECTION, Note

_STRETCH = 500
_BYTES_A_LINE = 8
_HEX_WIDTH = 3 * _BYTES_A_LINE - 1
_WIDEST_PATH = 90
_LONGEST_VALUE = 200

_PLAIN = {
    "offset": "",
    "hex": "",
    "path": "",
    "type": "",
    "value": "",
    "meaning": "",
    "head": "",
    "wrong": "",
    "end": "",
}
_COLOURS = {
    "offset": "\x1b[2m",
    "hex": "\x1b[36m",
    "path": "\x1b[1m",
    "type": "\x1b[2m",
    "value": "\x1b[32m",
    "meaning": "",
    "head": "\x1b[1;34m",
    "wrong": "\x1b[1;31m",
    "end": "\x1b[0m",
}


def lines(notes: Iterable[Note], *, colour: bool = False, longest: int | None = None) -> Iterator[str]:
    """Lines without their ends. longest is how many bytes of one note are shown; None shows them all."""
    source = iter(notes)
    while stretch := list(islice(source, _STRETCH)):
        path_width = min(_WIDEST_PATH, max([len(note.path) for note in stretch]))
        type_width = max([len(note.type) for note in stretch if note.type != SECTION], default=0)
        for note in stretch:
            yield from _lines_of(note, path_width, type_width, _COLOURS if colour else _PLAIN, longest)


def _lines_of(
    note: Note, path_width: int, type_width: int, colours: dict[str, str], longest: int | None
) -> Iterator[str]:
    if note.type == SECTION:
        said = f"{note.path}: {note.meaning}" if note.path else note.meaning
        yield f"{colours['head']}-- {said}{colours['end']}"
        return
    shown = note.raw if longest is None else note.raw[:longest]
    rows = [shown[at : at + _BYTES_A_LINE].hex(" ") for at in range(0, len(shown), _BYTES_A_LINE)] or [""]
    bad = note.type in (ERROR, DAMAGE)
    cells = [
        _cell(_offset(note, 0), 6, colours, "offset", right=True),
        _cell(rows[0], _HEX_WIDTH, colours, "hex"),
        _cell(note.path, path_width, colours, "wrong" if bad else "path"),
        _cell(note.type, type_width, colours, "wrong" if bad else "type"),
    ]
    value = value_text(note)
    if value:
        cells.append(_cell(value, 0, colours, "value"))
    if note.meaning:
        cells.append(_cell(note.meaning, 0, colours, "wrong" if bad else "meaning"))
    yield "  ".join(cells).rstrip()
    for number, row in enumerate(rows[1:], start=1):
        offset = _cell(_offset(note, number * _BYTES_A_LINE), 6, colours, "offset", right=True)
        yield f"{offset}  {_cell(row, 0, colours, 'hex')}"
    if len(shown) < len(note.raw):
        yield f"{'':6}  ... and {len(note.raw) - len(shown)} more bytes"


def _offset(note: Note, more: int) -> str:
    return f"{'+' if note.source else ''}{note.offset + more}"


def _cell(text: str, width: int, colours: dict[str, str], kind: str, right: bool = False) -> str:
    padded = text.rjust(width) if right else text.ljust(width)
    return f"{colours[kind]}{padded}{colours['end']}" if colours[kind] else padded


def value_text(note: Note) -> str:
    """The value for a reader's eye. Nothing of it can move a terminal's cursor: what is not printable is escaped."""
    value = note.value
    if value is None:
        return "null" if note.meaning != "null" and note.type not in (ERROR, DAMAGE, "rest", "partial") else ""
    if isinstance(value, bytes):
        if note.type == "uuid":
            return ""  # its meaning is its text
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return ""  # the bytes stand in their column
        return _shortened(repr(text)) if text.isprintable() else ""
    if isinstance(value, str):
        return _shortened(repr(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
