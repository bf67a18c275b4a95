"""The lines of a function that reads one version of a message; the story is in compile.py."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import Any

from .compile import FIXED, LONGEST_STRING, Source, least_size, misread, split
from .errors import MalformedMessage
from .primitives import Buffer, more_of_uvarint
from .schema import Field, Message, Struct


class Reader(Source):
    """Writes the lines that read. What is pending is what the next struct call reads."""

    def __init__(self, cls: type[Struct], flexible: bool, version: int, view: bool) -> None:
        super().__init__(cls, flexible, version)
        self.decoded = 'str({}, "utf-8")' if view else "{}.decode()"

    def flush(self) -> None:
        if not self.run:
            return
        run, self.run = self.run, []
        if len(run) == 1 and run[0][0] == "B":
            self.line(f"{run[0][1]} = data[p]; p += 1", run[0][2])
            return
        unpack, size = self.packing(run, "unpack_from")
        targets = ", ".join([target for _, target, _ in run]) + ("," if len(run) == 1 else "")
        self.line(f"{targets} = {unpack}(data, p); p += {size}", run)

    def struct(self, cls: type[Struct]) -> str:
        """Read a struct into a new local, whose name is the answer."""
        made = self.local("o")
        self.line(f"{made} = new({self.constant('c', cls)})")
        row, tagged, absent = split(cls, self.version, self.flexible)
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
            self.pend(FIXED[field.kind], target)
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
        self.pend("B" if compact else wide, n)
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
        self.pend(code, n)
        self.flush()
        with self.block(f"if {n} == 1:"):
            made = self.struct(cls)
            self.flush()
            self.line(f"{target} = {made}")
        self.line(f"elif {n} == {null}: {target} = None")
        self.line(f"else: raise wrong_mark({n})")

    def tags(self, made: str, tagged: list[Field]) -> None:
        n = self.local("n")
        self.pend("B", n)
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


def compiled_reader(cls: type[Message], version: int, view: bool) -> Callable[[Buffer, int], tuple[Any, int]]:
    source = Reader(cls, version in cls.__flexible__, version, view)
    source.names.update(_READER_NAMES)
    with source.block("def read(data, p):"):
        with source.block("try:"):
            source.line("size = len(data)")
            head = len(source.lines)
            made = source.struct(cls)
            source.flush()
            source.line(f"return {made}, p")
        with source.block("except Exception as error:"):
            source.line("raise misread(error)")
    if any("view[" in line for line in source.lines):
        source.lines.insert(head, "        view = data" if view else "        view = memoryview(data)")
        source.places.insert(head, cls.__name__)
    return source.build(f"{cls.__name__} v{version} read{' view' if view else ''}", "read")


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
    "unpack_from": unpack_from,
    "misread": misread,
    "more": more_of_uvarint,
    "more_of_length": _more_of_length,
    "tag_head": _tag_head,
    "unknown_tags": _unknown_tags,
    "wrong_length": _wrong_length,
    "wrong_count": _wrong_count,
    "wrong_mark": _wrong_mark,
    "wrong_tag": _wrong_tag,
}
