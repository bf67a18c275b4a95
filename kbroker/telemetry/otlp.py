"""OpenTelemetry's metrics as clients push them (KIP-714): protobuf bytes to rows that people and programs can read.

Only what a metric says is read: its name, kind, unit, attributes, time and values. A histogram says its count and sum.
The field numbers are those of `opentelemetry/proto/metrics/v1/metrics.proto`; what is not known is passed over, as
protobuf wants it. What is no protobuf raises ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import NamedTuple

Buffer = bytes | memoryview

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_KINDS = {5: "gauge", 7: "sum", 9: "histogram", 10: "exponential histogram", 11: "summary"}
_NUMBERS = ("gauge", "sum")
_DELTA = 1
_DEEPEST = 16  # values inside values


class Metric(NamedTuple):
    """One data point. `resource` says of whom it is, `attributes` of what."""

    name: str
    kind: str
    value: float
    unit: str
    attributes: dict[str, str]
    resource: dict[str, str]
    time_ms: int
    is_delta: bool = False
    """Whether the value is what has come since the last push."""
    is_monotonic: bool = False
    """Whether it only grows."""


def metrics(data: Buffer) -> list[Metric]:
    """All data points of a MetricsData message."""
    found: list[Metric] = []
    for number, resource_metrics in _messages(data):
        if number != 1:
            continue
        parts = list(_messages(resource_metrics))
        resource = dict(pair for number, part in parts if number == 1 for pair in _attributes(part, 1))
        for number, scope in parts:
            if number == 2:
                for inner, metric in _messages(scope):
                    if inner == 2:
                        found += _points(metric, resource)
    return found


def _points(data: Buffer, resource: dict[str, str]) -> Iterator[Metric]:
    name = unit = ""
    points: list[tuple[str, Buffer, tuple[bool, bool]]] = []
    for number, part in _messages(data):
        if number == 1:
            name = _text(part)
        elif number == 3:
            unit = _text(part)
        elif number in _KINDS:
            kind = _KINDS[number]
            how = _how(part) if kind == "sum" else (False, False)
            points += [(kind, point, how) for inner, point in _messages(part) if inner == 1]
    for kind, point, how in points:
        yield _point(name, kind, unit, point, resource, how)


def _how(data: Buffer) -> tuple[bool, bool]:
    """Of a sum: is it one of deltas (1 is AGGREGATION_TEMPORALITY_DELTA), and does it only grow?"""
    said = {number: int.from_bytes(raw, "little") for number, wire, raw in _fields(data) if wire == _VARINT}
    return said.get(2) == _DELTA, bool(said.get(3))


def _point(name: str, kind: str, unit: str, data: Buffer, resource: dict[str, str], how: tuple[bool, bool]) -> Metric:
    """A NumberDataPoint has its value in 4 (double) or 6 (integer), the others their sum in 5."""
    value, time_ns = 0.0, 0
    attributes_at = 7 if kind in _NUMBERS or kind == "summary" else 9 if kind == "histogram" else 1
    for number, wire, raw in _fields(data):
        if number == 3 and wire == _FIXED64:
            time_ns = int.from_bytes(raw, "little")
        elif wire == _FIXED64 and number == (4 if kind in _NUMBERS else 5):
            (value,) = unpack_from("<d", raw)
        elif wire == _FIXED64 and number == 6 and kind in _NUMBERS:
            value = float(int.from_bytes(raw, "little", signed=True))
    attributes = dict(_attributes(data, attributes_at))
    return Metric(name, kind, value, unit, attributes, resource, time_ns // 1_000_000, *how)


def _attributes(data: Buffer, at: int) -> Iterator[tuple[str, str]]:
    """KeyValue pairs in this field."""
    for number, pair in _messages(data):
        if number == at:
            key, value = "", ""
            for inner, part in _messages(pair):
                if inner == 1:
                    key = _text(part)
                elif inner == 2:
                    value = _any(part)
            yield key, value


def _any(data: Buffer, depth: int = 0) -> str:
    """An AnyValue as text."""
    for number, wire, raw in _fields(data):
        if number == 1 and wire == _BYTES:
            return _text(raw)
        if number in (2, 3) and wire == _VARINT:
            value = int.from_bytes(raw, "little", signed=True)
            return str(bool(value)).lower() if number == 2 else str(value)
        if number == 4 and wire == _FIXED64:
            return str(unpack_from("<d", raw)[0])
        if number == 5 and wire == _BYTES and depth < _DEEPEST:
            return ",".join(_any(part, depth + 1) for inner, part in _messages(raw) if inner == 1)
        if wire == _BYTES:
            return bytes(raw).hex()
    return ""


def _text(data: Buffer) -> str:
    return str(data, "utf-8")  # its error is a ValueError


def _messages(data: Buffer) -> Iterator[tuple[int, Buffer]]:
    """Fields that have a length, which all inner messages and strings are."""
    for number, wire, raw in _fields(data):
        if wire == _BYTES:
            yield number, raw


def _fields(data: Buffer) -> Iterator[tuple[int, int, Buffer]]:
    """Number, wire type and bytes of each field; a varint as eight bytes, lowest first."""
    view, at = memoryview(data), 0
    while at < len(view):
        tag, at = _varint(view, at)
        wire, size = tag & 7, 0
        if wire == _VARINT:
            value, at = _varint(view, at)
            yield tag >> 3, wire, value.to_bytes(8, "little")
            continue
        if wire == _BYTES:
            size, at = _varint(view, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"a field of wire type {wire}")
        if size > len(view) - at:
            raise ValueError("a field that is longer than its message")
        yield tag >> 3, wire, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            raise ValueError("a number that does not end")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ValueError("a number of more than 64 bits")
