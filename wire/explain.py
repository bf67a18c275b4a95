"""The slow, literal reader: every byte of a frame, with the field that it belongs to and what it means.

It reads the schema of a message field by field and the bytes one after another, and shares no code with compile.py: the
two are held against each other by tests, so that a mistake would have to be made twice. What it yields are notes:

    offset  raw bytes  path                          type            value   meaning
         0  00000026   size                          int32           38
         4  0003       header.request_api_key        int16           3       Metadata
        ...
        31  0874657374 topics[0].name                compact string  'test'

- Notes come in the order of the bytes and leave none out; a note without bytes is a heading ("section").
- A broken frame is explained up to the byte that is wrong. The last note, an "error", says what was expected there and
  holds the bytes that could not be explained.
- What is wrong inside record batches or blobs ("damage") does not end the explanation: their size is known.
- Unfolded records lie elsewhere: their offsets count from the first unfolded byte, and `source` names them.

Reading is one thing and presenting another: explain_text.py makes lines of notes.
"""

from collections.abc import Iterator
from struct import unpack
from typing import Any, NamedTuple

from .compression import MAX_DECOMPRESSED_BYTES
from .errors import ErrorCode
from .header import RequestHeader, ResponseHeader, request_header_version, response_header_version
from .meanings import meaning
from .primitives import Buffer, uuid_text
from .registry import APIS, Api
from .schema import Field, Message, Request, Struct

SECTION = "section"
ERROR = "error"
DAMAGE = "damage"
REST = "rest"
PARTIAL = "partial"

API_VERSIONS = 18

_INTEGERS = {"int8": 1, "int16": 2, "int32": 4, "int64": 8}
_UNSIGNED = {"uint16": 2, "uint32": 4}
_LONGEST_STRING = 32767


class Note(NamedTuple):
    """One field, or part of one, and the bytes that hold it."""

    offset: int
    raw: bytes
    path: str
    type: str
    value: Any
    meaning: str = ""
    depth: int = 0
    source: str = ""  # "" is what was given; otherwise the unfolded bytes that the offset counts in


class Wrong(Exception):
    """The byte at the offset is not what was expected there."""

    def __init__(self, offset: int, expected: str, path: str = "") -> None:
        super().__init__(offset, expected, path)
        self.offset = offset
        self.expected = expected
        self.path = path


class Cursor:
    """A place in some bytes, and where they end. The pieces that it gives carry the notes of what was read."""

    def __init__(
        self, data: bytes, at: int = 0, end: int | None = None, source: str = "", unfold: int = MAX_DECOMPRESSED_BYTES
    ) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end
        self.source = source
        self.unfold = unfold  # how many bytes compressed records may unfold to
        self.topic = ""  # of which partition the records are
        self.enveloped = False  # a request inside a request

    @property
    def left(self) -> int:
        return self.end - self.at

    def within(self, size: int) -> "Cursor":
        """The next bytes by themselves."""
        part = Cursor(self.data, self.at, self.at + size, self.source, self.unfold)
        part.topic = self.topic
        part.enveloped = self.enveloped
        return part

    def take(self, size: int, what: str, path: str) -> bytes:
        if size > self.left:
            raise Wrong(self.at, f"{what} of {size} byte{'s' * (size != 1)}, but {self.left} are left", path)
        raw = self.data[self.at : self.at + size]
        self.at += size
        return raw

    def uvarint(self, path: str, bits: int = 32) -> int:
        start, value, shift = self.at, 0, 0
        while True:
            (byte,) = self.take(1, "a varint", path)
            value += (byte % 128) << shift
            shift += 7
            if byte < 128:
                break
            if shift >= bits:
                raise Wrong(start, f"a varint of at most {-(-bits // 7)} bytes", path)
        if value >> bits:
            raise Wrong(start, f"a varint that fits into {bits} bits", path)
        return value

    def varint(self, path: str, bits: int = 32) -> int:
        folded = self.uvarint(path, bits)
        return -(folded + 1) // 2 if folded % 2 else folded // 2

    def note(self, start: int, path: str, type_: str, value: Any, said: str = "", depth: int = 0) -> Note:
        return Note(start, self.data[start : self.at], path, type_, value, said, depth, self.source)

    def heading(self, path: str, said: str, depth: int = 0) -> Note:
        return Note(self.at, b"", path, SECTION, None, said, depth, self.source)

    def error(self, wrong: Wrong, type_: str = ERROR, depth: int = 0) -> Note:
        raw = self.data[wrong.offset : self.end]
        return Note(wrong.offset, raw, wrong.path, type_, None, f"expected {wrong.expected}", depth, self.source)


