"""From a message class and a version to two flat functions: one that reads the bytes, one that writes them.

    read(data, p) -> (message, end)            write(message) -> [bytes or view, ...]

The functions are Python source, made at the first use of a version and put into linecache, so that a traceback shows
their lines. Nested structs become nested loops in the same function: a call for each partition would cost more than
reading it. Fields of fixed width that stand side by side are read by one `struct` call, which also takes the length
prefix or the empty tag section behind them. A records field is a view into the buffer, and is written as the view
that one gave.

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
from typing import Any

from .errors import MalformedMessage, ProtocolError, UnsupportedField
from .primitives import Buffer, more_of_uvarint, uvarint
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

_ONE_BYTE = tuple([uvarint(n) for n in range(128)])
_paths: dict[str, list[str]] = {}


class _Source:
    """A function under construction: its lines, the field path of each line, and the names that it uses."""

    def __init__(self, cls: type[Struct], flexible: bool, version: int) -> None:
        self.lines: list[str] = []
        self.paths: list[str] = []
        self.path = cls.__name__
        self.indent = 0
        self.version = version
        self.flexible = flexible
        self.names: dict[str, Any] = {}
        self.run: list[tuple[str, str]] = []
        self._serial = 0
        self._constants: dict[object, str] = {}

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)
        self.paths.append(self.path)

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

    def packing(self, codes: str, method: str) -> tuple[str, int]:
        packing = Packing(">" + codes)
        return self.constant(method[0], getattr(packing, method), codes), packing.size

    def is_compact(self, field: Field) -> bool:
        return self.flexible and self.version in field.flexible

    def build(self, name: str, function: str) -> Callable[..., Any]:
        source = "\n".join(self.lines) + "\n"
        filename = f"<wire {name} v{self.version} {function}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        _paths[filename] = self.paths
        exec(compile(source, filename, "exec"), self.names)
        made: Callable[..., Any] = self.names[function]
        return made


def _split(cls: type[Struct], version: int, flexible: bool) -> tuple[list[Field], list[Field], list[Field]]:
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
        row, _, _ = _split(field.struct, version, flexible)
        return sum([least_size(part, version, flexible) for part in row]) + flexible
    return 1 if compact else 2 if field.kind == "string" else 4


# Reading


class _Reader(_Source):
    """Writes the lines that read. `run` holds (format, target) of what the next `struct` call reads."""

    def __init__(self, cls: type[Struct], flexible: bool, version: int, view: bool) -> None:
        super().__init__(cls, flexible, version)
        self.decoded = 'str({}, "utf-8")' if view else "{}.decode()"

    def take(self, code: str, target: str) -> None:
        self.run.append((code, target))

    def flush(self) -> None:
        if not self.run:
            return
        run, self.run = self.run, []
        if len(run) == 1 and run[0][0] == "B":
            self.line(f"{run[0][1]} = data[p]; p += 1")
            return
        unpack, size = self.packing("".join([code for code, _ in run]), "unpack_from")
        targets = ", ".join([target for _, target in run]) + ("," if len(run) == 1 else "")
        self.line(f"{targets} = {unpack}(data, p); p += {size}")

    def struct(self, cls: type[Struct]) -> str:
        """Read a struct into a new local, whose name is the answer."""
        made = self.local("o")
        self.line(f"{made} = new({self.constant('c', cls)})")
        row, tagged, absent = _split(cls, self.version, self.flexible)
        for field in (*absent, *tagged):
            self.default(field, f"{made}.{field.name}")
        if not self.flexible:
            self.line(f"{made}.unknown_tags = None")
        for field in row:
            with self.within("." + field.name):
                self.value(field, f"{made}.{field.name}", self.version in field.nullable, self.is_compact(field))
        if self.flexible:
            self.tags(made, tagged)
        return made

    def default(self, field: Field, target: str) -> None:
        value = field.fresh()
        if value is None or isinstance(value, (bool, int, str, float)) or value in (b"", []):
            self.line(f"{target} = {value!r}")
        else:
            self.line(f"{target} = {self.constant('d', value)}")

    def value(self, field: Field, target: str, nullable: bool, compact: bool) -> None:
        if field.kind in FIXED:
            self.take(FIXED[field.kind], target)
        elif field.kind == "array":
            self.array(field, target, nullable, compact)
        elif field.kind == "struct":
            assert field.struct is not None
            if nullable:
                self.nullable_struct(field.struct, target, "b", "-1")
            else:
                self.line(f"{target} = {self.struct(field.struct)}")
        else:
            self.blob(field.kind, target, nullable, compact)

    def prefix(self, wide: str, compact: bool, rest: str = "more") -> str:
        """Read a length: an integer, or a varint of the length plus one."""
        n = self.local("n")
        self.take("B" if compact else wide, n)
        self.flush()
        if compact:
            with self.block(f"if {n} > 127:"):
                self.line(f"{n}, p = {rest}(data, p, {n})")
        return n

    def blob(self, kind: str, target: str, nullable: bool, compact: bool) -> None:
        is_string = kind == "string"
        n = self.prefix("h" if is_string else "i", compact, "more_of_length" if is_string else "more")
        slice_of = {
            "string": self.decoded.format("data[p:e]"),
            "bytes": "bytes(data[p:e])",
            "records": "view[p:e]",
        }[kind]
        end = f"e = p - 1 + {n}" if compact else f"e = p + {n}"
        null = f"not {n}" if compact else f"{n} == -1"
        if nullable:
            self.line(f"if {null}: {target} = None")
        with self.block("else:") if nullable else self.within(""):
            self.line(end)
            self.line(f"if e < p or e > size: raise wrong_length({n}{' - 1' if compact else ''}, size - p)")
            self.line(f"{target} = {slice_of}; p = e")

    def array(self, field: Field, target: str, nullable: bool, compact: bool) -> None:
        element = field.element
        assert element is not None
        n = self.prefix("i", compact)
        if compact:
            self.line(f"{n} -= 1")
        least = max(1, least_size(element, self.version, self.flexible))
        if nullable:
            self.line(f"if {n} == -1: {target} = None")
        with self.block("else:") if nullable else self.within(""):
            self.line(
                f"if {n} < 0 or {n}{f' * {least}' if least > 1 else ''} > size - p: raise wrong_count({n}, size - p)"
            )
            if element.kind == "uuid":
                self.line(f"{target} = [bytes(data[i : i + 16]) for i in range(p, p + 16 * {n}, 16)]; p += 16 * {n}")
            elif element.kind in FIXED:
                code = FIXED[element.kind]
                self.line(
                    f'{target} = list(unpack_from(f">{{{n}}}{code}", data, p)) if {n} else []; p += {least} * {n}'
                )
            else:
                made = self.local("l")
                self.line(f"{target} = {made} = []")
                with self.within(f"[{{{made}}}]"), self.block(f"for _ in range({n}):"):
                    if element.kind == "struct":
                        assert element.struct is not None
                        item = self.struct(element.struct)
                    else:
                        item = self.local("x")
                        self.value(element, item, False, compact)
                    self.flush()
                    self.line(f"{made}.append({item})")

    def nullable_struct(self, cls: type[Struct], target: str, code: str, null: str) -> None:
        n = self.local("n")
        self.take(code, n)
        self.flush()
        with self.block(f"if {n} == 1:"):
            made = self.struct(cls)
            self.flush()
            self.line(f"{target} = {made}")
        self.line(f"elif {n} == {null}: {target} = None")
        self.line(f"else: raise wrong_mark({n})")

    def tags(self, made: str, tagged: list[Field]) -> None:
        n = self.local("n")
        self.take("B", n)
        self.flush()
        self.line(f"{made}.unknown_tags = None")
        with self.block(f"if {n}:"):
            if not tagged:
                self.line(f"{made}.unknown_tags, p = unknown_tags(data, p, {n})")
                return
            last, tag, end, unknown = self.local("t"), self.local("t"), self.local("e"), self.local("u")
            self.line(f"{last} = -1; {unknown} = {{}}")
            self.line(f"if {n} > 127: {n}, p = more(data, p, {n})")
            with self.block(f"for _ in range({n}):"):
                self.line(f"{tag}, {end}, p = tag_head(data, p, {last}, size); {last} = {tag}")
                for number, field in enumerate(tagged):
                    with self.block(f"{'el' if number else ''}if {tag} == {field.tag}:"), self.within("." + field.name):
                        self.tagged(field, f"{made}.{field.name}")
                        self.flush()
                with self.block("else:"):
                    self.line(f"{unknown}[{tag}] = bytes(data[p:{end}]); p = {end}")
                self.line(f"if p != {end}: raise wrong_tag({tag})")
            self.line(f"if {unknown}: {made}.unknown_tags = {unknown}")

    def tagged(self, field: Field, target: str) -> None:
        if field.kind == "struct" and self.version in field.nullable:
            assert field.struct is not None
            self.nullable_struct(field.struct, target, "B", "0")
        else:
            self.value(field, target, self.version in field.nullable, True)


def reader(cls: type[Message], version: int) -> Callable[[Buffer, int], tuple[Any, int]]:
    """The function that reads this version out of bytes or a bytearray."""
    return _reader(cls, version, False)


def view_reader(cls: type[Message], version: int) -> Callable[[Buffer, int], tuple[Any, int]]:
    """The same for a memoryview, whose slices cannot decode themselves."""
    return _reader(cls, version, True)


def _reader(cls: type[Message], version: int, view: bool) -> Callable[[Buffer, int], tuple[Any, int]]:
    source = _Reader(cls, version in cls.__flexible__, version, view)
    source.names.update(_READER_NAMES)
    with source.block("def read(data, p):"):
        source.line("size = len(data)")
        head = len(source.lines)
        made = source.struct(cls)
        source.flush()
        source.line(f"return {made}, p")
    if any("view[" in line for line in source.lines):
        source.lines.insert(head, "    view = data" if view else "    view = memoryview(data)")
        source.paths.insert(head, cls.__name__)
    return source.build(cls.__name__, "read")


def _wrong_length(n: int, rest: int) -> MalformedMessage:
    if n < 0:
        return MalformedMessage(f"a length of {n}" if n < -1 else "null where a value must be")
    return MalformedMessage(f"a length of {n} with {max(rest, 0)} bytes left")


def _wrong_count(n: int, rest: int) -> MalformedMessage:
    if n < 0:
        return MalformedMessage(f"a count of {n}" if n < -1 else "null where an array must be")
    return MalformedMessage(f"{n} elements cannot lie in the {max(rest, 0)} bytes left")


def _wrong_mark(n: int) -> MalformedMessage:
    return MalformedMessage(f"a struct is marked {n}, which is neither null nor present")


def _wrong_tag(tag: int) -> MalformedMessage:
    return MalformedMessage(f"tagged field {tag} does not fill its size")


def _more_of_length(data: Buffer, offset: int, first: int) -> tuple[int, int]:
    n, offset = more_of_uvarint(data, offset, first)
    if n > LONGEST_STRING + 1:
        raise MalformedMessage(f"a string of {n - 1} bytes, where {LONGEST_STRING} are allowed")
    return n, offset


def _tag_head(data: Buffer, offset: int, last: int, size: int) -> tuple[int, int, int]:
    """The number of the next tagged field, where its bytes end, and where they begin."""
    tag, length = data[offset], data[offset + 1]
    if tag < 128 and length < 128:
        offset += 2
    else:
        offset += 1
        if tag > 127:
            tag, offset = more_of_uvarint(data, offset, tag)
        length = data[offset]
        offset += 1
        if length > 127:
            length, offset = more_of_uvarint(data, offset, length)
    if tag <= last:
        raise MalformedMessage(f"tag {tag} comes after tag {last}")
    if length > size - offset:
        raise MalformedMessage(f"tagged field {tag} has {length} bytes with {size - offset} left")
    return tag, offset + length, offset


def _unknown_tags(data: Buffer, offset: int, count: int) -> tuple[dict[int, bytes], int]:
    """The tagged fields of a struct that knows none."""
    if count > 127:
        count, offset = more_of_uvarint(data, offset, count)
    found: dict[int, bytes] = {}
    last = -1
    for _ in range(count):
        last, end, offset = _tag_head(data, offset, last, len(data))
        found[last] = bytes(data[offset:end])
        offset = end
    return found, offset


_READER_NAMES: dict[str, Any] = {
    "new": object.__new__,
    "unpack_from": __import__("struct").unpack_from,
    "more": more_of_uvarint,
    "more_of_length": _more_of_length,
    "tag_head": _tag_head,
    "unknown_tags": _unknown_tags,
    "wrong_length": _wrong_length,
    "wrong_count": _wrong_count,
    "wrong_mark": _wrong_mark,
    "wrong_tag": _wrong_tag,
}


# Writing


class _Writer(_Source):
    """Writes the lines that write. `run` holds (format, expression) of what the next `struct` call writes; "B" stands
    for a varint, which `flush` treats as one byte while it is one."""

    append = "w"

    def put(self, code: str, expression: str) -> None:
        self.run.append((code, expression))

    def flush(self, tail: str = "") -> None:
        """Write what is pending; `tail` is a local that holds a varint to write behind it."""
        run, self.run = self.run, []
        if not tail:
            if run:
                self.line(f"{self.append}({self.packed(run)})")
        elif not run:
            self.line(f"{self.append}(one_byte[{tail}] if {tail} < 128 else uvarint({tail}))")
        else:
            short = self.packed([*run, ("B", tail)])
            self.line(f"{self.append}({short} if {tail} < 128 else {self.packed(run)} + uvarint({tail}))")

    def packed(self, run: list[tuple[str, str]]) -> str:
        pack, _ = self.packing("".join([code for code, _ in run]), "pack")
        return f"{pack}({', '.join([expression for _, expression in run])})"

    def struct(self, cls: type[Struct], value: str) -> None:
        row, tagged, absent = _split(cls, self.version, self.flexible)
        for field in absent:
            if not field.ignorable:
                with self.within("." + field.name):
                    self.line(f"if {self.differs(field, f'{value}.{field.name}')}: raise not_in_version()")
        for field in row:
            with self.within("." + field.name):
                self.value(field, f"{value}.{field.name}", self.version in field.nullable, self.is_compact(field))
        if self.flexible:
            self.tags(value, tagged)

    def differs(self, field: Field, value: str) -> str:
        """A condition: the value is not the default."""
        default = field.fresh()
        if default is None:
            return f"{value} is not None"
        if default is False or default == []:
            return f"{value} is None or {value}" if default == [] and field.nullable else value
        if default is True:
            return f"not {value}"
        if isinstance(default, (int, str, float)):
            return f"{value} != {default!r}"
        name = self.constant("d", default)
        return f"{value} is not {name} and {value} != {name}"

    def value(self, field: Field, value: str, nullable: bool, compact: bool) -> None:
        if field.kind == "uuid":
            self.put("16s", f"uuid({value})")
        elif field.kind in FIXED:
            self.put(FIXED[field.kind], value)
        elif field.kind == "array":
            self.array(field, value, nullable, compact)
        elif field.kind == "struct":
            assert field.struct is not None
            if nullable:
                self.nullable_struct(field.struct, value, "b", -1)
            else:
                part = self.local("o")
                self.line(f"{part} = {value}")
                self.struct(field.struct, part)
        elif field.kind == "records":
            self.records(value, nullable, compact)
        else:
            self.blob(field.kind, value, nullable, compact)

    def length(self, n: str, wide: str, compact: bool) -> None:
        if compact:
            self.flush(n)
        else:
            self.put(wide, n)
            self.flush()

    def blob(self, kind: str, value: str, nullable: bool, compact: bool) -> None:
        b, n = self.local("b"), self.local("n")
        is_string = kind == "string"
        plus_one = " + 1" if compact else ""
        self.line(f"{b} = {value}")
        if nullable:
            self.line(f'if {b} is None: {b} = b""; {n} = {0 if compact else -1}')
        with self.block("else:") if nullable else self.within(""):
            if is_string:
                self.line(f"{b} = {b}.encode()")
            self.line(f"{n} = len({b}){plus_one}")
        if is_string and compact:
            self.line(f"if {n} > {LONGEST_STRING + 1}: raise too_long({n} - 1)")
        self.length(n, "h" if is_string else "i", compact)
        self.line(f"{self.append}({b})")

    def records(self, value: str, nullable: bool, compact: bool) -> None:
        b, n = self.local("b"), self.local("n")
        self.line(f"{b} = {value}")
        if nullable:
            self.line(f"if {b} is None: {b} = (); {n} = {0 if compact else -1}")
        with self.block("else:") if nullable else self.within(""):
            self.line(f"{b}, {n} = pieces({b})")
            if compact:
                self.line(f"{n} += 1")
        self.length(n, "i", compact)
        self.line(f'if {b}: parts.append(b"".join(out)); out.clear(); parts += {b}')

    def array(self, field: Field, value: str, nullable: bool, compact: bool) -> None:
        element = field.element
        assert element is not None
        a, n = self.local("a"), self.local("n")
        self.line(f"{a} = {value}")
        if nullable:
            self.line(f"if {a} is None: {a} = (); {n} = {0 if compact else -1}")
            self.line(f"else: {n} = len({a}){' + 1' if compact else ''}")
        else:
            self.line(f"{n} = len({a}){' + 1' if compact else ''}")
        self.length(n, "i", compact)
        if element.kind == "uuid":
            self.line(f'{self.append}(b"".join([uuid(x) for x in {a}]))')
        elif element.kind in FIXED:
            code = FIXED[element.kind]
            self.line(f'if {a}: {self.append}(pack(f">{{len({a})}}{code}", *{a}))')
        else:
            item = self.local("x")
            with self.within("[]"), self.block(f"for {item} in {a}:"):
                if element.kind == "struct":
                    assert element.struct is not None
                    self.struct(element.struct, item)
                else:
                    self.value(element, item, False, compact)
                self.flush()

    def nullable_struct(self, cls: type[Struct], value: str, code: str, null: int) -> None:
        self.flush()
        part = self.local("o")
        self.line(f"{part} = {value}")
        with self.block(f"if {part} is None:"):
            self.put(code, str(null))
            self.flush()
        with self.block("else:"):
            self.put(code, "1")
            self.struct(cls, part)
            self.flush()

    def tags(self, value: str, tagged: list[Field]) -> None:
        if not tagged:
            run = self.run
            with self.block(f"if {value}.unknown_tags is None:"):
                self.put("B", "0")
                self.flush()
            with self.block("else:"):
                self.run = run[:-1]
                self.flush()
                self.line(f"write_tags({self.append}, {{}}, {value}.unknown_tags)")
            return
        self.flush()
        found = self.local("t")
        self.line(f"{found} = None")
        for field in tagged:
            path = f"{value}.{field.name}"
            with self.within("." + field.name), self.block(f"if {self.differs(field, path)}:"):
                outer, self.append = self.append, self.local("w")
                pieces = self.local("t")
                self.line(f"{pieces} = []; {self.append} = {pieces}.append")
                if field.kind == "struct" and self.version in field.nullable:
                    assert field.struct is not None
                    self.nullable_struct(field.struct, path, "B", 0)
                else:
                    self.value(field, path, self.version in field.nullable, True)
                self.flush()
                self.line(f"if {found} is None: {found} = {{}}")
                self.line(f'{found}[{field.tag}] = b"".join({pieces})')
                self.append = outer
        self.line(f'if {found} is None and {value}.unknown_tags is None: {self.append}(b"\\0")')
        self.line(f"else: write_tags({self.append}, {found}, {value}.unknown_tags)")


def writer(cls: type[Message], version: int) -> Callable[[Any], list[Buffer]]:
    """The function that writes this version."""
    source = _Writer(cls, version in cls.__flexible__, version)
    source.names.update(_WRITER_NAMES)
    with source.block("def write(o):"):
        source.line("parts = []; out = []; w = out.append")
        source.struct(cls, "o")
        source.flush()
        source.line('parts.append(b"".join(out))')
        source.line("return parts")
    return source.build(cls.__name__, "write")


def _write_tags(
    append: Callable[[bytes], None], known: dict[int, bytes] | None, unknown: dict[int, bytes] | None
) -> None:
    fields = {**(unknown or {}), **(known or {})}
    append(uvarint(len(fields)))
    for tag in sorted(fields):
        append(uvarint(tag))
        append(uvarint(len(fields[tag])))
        append(fields[tag])


def _pieces(value: Any) -> tuple[tuple[Buffer, ...], int]:
    """The buffers of a records value, and how many bytes they hold together."""
    pieces = (value,) if isinstance(value, (bytes, bytearray, memoryview)) else tuple(value)
    return pieces, sum([len(piece) for piece in pieces])


def _uuid(value: bytes) -> bytes:
    if len(value) != 16:
        raise UnsupportedField(f"a uuid has 16 bytes, not {len(value)}")
    return value


def _not_in_version() -> UnsupportedField:
    return UnsupportedField("this version cannot carry a value other than the default")


def _too_long(n: int) -> UnsupportedField:
    return UnsupportedField(f"a string of {n} bytes, where {LONGEST_STRING} are allowed")


_WRITER_NAMES: dict[str, Any] = {
    "pack": __import__("struct").pack,
    "one_byte": _ONE_BYTE,
    "uvarint": uvarint,
    "write_tags": _write_tags,
    "pieces": _pieces,
    "uuid": _uuid,
    "not_in_version": _not_in_version,
    "too_long": _too_long,
}


# When it fails


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
    path, names = _place(error)
    path = re.sub(r"\{(\w+)\}", lambda match: str(len(names[match[1]])), path)
    return MalformedMessage(reason, names.get("p"), path)


def miswritten(error: Exception) -> Exception:
    """What writing raised, as an UnsupportedField that names the field; a ProtocolError of any other kind as it is."""
    if isinstance(error, ProtocolError) and not isinstance(error, UnsupportedField):
        return error
    path, _ = _place(error)
    return UnsupportedField(f"{path}: {error}") if path else error


def _place(error: Exception) -> tuple[str, dict[str, Any]]:
    """The field path of the line that failed, and the locals of its function."""
    traceback = error.__traceback__
    while traceback is not None:
        paths = _paths.get(traceback.tb_frame.f_code.co_filename)
        if paths is not None:
            return paths[traceback.tb_lineno - 1], dict(traceback.tb_frame.f_locals)
        traceback = traceback.tb_next
    return "", {}


# Making objects


def initializer(cls: type[Struct]) -> Callable[..., None]:
    """An __init__ that takes every field by keyword and gives the others their defaults."""
    source = _Source(cls, False, 0)
    source.names["missing"] = missing = object()
    arguments = []
    for field in cls.__fields__:
        value = field.fresh()
        default = missing if value == [] and field.kind == "array" else value
        arguments.append(f"{field.name}={source.constant('d', default)}")
    with source.block(f"def __init__(self, *, {', '.join(arguments)}):" if arguments else "def __init__(self):"):
        for field in cls.__fields__:
            if field.kind == "array" and field.fresh() == []:
                source.line(f"self.{field.name} = [] if {field.name} is missing else {field.name}")
            else:
                source.line(f"self.{field.name} = {field.name}")
        source.line("self.unknown_tags = None")
    return source.build(cls.__name__, "__init__")
