"""The definition language: what a class body means."""

from typing import Any

import pytest

from wire.errors import UnsupportedVersion
from wire.messages.end_txn import EndTxnRequest
from wire.primitives import ZERO_UUID
from wire.schema import (
    Data,
    Struct,
    Versions,
    array,
    boolean,
    bytes_,
    float64,
    int8,
    int32,
    int64,
    maker,
    records,
    string,
    struct,
    uuid,
)


class Point(Struct):
    x: int = int32()
    y: int = int32(default=-1)


class Shape(Data, versions="0-3", flexible="2+"):
    name: str = string()
    nick: str | None = string(versions="1+", nullable="1+", default=None, ignorable=True)
    kind: int = int8(default=3)
    open: bool = boolean()
    weight: float = float64(versions="1+")
    area_m2: int = int64(versions="1-2", json="areaM2")
    id: bytes = uuid(ignorable=True)
    blob: bytes = bytes_()
    data: Any = records(nullable="0+")
    points: list[Point] = array(Point)
    sizes: list[int] | None = array(int32, nullable="0+", default=None)
    origin: Point = struct(Point, versions="2+", tag=0)
    end: Point | None = struct(Point, versions="2+", nullable="2+", tag=1, default=None)


@pytest.mark.parametrize(
    ("text", "low", "high"), [("0+", 0, 32767), ("3+", 3, 32767), ("2-5", 2, 5), ("4", 4, 4), ("none", 0, -1)]
)
def test_versions_are_an_inclusive_range(text: str, low: int, high: int) -> None:
    versions = Versions.of(text)
    assert (versions.low, versions.high, str(versions)) == (low, high, text)
    assert bool(versions) == (low in versions) == (high in versions)
    assert low - 1 not in versions and high + 1 not in versions


def test_the_fields_of_a_class_can_be_looked_at() -> None:
    fields = {field.name: field for field in Shape.__fields__}
    assert list(fields)[:3] == ["name", "nick", "kind"]
    assert (fields["nick"].kind, str(fields["nick"].versions), str(fields["nick"].nullable)) == ("string", "1+", "1+")
    assert (fields["origin"].kind, fields["origin"].struct, fields["origin"].tag) == ("struct", Point, 0)
    assert (fields["points"].kind, fields["points"].element.kind, fields["points"].element.struct) == (
        "array", "struct", Point,
    )  # fmt: skip
    assert fields["sizes"].element.kind == "int32"
    assert (fields["kind"].default, fields["kind"].has_default, fields["open"].has_default) == (3, True, False)


def test_names_become_those_of_kafka() -> None:
    names = {field.name: field.json_name for field in EndTxnRequest.__fields__}
    assert names["transactional_id"] == "transactionalId"
    assert {field.name: field.json_name for field in Shape.__fields__}["area_m2"] == "areaM2"


def test_the_header_of_a_class_is_apart_from_its_fields() -> None:
    assert (EndTxnRequest.__api_key__, str(EndTxnRequest.__versions__), str(EndTxnRequest.__flexible__)) == (
        26, "0-5", "3+",
    )  # fmt: skip


def test_a_fresh_object_has_the_defaults() -> None:
    shape = Shape()
    assert (shape.name, shape.nick, shape.kind, shape.open, shape.weight) == ("", None, 3, False, 0.0)
    assert (shape.id, shape.blob, shape.data, shape.points, shape.sizes) == (ZERO_UUID, b"", None, [], None)
    assert (shape.origin, shape.end, shape.unknown_tags) == (Point(x=0, y=-1), None, None)


def test_two_objects_share_no_list() -> None:
    one, other = Shape(), Shape()
    one.points.append(Point(x=1))
    assert other.points == []


def test_the_shared_default_of_a_struct_refuses_to_be_changed() -> None:
    shape = Shape()
    with pytest.raises(AttributeError, match="assign a new one"):
        shape.origin.x = 5
    shape.origin = Point(x=5)
    assert Shape().origin.x == 0


def test_null_may_be_given_where_the_default_is_a_list() -> None:
    class Sizes(Data, versions="0"):
        sizes: list[int] | None = array(int32, nullable="0+")

    assert Sizes().sizes == []
    assert Sizes(sizes=None).sizes is None


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(TypeError, match="comitted"):
        EndTxnRequest(comitted=True)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        EndTxnRequest().comitted = True  # type: ignore[attr-defined]


def test_objects_are_equal_by_their_fields() -> None:
    assert Shape(points=[Point(x=1)]) == Shape(points=[Point(x=1)])
    assert Shape(points=[Point(x=1)]) != Shape(points=[Point(x=2)])
    assert Shape().origin == Point()
    assert Point() != EndTxnRequest()
    tagged = Shape()
    tagged.unknown_tags = {5: b"new"}
    assert tagged != Shape()


def test_an_object_shows_its_fields() -> None:
    assert repr(Point(x=1)) == "Point(x=1, y=-1)"
    assert "origin=Point(x=0, y=-1)" in repr(Shape())


def test_a_version_that_there_is_not_is_refused() -> None:
    for version in (-1, 4):
        with pytest.raises(UnsupportedVersion, match="Shape has versions 0-3"):
            Shape().encode(version)
        for data in (b"", bytearray(), memoryview(b"")):
            with pytest.raises(UnsupportedVersion):
                Shape.decode(data, version)


@pytest.mark.parametrize("version", range(4))
def test_a_definition_is_its_own_codec(version: int) -> None:
    shape = Shape(
        name="a", open=True, id=bytes(range(16)), blob=b"b", data=b"r", points=[Point(x=1, y=2)], sizes=[1, 2]
    )
    if version >= 2:
        shape.origin = Point(x=9)
        shape.end = Point()
    assert Shape.decode(shape.encode(version), version) == shape


def test_a_maker_makes_what_the_class_makes() -> None:
    make: Any = maker(Point)
    assert make(x=3) == Point(x=3)
    assert type(make(x=3)) is Point
    with pytest.raises(TypeError):
        make(x=3, z=1)


def test_a_maker_gives_each_its_own_lists() -> None:
    make: Any = maker(Lists)
    one, other = make(), make()
    assert one.values == other.values == []
    assert one.values is not other.values


class Lists(Struct):
    values: list[int] = array(int32)
