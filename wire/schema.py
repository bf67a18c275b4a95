"""The language in which every message is defined.

A message is a class body: its annotations are the types that a type checker sees, its values say how the field lies
on the wire, and its docstring is the documentation.

    class EndTxnRequest(Request, key=26, versions="0-5", flexible="3+"):
        transactional_id: str = string()
        committed: bool = boolean()

Rules:
- Fields stand in wire order. A field is on the wire in its `versions` ("3+", "2-5", "4", "none"; without them,
  always); where it is not, it has its default. It may be null in its `nullable` versions.
- From the class's `flexible` versions on, lengths are varints and each struct ends with a section of tagged fields
  (KIP-482). A field with a `tag` lives there, and is left out while it equals its default.
- The default is Kafka's: zero, empty, false, a struct of defaults, or what `default=` says. Each field may be left
  out when an object is made; a type checker asks for those that have no `default=` here, so that a handler that
  forgets one is found.
- `ignorable` fields are dropped silently by a version that cannot carry them; others must then hold their default.
  `map_key` marks the key of what Kafka keeps as a map; `entity` names what the value identifies.
- An object carries no version. `unknown_tags` is None, or what a newer writer added: {tag: bytes}.

The fields of a class are in `__fields__`, its header in `__api_key__`, `__versions__` and `__flexible__`: compile.py,
explain.py and jsonform.py read nothing else. How bytes are read and written is in compile.py; it is compiled at first
use, so importing a message costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, dataclass_transform

from .errors import MalformedMessage, UnsupportedVersion
from .primitives import ZERO_UUID, Buffer
from .versions import Versions

# What a records field may be given to write: a buffer, or the pieces of one as they lie in the log.
Records = Buffer | Sequence[Buffer]

_ZEROS: dict[str, Any] = {
    "bool": False,
    "float64": 0.0,
    "string": "",
    "bytes": b"",
    "uuid": ZERO_UUID,
}
_INTEGERS = ("int8", "int16", "uint16", "int32", "uint32", "int64")


S = TypeVar("S", bound="Struct")
P = ParamSpec("P")
_KEPT: dict[type, type] = {}


class Field:
    """One field: its `name` here and its `json_name` in Kafka, its `kind`, and the versions that have it.

    `kind` is the wire type: an integer's name, "bool", "float64", "string", "bytes", "records", "uuid", "array" (of
    `element`, itself a Field without a name) or "struct" (of the class `struct`). `nullable` and `flexible` are
    version ranges, too; `tag` is None for a field that is not tagged. `kept` is an array that may be a `KeptList`, of
    structs that may come from `keep`.
    """

    __slots__ = (
        "default",
        "element",
        "entity",
        "flexible",
        "has_default",
        "ignorable",
        "json_name",
        "kept",
        "kind",
        "map_key",
        "name",
        "nullable",
        "struct",
        "tag",
        "versions",
    )

    def __init__(
        self,
        kind: str,
        *,
        versions: str = "0+",
        nullable: str = "none",
        tag: int | None = None,
        default: Any = ...,
        ignorable: bool = False,
        map_key: bool = False,
        entity: str = "",
        flexible: str = "0+",
        json: str = "",
        element: Field | None = None,
        struct: type[Struct] | None = None,
        kept: bool = False,
    ) -> None:
        self.kind = kind
        self.versions = Versions.of(versions)
        self.nullable = Versions.of(nullable)
        self.tag = tag
        self.has_default = default is not ...
        self.ignorable = ignorable
        self.map_key = map_key
        self.entity = entity
        self.flexible = Versions.of(flexible)
        self.json_name = json
        self.name = ""
        self.element = element
        self.kept = kept
        self.struct = struct
        if not self.has_default:
            default = None if kind == "records" and self.nullable else _ZEROS.get(kind, b"" if kind == "records" else 0)
        self.default = default

    def named(self, name: str) -> Field:
        """The field, now that its class knows its name."""
        self.name = name
        if not self.json_name:
            head, *rest = name.split("_")
            self.json_name = head + "".join([word.capitalize() for word in rest])
        return self

    def fresh(self) -> Any:
        """The default, as a value that the caller may keep. A default struct is shared and refuses changes."""
        if self.kind == "array":
            return None if self.has_default and self.default is None else []
        if self.kind == "struct":
            assert self.struct is not None
            return None if self.has_default and self.default is None else self.struct.__default__()
        return self.default

    def is_default(self, value: Any) -> bool:
        default: Any = self.fresh()
        if value is None or default is None:
            return value is default
        return bool(value == default)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name or 'element'}>"


def int8(**options: Any) -> Any:
    return Field("int8", **options)


def int16(**options: Any) -> Any:
    return Field("int16", **options)


def uint16(**options: Any) -> Any:
    return Field("uint16", **options)


def int32(**options: Any) -> Any:
    return Field("int32", **options)


def uint32(**options: Any) -> Any:
    return Field("uint32", **options)


def int64(**options: Any) -> Any:
    return Field("int64", **options)


def float64(**options: Any) -> Any:
    return Field("float64", **options)


def boolean(**options: Any) -> Any:
    return Field("bool", **options)


def string(**options: Any) -> Any:
    return Field("string", **options)


def uuid(**options: Any) -> Any:
    return Field("uuid", **options)


def bytes_(**options: Any) -> Any:
    """A string of bytes; it is copied out of the frame."""
    return Field("bytes", **options)


def records(**options: Any) -> Any:
    """Record batches: read as a view into the frame, written as the views that one gives."""
    return Field("records", **options)


def struct(of: type[Struct], **options: Any) -> Any:
    """One struct inside another."""
    return Field("struct", struct=of, **options)


def array(of: type[Struct] | Callable[[], Any], **options: Any) -> Any:
    """A list of structs (`array(Topic)`) or of plain values (`array(int32)`)."""
    if isinstance(of, type):
        return Field("array", element=Field("struct", struct=of), **options)
    return Field("array", element=of(), **options)


@dataclass_transform(
    kw_only_default=True,
    field_specifiers=(
        int8, int16, uint16, int32, uint32, int64, float64, boolean, string, uuid, bytes_, records, struct, array,
    ),
)  # fmt: skip
class StructType(type):
    """Turns a class body into slots and a list of fields. No code is made here: that waits for the first use."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **header: Any) -> StructType:
        own = tuple([value.named(key) for key, value in namespace.items() if type(value) is Field])
        for field in own:
            del namespace[field.name]
        namespace.setdefault("__slots__", tuple([field.name for field in own]))
        cls = super().__new__(mcs, name, bases, namespace)
        if own:
            cls.__fields__ = own  # type: ignore[attr-defined]
        cls.__readers__ = {}  # type: ignore[attr-defined]
        cls.__view_readers__ = {}  # type: ignore[attr-defined]
        cls.__writers__ = {}  # type: ignore[attr-defined]
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **header: Any) -> None:
        super().__init__(name, bases, namespace)
        if "key" in header:
            cls.__api_key__ = header["key"]
        if "versions" in header:
            cls.__versions__ = Versions.of(header["versions"])
            cls.__flexible__ = Versions.of(header.get("flexible", "none"))