# Structs and fields


def read_struct(
    cursor: Cursor, cls: type[Struct], version: int, flexible: bool, path: str = "", depth: int = 0
) -> Iterator[Note]:
    """The fields of a struct in a version, then its tagged fields."""
    prefix = f"{path}." if path else ""
    for field in cls.__fields__:
        if version in field.versions and (field.tag is None):
            yield from _read_field(cursor, cls, field, version, flexible, prefix + field.name, depth)
    if flexible:
        yield from _read_tags(cursor, cls, version, path, depth)


def _read_field(
    cursor: Cursor, cls: type[Struct], field: Field, version: int, flexible: bool, path: str, depth: int
) -> Iterator[Note]:
    nullable = version in field.nullable
    compact = flexible and version in field.flexible
    if field.kind == "struct":
        assert field.struct is not None
        if nullable:
            start = cursor.at
            mark = unpack(">b", cursor.take(1, "the mark of a struct", path))[0]
            if mark not in (1, -1):
                raise Wrong(start, f"1 for a struct or -1 for null, not {mark}", path)
            yield cursor.note(start, path, "struct mark", mark, "present" if mark == 1 else "null", depth)
            if mark == -1:
                return
        yield from read_struct(cursor, field.struct, version, flexible, path, depth)
    elif field.kind == "array":
        yield from _read_array(cursor, cls, field, version, flexible, compact, path, depth)
    elif field.kind in ("bytes", "records"):
        yield from _read_opaque(cursor, cls, field, version, compact, path, depth)
    else:
        yield _read_plain(cursor, cls, field, nullable, compact, path, depth)


def _read_plain(
    cursor: Cursor, cls: type[Struct], field: Field, nullable: bool, compact: bool, path: str, depth: int
) -> Note:
    start, kind = cursor.at, field.kind
    said = ""
    value: Any
    if kind == "string":
        value = _read_string(cursor, nullable, compact, path)
        kind = ("nullable " if nullable else "") + ("compact " if compact else "") + kind
        if field.entity == "topicName" and value is not None:
            cursor.topic = value
    elif kind in _INTEGERS:
        value = int.from_bytes(cursor.take(_INTEGERS[kind], f"an {kind}", path), "big", signed=True)
    elif kind in _UNSIGNED:
        value = int.from_bytes(cursor.take(_UNSIGNED[kind], f"a {kind}", path), "big")
    elif kind == "bool":
        value = cursor.take(1, "a boolean", path) != b"\0"
    elif kind == "float64":
        value = unpack(">d", cursor.take(8, "a float64", path))[0]
    else:
        assert kind == "uuid", kind
        value = cursor.take(16, "a uuid", path)
        said = uuid_text(value)
    return cursor.note(start, path, kind, value, said or meaning(cls.__name__, field.name, value), depth)


def _read_length(cursor: Cursor, width: int, compact: bool, nullable: bool, what: str, path: str) -> int | None:
    """A length or count in front of its bytes; None for null."""
    start = cursor.at
    if compact:
        length = cursor.uvarint(path) - 1
    else:
        length = int.from_bytes(cursor.take(width, f"the length of {what}", path), "big", signed=True)
    if length < -1:
        raise Wrong(start, f"the length of {what}, not {length}", path)
    if length == -1 and not nullable:
        raise Wrong(start, f"{what}: null is not allowed here", path)
    if length > cursor.left:
        raise Wrong(start, f"{what} of {length}, but {cursor.left} bytes are left", path)
    return None if length == -1 else length


