"""The protocol for your own programs: every message of Kafka as a class, and any frame explained.

    from kbroker.protocol import explain, message

    EndTxnRequest = message("EndTxnRequest")
    request = EndTxnRequest.decode(body, 5)
    for note in explain(frame):
        print(note.offset, note.path, note.value, note.meaning)

An installed kbroker carries its packages `wire` and `storage` inside itself, so that they are in nobody's way: what is
called `wire` in your program is yours. They are found here by their place. In a source checkout there is no such place,
and `wire` stands beside `kbroker`.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from os.path import dirname, isdir, join
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wire.explain import Note
    from wire.schema import Message

_WIRE = f"{__package__}._house.wire" if isdir(join(dirname(__file__), "_house", "wire")) else "wire"


def _wire(module: str) -> Any:
    return import_module(f"{_WIRE}.{module}")


def message(name: str) -> "type[Message]":
    """The class of a message by Kafka's name of it, such as "EndTxnRequest" or "OffsetCommitValue"; KeyError if there
    is none. Its decode, encode, parts, from_json and to_json take the version as an argument."""
    found: type[Message] = _wire("registry").message(name)
    return found


def explain(
    data: "bytes | bytearray | memoryview",
    *,
    api: int | str | None = None,
    version: int | None = None,
    response: bool | None = None,
) -> "Iterator[Note]":
    """What every byte of a frame, a body or record batches means: notes with offset, raw, path, type, value, meaning,
    depth and source. Requests and batches are recognised; of a response, api and version have to be told. ValueError
    says that it cannot be told what the bytes are; bytes that are broken end in a note of type "error"."""
    notes: Iterator[Note] = _wire("explain").explain(data, api=api, version=version, response=response)
    return notes


def lines(notes: "Iterable[Note]", *, colour: bool = False) -> Iterator[str]:
    """The notes as lines of text in columns, as `kbroker explain` prints them."""
    text: Iterator[str] = _wire("explain_text").lines(notes, colour=colour)
    return text