class _Tagged:
    """What every struct has beside its fields; apart from them, so that no constructor asks for it."""

    __slots__ = ("unknown_tags",)

    unknown_tags: dict[int, bytes] | None


class Struct(_Tagged, metaclass=StructType):
    """Fields in a row. What stands inside a message is a Struct; what has versions of its own is a Message."""

    __slots__ = ()

    __fields__: ClassVar[tuple[Field, ...]] = ()
    __readers__: ClassVar[dict[int, Any]]
    __view_readers__: ClassVar[dict[int, Any]]
    __writers__: ClassVar[dict[int, Any]]
    __shared_default__: ClassVar[Any] = None

    def __init__(self, **values: Any) -> None:
        from .compile import initializer

        cls = type(self)
        setattr(cls, "__init__", initializer(cls))  # noqa: B010
        cls.__init__(self, **values)

    @classmethod
    def __default__(cls) -> Self:
        """The struct of defaults that all owners share; whoever wants other values assigns a struct of their own."""
        frozen = cls.__shared_default__
        if frozen is None:
            kind: Any = StructType(cls.__name__, (cls,), {"__slots__": (), "__setattr__": _refuse})
            frozen = object.__new__(kind)
            for field in cls.__fields__:
                object.__setattr__(frozen, field.name, field.fresh())
            object.__setattr__(frozen, "unknown_tags", None)
            cls.__shared_default__ = frozen
        return frozen  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Struct) or other.__fields__ is not self.__fields__:
            return NotImplemented
        return self.unknown_tags == other.unknown_tags and all(
            getattr(self, field.name) == getattr(other, field.name) for field in self.__fields__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = [f"{field.name}={getattr(self, field.name)!r}" for field in self.__fields__]
        if self.unknown_tags:
            parts.append(f"unknown_tags={self.unknown_tags!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _refuse(struct: Struct, name: str, value: object) -> None:
    raise AttributeError(f"this {type(struct).__name__} is shared: assign a new one instead of setting {name!r}")


def keep(struct: S) -> S:
    """The same struct for many messages: it remembers its bytes, and cannot be changed any more. For the elements of
    arrays that are declared `kept`."""
    cls = type(struct)
    kind: Any = _KEPT.get(cls)
    if kind is None:
        kind = _KEPT[cls] = StructType(cls.__name__, (cls,), {"__slots__": ("memo",), "__setattr__": _refuse})
    kept: S = object.__new__(kind)
    for name in (*[field.name for field in cls.__fields__], "unknown_tags"):
        object.__setattr__(kept, name, getattr(struct, name))
    object.__setattr__(kept, "memo", {})  # version -> bytes; what others make of it once, by their names
    return kept


class KeptList(list[S]):
    """The same elements for many messages: it remembers their bytes, too, and nobody changes it. For arrays that are
    declared `kept`."""

    __slots__ = ("memo",)

    def __init__(self, elements: Iterable[S]) -> None:
        super().__init__(elements)
        self.memo: dict[int, bytes] = {}  # by version


def maker(cls: Callable[P, S]) -> Callable[P, S]:
    """A function that makes such a struct, for what is made at every request: half of what the class takes, which packs
    its keywords into a dict on their way."""
    from .compile import maker

    made: Callable[P, S] = maker(cls)  # type: ignore[arg-type]
    return made


class Message(Struct):
    """A struct that stands alone: it has versions, and bytes."""

    __slots__ = ()

    __api_key__: ClassVar[int | None] = None
    __versions__: ClassVar[Versions] = Versions.of("none")
    __flexible__: ClassVar[Versions] = Versions.of("none")

    @classmethod
    def decode(cls, buffer: Buffer, version: int) -> Self:
        """Read the whole buffer."""
        message, end = cls.decode_from(buffer, 0, version)
        if end != len(buffer):
            raise MalformedMessage(f"{len(buffer) - end} bytes are left over", end, cls.__name__)
        return message

    @classmethod
    def decode_from(cls, buffer: Buffer, offset: int, version: int) -> tuple[Self, int]:
        """Read a message that begins at the offset; also say where it ends."""
        return cls.reader(version, buffer)(buffer, offset)  # type: ignore[no-any-return]

    @classmethod
    def reader(cls, version: int, buffer: Buffer) -> Any:
        """What reads this version out of such a buffer: `read(buffer, offset)`, as `decode_from`."""
        readers = cls.__readers__ if type(buffer) is not memoryview else cls.__view_readers__
        read = readers.get(version)
        if read is None:
            read = readers[version] = _compiled(cls, version, "reader" if readers is cls.__readers__ else "view_reader")
        return read

    def parts(self, version: int) -> list[Buffer]:
        """The bytes of the message in pieces; those of records are the views that the message was given."""
        return self.writer(version)(self)  # type: ignore[no-any-return]

    @classmethod
    def writer(cls, version: int) -> Any:
        """What writes this version: `write(message)`, as `parts`."""
        write = cls.__writers__.get(version)
        if write is None:
            write = cls.__writers__[version] = _compiled(cls, version, "writer")
        return write

    def encode(self, version: int) -> bytes:
        """The bytes of the message in one piece."""
        parts = self.parts(version)
        return parts[0] if len(parts) == 1 and type(parts[0]) is bytes else b"".join(parts)

    @classmethod
    def from_json(cls, value: Any, version: int) -> Self:
        """A message from Kafka's own JSON form, see jsonform.py."""
        from .jsonform import from_json

        return from_json(cls, value, version)

    def to_json(self, version: int) -> Any:
        """The message in Kafka's own JSON form, see jsonform.py."""
        from .jsonform import to_json

        return to_json(self, version)


class Request(Message):
    """What a client sends; `key` is the API key."""

    __slots__ = ()
    __api_key__: ClassVar[int]


class Response(Message):
    """What the broker answers."""

    __slots__ = ()
    __api_key__: ClassVar[int]


class Key(Message):
    """The key of a record in one of the broker's own logs; `key` is the record type that goes before it as an int16."""

    __slots__ = ()
    __api_key__: ClassVar[int]


class Value(Message):
    """The value of such a record; its version goes before it as an int16."""

    __slots__ = ()
    __api_key__: ClassVar[int]


class Data(Message):
    """Bytes that are neither asked nor answered: headers, blobs inside other messages, control records."""

    __slots__ = ()


def _compiled(cls: type[Message], version: int, what: str) -> Any:
    from . import compile

    if version not in cls.__versions__:
        raise UnsupportedVersion(f"{cls.__name__} has versions {cls.__versions__}, not {version}")
    return getattr(compile, what)(cls, version)
