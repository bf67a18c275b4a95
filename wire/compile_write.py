"""The lines of a function that writes one version of a message; the story is in compile.py."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack
from typing import Any

from .compile import FIXED, LONGEST_STRING, Part, Source, miswritten, split
from .errors import UnsupportedField
from .primitives import Buffer, uvarint
from .schema import Field, KeptList, Message, Struct

_ONE_BYTE = tuple([uvarint(n) for n in range(128)])


class Writer(Source):
    """Writes the lines that write. What is pending is what the next struct call writes, together with a length or count
    behind it for as long as that fits into one byte."""

    append = "w"

    def flush(self, tail: str = "") -> None:
        """Write what is pending; `tail` is a local that holds a varint to write behind it."""
        run, self.run = self.run, []
        if not tail:
            if run:
                self.line(f"{self.append}({self.packed(run)})", run)
        elif not run:
            self.line(f"{self.append}(one_byte[{tail}] if {tail} < 128 else uvarint({tail}))")
        else:
            short = self.packed([*run, ("B", tail, self.path)])
            self.line(f"{self.append}({short} if {tail} < 128 else {self.packed(run)} + uvarint({tail}))", run)

    def packed(self, run: list[Part]) -> str:
        if [part[:2] for part in run] == [("B", "0")]:
            return 'b"\\0"'
        pack, _ = self.packing(run, "pack")
        return f"{pack}({', '.join([expression for _, expression, _ in run])})"

    def struct(self, cls: type[Struct], value: str) -> None:
        row, tagged, absent = split(cls, self.version, self.flexible)
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
            self.pend("16s", f"uuid({value})")
        elif field.kind in FIXED:
            self.pend(FIXED[field.kind], value)
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
            self.pend(wide, n)
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
            self.line(f"if not {b}: {b} = (); {n} = {int(compact)}")
            self.line(f"else: {b}, {n} = pieces({b}){f'; {n} += 1' if compact else ''}")
        self.length(n, "i", compact)
        self.line(f'if {b}: parts.append(b"".join(out)); out.clear(); parts += {b}')

    def array(self, field: Field, value: str, nullable: bool, compact: bool) -> None:
        a = self.local("a")
        self.line(f"{a} = {value}")
        if not field.kept:
            self.elements(field, a, nullable, compact)
            return
        known, start = self.local("k"), self.local("n")
        self.flush()
        self.line(f"{known} = {a}.memo if type({a}) is kept_list else None; {start} = len(out)")
        with self.block(f"if {known} is not None and {self.version} in {known}:"):
            self.line(f"w({known}[{self.version}])")
        with self.block("else:"):
            self.elements(field, a, nullable, compact)
            self.line(f'if {known} is not None: {known}[{self.version}] = b"".join(out[{start}:])')

    def elements(self, field: Field, a: str, nullable: bool, compact: bool) -> None:
        element = field.element
        assert element is not None
        n = self.local("n")
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
                if field.kept:
                    self.kept(element, item)
                elif element.kind == "struct":
                    assert element.struct is not None
                    self.struct(element.struct, item)
                else:
                    self.value(element, item, False, compact)
                self.flush()

    def kept(self, element: Field, item: str) -> None:
        """Write a struct that may know its bytes of this version already, and tell it if it does not."""
        assert element.struct is not None
        assert self.append == "w"
        known, start = self.local("k"), self.local("n")
        self.line(f"{known} = None")
        with self.block(f"if type({item}) is not {self.constant('c', element.struct)}:"):
            self.line(f"{known} = {item}.memo; {start} = len(out)")
            self.line(f"if {self.version} in {known}: w({known}[{self.version}]); continue")
        self.struct(element.struct, item)
        self.flush()
        self.line(f'if {known} is not None: {known}[{self.version}] = b"".join(out[{start}:])')

    def nullable_struct(self, cls: type[Struct], value: str, code: str, null: int) -> None:
        self.flush()
        part = self.local("o")
        self.line(f"{part} = {value}")
        with self.block(f"if {part} is None:"):
            self.pend(code, str(null))
            self.flush()
        with self.block("else:"):
            self.pend(code, "1")
            self.struct(cls, part)
            self.flush()

    def tags(self, value: str, tagged: list[Field]) -> None:
        if not tagged:
            run = self.run
            with self.block(f"if {value}.unknown_tags is None:"):
                self.pend("B", "0")
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


def compiled_writer(cls: type[Message], version: int) -> Callable[[Any], list[Buffer]]:
    source = Writer(cls, version in cls.__flexible__, version)
    source.names.update(_WRITER_NAMES)
    with source.block("def write(o):"):
        with source.block("try:"):
            source.line("parts = []; out = []; w = out.append")
            source.struct(cls, "o")
            source.flush()
            source.line('parts.append(b"".join(out))')
            source.line("return parts")
        with source.block("except Exception as error:"):
            source.line("raise miswritten(error)")
    return source.build(f"{cls.__name__} v{version} write", "write")


def _write_tags(
    append: Callable[[bytes], None], known: dict[int, bytes] | None, unknown: dict[int, bytes] | None
) -> None:
    fields = known or {}
    if unknown:
        fields = {**unknown, **fields}
    append(uvarint(len(fields)))
    for tag in sorted(fields) if len(fields) > 1 else fields:
        value = fields[tag]
        size = len(value)
        append((bytes((tag, size)) if tag < 128 > size else uvarint(tag) + uvarint(size)) + value)


def _pieces(value: Any) -> tuple[tuple[Buffer, ...], int]:
    """The buffers of a records value that is not empty, and how many bytes they hold together."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return (value,), len(value)
    pieces = tuple(value)
    return pieces, sum(map(len, pieces))


def _uuid(value: bytes) -> bytes:
    if len(value) != 16:
        raise UnsupportedField(f"a uuid has 16 bytes, not {len(value)}")
    return value


def _not_in_version() -> UnsupportedField:
    return UnsupportedField("this version cannot carry a value other than the default")


def _too_long(n: int) -> UnsupportedField:
    return UnsupportedField(f"a string of {n} bytes, where {LONGEST_STRING} are allowed")


_WRITER_NAMES: dict[str, Any] = {
    "pack": pack,
    "one_byte": _ONE_BYTE,
    "uvarint": uvarint,
    "write_tags": _write_tags,
    "pieces": _pieces,
    "uuid": _uuid,
    "kept_list": KeptList,
    "miswritten": miswritten,
    "not_in_version": _not_in_version,
    "too_long": _too_long,
}