def _read_string(cursor: Cursor, nullable: bool, compact: bool, path: str) -> str | None:
    start = cursor.at
    length = _read_length(cursor, 2, compact, nullable, "a string", path)
    if length is None:
        return None
    if length > _LONGEST_STRING:
        raise Wrong(start, f"a string of at most {_LONGEST_STRING} bytes, not {length}", path)
    at = cursor.at
    raw = cursor.take(length, "a string", path)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Wrong(at + error.start, f"UTF-8 ({error.reason})", path) from None


def _read_array(
    cursor: Cursor, cls: type[Struct], field: Field, version: int, flexible: bool, compact: bool, path: str, depth: int
) -> Iterator[Note]:
    element = field.element
    assert element is not None
    start = cursor.at
    nullable = version in field.nullable
    count = _read_length(cursor, 4, compact, nullable, "an array", path)
    said = "null" if count is None else f"{count} element{'s' * (count != 1)}"
    yield cursor.note(start, path, "compact array" if compact else "array", count, said, depth)
    for index in range(count or 0):
        here = f"{path}[{index}]"
        if element.kind == "struct":
            assert element.struct is not None
            yield from read_struct(cursor, element.struct, version, flexible, here, depth + 1)
        else:
            plain = Field(element.kind).named(field.name)
            yield _read_plain(cursor, cls, plain, False, compact, here, depth + 1)


def _read_opaque(
    cursor: Cursor, cls: type[Struct], field: Field, version: int, compact: bool, path: str, depth: int
) -> Iterator[Note]:
    """bytes and records: the length, then what is in them as far as it is known."""
    from .explain_inside import read_blob, read_records

    start = cursor.at
    length = _read_length(cursor, 4, compact, version in field.nullable, field.kind, path)
    kind = ("compact " if compact else "") + field.kind
    said = "null" if length is None else f"{length} byte{'s' * (length != 1)}"
    yield cursor.note(start, path, kind, length, said, depth)
    if length:
        inside = cursor.within(length)
        cursor.at += length
        if field.kind == "records":
            yield from read_records(inside, path, depth + 1)
        else:
            yield from read_blob(inside, cls.__name__, field.name, path, depth + 1)


def _read_tags(cursor: Cursor, cls: type[Struct], version: int, path: str, depth: int) -> Iterator[Note]:
    prefix = f"{path}." if path else ""
    known = {field.tag: field for field in cls.__fields__ if field.tag is not None and version in field.versions}
    start = cursor.at
    count = cursor.uvarint(prefix + "tags")
    yield cursor.note(
        start, prefix + "tags", "varint", count, f"{count or 'no'} tagged field{'s' * (count != 1)}", depth
    )
    last = -1
    for _ in range(count):
        start = cursor.at
        tag = cursor.uvarint(prefix + "tag")
        if tag <= last:
            raise Wrong(start, f"a tag larger than {last}, not {tag}", prefix + "tag")
        last = tag
        field = known.get(tag)
        here = prefix + (field.name if field is not None else f"tag {tag}")
        yield cursor.note(start, here, "tag", tag, "" if field is not None else "not known", depth)
        start = cursor.at
        size = cursor.uvarint(here)
        if size > cursor.left:
            raise Wrong(start, f"a tagged field of {size} bytes, but {cursor.left} are left", here)
        yield cursor.note(start, here, "tag size", size, f"{size} byte{'s' * (size != 1)}", depth)
        inside = cursor.within(size)
        if field is None:
            cursor.take(size, "a tagged field", here)
            yield cursor.note(inside.at, here, "bytes", cursor.data[inside.at : cursor.at], "", depth)
            continue
        yield from _read_tagged(inside, cls, field, version, here, depth)
        if inside.at != inside.end:
            raise Wrong(inside.at, f"tagged field {tag} to end here, {inside.left} bytes of it are left", here)
        cursor.at = inside.end


def _read_tagged(
    cursor: Cursor, cls: type[Struct], field: Field, version: int, path: str, depth: int
) -> Iterator[Note]:
    if field.kind == "struct" and version in field.nullable:
        assert field.struct is not None
        start = cursor.at
        mark = cursor.take(1, "the mark of a struct", path)[0]
        if mark not in (0, 1):
            raise Wrong(start, f"1 for a struct or 0 for null, not {mark}", path)
        yield cursor.note(start, path, "struct mark", mark, "present" if mark else "null", depth)
        if mark:
            yield from read_struct(cursor, field.struct, version, True, path, depth)
    else:
        yield from _read_field(cursor, cls, field, version, True, path, depth)


