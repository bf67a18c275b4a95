"""From a message class and a version to two flat functions: one that reads the bytes, one that writes them.

    read(data, p) -> (message, end)            write(message) -> [bytes or view, ...]

The functions are Python source, made at the first use of a version and put into linecache, so that a traceback shows
their lines. Nested structs become nested loops in the same function: a call for each partition would cost more than
reading it. Fields of fixed width that stand side by side are read by one `struct` call, which also takes the length
prefix or the empty tag section behind them. A records field is a view into the buffer, and is written as the view
that one gave.

compile_read.py and compile_write.py make the two; what they share is here.

What is checked while reading: a length or count never points past the end (a count is also held against the least
that so many elements need, so a small frame cannot ask for a large list), only -1 means null and only where null is
allowed, text is UTF-8, tags ascend and fill their sizes. Reading past the end of the buffer is left to IndexError and
struct.error, which cost nothing while all is well. Whatever is raised becomes one MalformedMessage: the line that
failed tells the field, the local `p` the offset.

explain.py reads the same bytes field by field, slowly and literally; tests hold the two against each other.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from struct import Struct as Packing
from struct import error as StructError
from types import FrameType
from typing import Any

from .errors import MalformedMessage, ProtocolError, UnsupportedField
from .primitives import Buffer
from .schema import Field, Message, Struct

FIXED = {
    "int8": "b",
    "bool": "?",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "float64": "d",
    "uuid": "16s",
}
WIDTH = {kind: Packing(">" + code).size for kind, code in FIXED.items()}
LONGEST_STRING = 32767

# A part of what one struct call reads or writes: format, target or expression, field path.
Part = tuple[str, str, str]
Place = str | list[Part]

# File name of a compiled function -> the place of each of its lines: a field path, or the parts of a struct call.
_places: dict[str, list[Place]] = {}


class Source:
    """A function under construction: its lines, the field path of each line, and the names that it uses."""

    def __init__(self, cls: type[Struct], flexible: bool, version: int) -> None:
        self.lines: list[str] = []
        self.places: list[Place] = []
        self.path = cls.__name__
        self.indent = 0
        self.version = version
        self.flexible = flexible
        self.names: dict[str, Any] = {}
        self.run: list[Part] = []
        self._serial = 0
        self._constants: dict[object, str] = {}

    def line(self, text: str, place: Place = "") -> None:
        self.lines.append("    " * self.indent + text)
        self.places.append(place or self.path)

    def pend(self, code: str, expression: str) -> None:
        """Leave something of fixed width to the next struct call."""
        self.run.append((code, expression, self.path))

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        self.line(opening)
        self.indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.indent -= 1

    @contextmanager
    def within(self, path: str) -> Iterator[None]:
        outer, self.path = self.path, self.path + path
        yield
        self.path = outer

    def local(self, letter: str) -> str:
        self._serial += 1
        return f"{letter}{self._serial}"

    def constant(self, letter: str, value: Any, key: object = None) -> str:
        """A global name of the function for a value; the same key gets the same name."""
        key = (letter, id(value) if key is None else key)
        if key not in self._constants:
            self._constants[key] = name = f"{letter.upper()}_{len(self._constants)}"
            self.names[name] = value
        return self._constants[key]

    def packing(self, run: list[Part], method: str) -> tuple[str, int]:
        codes = "".join([code for code, _, _ in run])
        packing = Packing(">" + codes)
        return self.constant(method[0], getattr(packing, method), codes), packing.size

    def is_compact(self, field: Field) -> bool:
        return self.flexible and self.version in field.flexible

    def build(self, label: str, function: str) -> Callable[..., Any]:
        source = "\n".join(self.lines) + "\n"
        filename = f"<wire {label}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        _places[filename] = self.places
        exec(compile(source, filename, "exec"), self.names)
        made: Callable[..., Any] = self.names[function]
        return made


def split(cls: type[Struct], version: int, flexible: bool) -> tuple[list[Field], list[Field], list[Field]]:
    """The fields of a struct in this version: those in a row, those in the tag section (ascending), those that are
    not there.
    """
    row, tagged, absent = [], [], []
    for field in cls.__fields__:
        if version not in field.versions or (field.tag is not None and not flexible):
            absent.append(field)
        elif field.tag is not None:
            tagged.append(field)
        else:
            row.append(field)
    tagged.sort(key=lambda field: field.tag or 0)
    return row, tagged, absent


def least_size(field: Field, version: int, flexible: bool) -> int:
    """The fewest bytes that a value of this field takes, its length prefix included."""
    if field.kind in FIXED:
        return WIDTH[field.kind]
    compact = flexible and version in field.flexible
    if field.kind == "struct":
        assert field.struct is not None
        if version in field.nullable:
            return 1
        row, _, _ = split(field.struct, version, flexible)
        return sum([least_size(part, version, flexible) for part in row]) + flexible
    return 1 if compact else 2 if field.kind == "string" else 4


def reader(cls: type[Message], version: int) -> Callable[[Buffer, int], tuple[Any, int]]:
    """The function that reads this version out of bytes or a bytearray."""
    from .compile_read import compiled_reader

    return compiled_reader(cls, version, view=False)


def view_reader(cls: type[Message], version: int) -> Callable[[Buffer, int], tuple[Any, int]]:
    """The same for a memoryview, whose slices cannot decode themselves."""
    from .compile_read import compiled_reader

    return compiled_reader(cls, version, view=True)


def writer(cls: type[Message], version: int) -> Callable[[Any], list[Buffer]]:
    """The function that writes this version."""
    from .compile_write import compiled_writer

    return compiled_writer(cls, version)


def initializer(cls: type[Struct]) -> Callable[..., None]:
    """An __init__ that takes every field by keyword and gives the others their defaults."""
    source, arguments = _keywords(cls)
    with source.block(f"def __init__({', '.join(['self', *arguments])}):"):
        _set_all(cls, source)
    return source.build(cls.__name__, "__init__")


def maker(cls: type[Struct]) -> Callable[..., Any]:
    """A function that takes the same and makes the struct."""
    source, arguments = _keywords(cls)
    source.names.update(new=object.__new__, cls=cls)
    with source.block(f"def make({', '.join(arguments)}):"):
        source.line("self = new(cls)")
        _set_all(cls, source)
        source.line("return self")
    return source.build(f"{cls.__name__} made", "make")


def _keywords(cls: type[Struct]) -> tuple[Source, list[str]]:
    """The arguments of both, and a source that knows their defaults."""
    source = Source(cls, False, 0)
    source.names["missing"] = missing = object()
    arguments = []
    for field in cls.__fields__:
        value = field.fresh()
        default = missing if value == [] and field.kind == "array" else value
        arguments.append(f"{field.name}={source.constant('d', default)}")
    return source, ["*", *arguments] if arguments else []


def _set_all(cls: type[Struct], source: Source) -> None:
    for field in cls.__fields__:
        if field.kind == "array" and field.fresh() == []:
            source.line(f"self.{field.name} = [] if {field.name} is missing else {field.name}")
        else:
            source.line(f"self.{field.name} = {field.name}")
    source.line("self.unknown_tags = None")


def misread(error: Exception) -> Exception:
    """What reading raised, as a MalformedMessage that says where; anything else as it is."""
    if isinstance(error, (IndexError, StructError)):
        reason = "the bytes end too early"
    elif isinstance(error, UnicodeDecodeError):
        reason = "a string is not UTF-8"
    elif isinstance(error, MalformedMessage) and error.offset is None:
        reason = error.reason
    else:
        return error
    place, frame = _place(error)
    names = frame.f_locals if frame is not None else {}
    path, offset = (
        _first_beyond(place, names["p"], names["size"]) if isinstance(place, list) else (place, names.get("p"))
    )
    path = re.sub(r"\{(\w+)\}", lambda match: str(len(names[match[1]])), path)
    return MalformedMessage(reason, offset, path)


def miswritten(error: Exception) -> Exception:
    """What writing raised, as an UnsupportedField that names the field; a ProtocolError of any other kind as it is."""
    if isinstance(error, ProtocolError) and not isinstance(error, UnsupportedField):
        return error
    place, frame = _place(error)
    path = _first_unfit(place, frame) if isinstance(place, list) and frame is not None else place
    return UnsupportedField(f"{path}: {error}") if path else error


def _place(error: Exception) -> tuple[Place, FrameType | None]:
    """The place of the line that failed, and the frame of its function."""
    traceback = error.__traceback__
    while traceback is not None:
        places = _places.get(traceback.tb_frame.f_code.co_filename)
        if places is not None:
            return places[traceback.tb_lineno - 1], traceback.tb_frame
        traceback = traceback.tb_next
    return "", None


def _first_beyond(parts: list[Part], offset: int, size: int) -> tuple[str, int]:
    """Of parts that are read together: the first that does not lie within the bytes, and where it begins."""
    for code, _, path in parts:
        width = Packing(">" + code).size
        if offset + width > size:
            return path, offset
        offset += width
    return parts[0][2], offset


def _first_unfit(parts: list[Part], frame: FrameType) -> str:
    """Of parts that are written together: the first that cannot be written."""
    for code, expression, path in parts:
        try:
            Packing(">" + code).pack(eval(expression, frame.f_globals, frame.f_locals))
        except (StructError, ProtocolError, TypeError):
            return path
    return parts[0][2]
