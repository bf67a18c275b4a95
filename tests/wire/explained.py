"""What the tests of explain share: notes by their path, and the bytes that they stand for."""

import struct
from collections.abc import Iterator

from wire.explain import DAMAGE, ERROR, PARTIAL, REST, SECTION, Note

BROKEN = (ERROR, DAMAGE, REST, PARTIAL)
METADATA = struct.pack(">ihhih", 0, 3, 4, 7, 2) + b"me" + struct.pack(">ih", 1, 4) + b"test" + b"\1"
METADATA = struct.pack(">i", len(METADATA) - 4) + METADATA[4:]


def of_the_frame(notes: list[Note]) -> bytes:
    return b"".join([note.raw for note in notes if not note.source])


def by_path(notes: list[Note], path: str) -> Note:
    (found,) = [note for note in notes if note.path == path and note.type != SECTION]
    return found


def last(notes: Iterator[Note]) -> Note:
    return list(notes)[-1]