# Whole messages


def guarded(cursor: Cursor, notes: Iterator[Note], type_: str = ERROR, depth: int = 0) -> Iterator[Note]:
    """The notes, and where they break off what was begun ("partial") and the note that says what is wrong."""
    covered = cursor.at
    try:
        for note in notes:
            if note.source == cursor.source:
                covered = note.offset + len(note.raw)
            yield note
    except Wrong as wrong:
        if wrong.offset > covered:
            begun = cursor.data[covered : wrong.offset]
            yield Note(covered, begun, wrong.path, PARTIAL, None, "", depth, cursor.source)
        yield cursor.error(wrong, type_, depth)


def read_message(cursor: Cursor, cls: type[Message], version: int) -> Iterator[Note]:
    """The body of a message to the end of the cursor. What a request leaves over is ignored by Kafka."""
    if version not in cls.__versions__:
        raise Wrong(cursor.at, f"a version of {cls.__name__} that exists ({cls.__versions__}), not {version}")
    yield cursor.heading("", f"{cls.__name__} v{version}")
    yield from read_struct(cursor, cls, version, version in cls.__flexible__)
    if cursor.left:
        if not issubclass(cls, Request):
            raise Wrong(cursor.at, f"the end of the message, {cursor.left} bytes are left over")
        start = cursor.at
        cursor.at = cursor.end
        yield cursor.note(start, "", REST, None, "bytes after the request, which are ignored")


def read_request(cursor: Cursor) -> Iterator[Note]:
    """A request's header and body."""
    key = int.from_bytes(cursor.data[cursor.at : cursor.at + 2], "big", signed=True)
    version = int.from_bytes(cursor.data[cursor.at + 2 : cursor.at + 4], "big", signed=True)
    api = APIS.get(key)
    header_version = request_header_version(key, version)
    yield cursor.heading("header", f"request header v{header_version}")
    yield from read_struct(cursor, RequestHeader, header_version, header_version == 2, "header")
    if api is None:
        raise Wrong(cursor.at, f"a body of a known API, there is no API key {key}")
    yield from read_message(cursor, api.request_class(), version)


def read_response(cursor: Cursor, api: Api, version: int) -> Iterator[Note]:
    """A response's header and body. It does not say of itself what it answers, so that has to be known."""
    header_version = response_header_version(api.key, version)
    yield cursor.heading("header", f"response header v{header_version}")
    yield from read_struct(cursor, ResponseHeader, header_version, header_version == 1, "header")
    yield from read_response_body(cursor, api, version)


def read_response_body(cursor: Cursor, api: Api, version: int) -> Iterator[Note]:
    first = cursor.data[cursor.at : cursor.at + 2]
    if api.key == API_VERSIONS and first == ErrorCode.UNSUPPORTED_VERSION.value.to_bytes(2, "big"):
        version = 0  # so that every client can read it (KIP-511)
    yield from read_message(cursor, api.response_class(), version)


def explain_message(cls: type[Message], version: int, data: Buffer) -> Iterator[Note]:
    """The notes of one body, without header and size."""
    cursor = Cursor(bytes(data))
    return guarded(cursor, read_message(cursor, cls, version))


def explain(
    data: Buffer,
    *,
    api: int | str | None = None,
    version: int | None = None,
    response: bool | None = None,
    unfold: int = MAX_DECOMPRESSED_BYTES,
) -> Iterator[Note]:
    """The notes of frames, of one frame without its size, of a body, or of record batches: what it is, is guessed from
    the bytes and from what is told. CannotTell is raised at once when it cannot be told what the bytes are.

    api is a key (18), an API ("ApiVersions") or any message ("OffsetCommitValue"); a response needs api and version.
    """
    from .explain_guess import notes

    return notes(Cursor(bytes(data), unfold=unfold), api, version, response)
