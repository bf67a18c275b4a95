"""Frames as somebody's own program might send them: right ones, and right ones with one thing changed."""

from __future__ import annotations

from typing import Any

from kbroker.trace.exchange import Exchange
from wire.header import encode_request_header, response_head, response_header_version
from wire.records import Record, build_batch
from wire.registry import APIS, Api
from wire.registry import find as api_named

AT_MS = 1_700_000_000_000
CLIENT = "mine"


def api(name: str) -> Api:
    found = api_named(name)
    assert found is not None
    return found


def request(name: str, version: int, said: dict[str, Any]) -> bytes:
    """A whole frame, its size first."""
    row = api(name)
    body = row.request_class().from_json(said, version).encode(version)
    frame = encode_request_header(row.key, version, 7, CLIENT) + body
    return len(frame).to_bytes(4, "big") + frame


def answer(name: str, version: int, said: dict[str, Any]) -> bytes:
    """A response without its size."""
    row = api(name)
    head = response_head(7, response_header_version(row.key, version))
    return bytes(head) + row.response_class().from_json(said, version).encode(version)


def sent(frame: bytes, reply: bytes | None = None, number: int = 1, connection: str = "#1") -> Exchange:
    """The exchange that a broker hears of: as many bytes as the size says, or as have come."""
    size = int.from_bytes(frame[:4], "big")
    here = frame[4 : 4 + size]
    return Exchange(number, AT_MS, 0.1, connection, "here", here, reply, size - len(here))


def with_size(rest: bytes) -> bytes:
    return len(rest).to_bytes(4, "big") + rest


def put(frame: bytes, offset: int, *values: int) -> bytes:
    """The frame with other bytes in that place."""
    return frame[:offset] + bytes(values) + frame[offset + len(values) :]


def left_out(frame: bytes, offset: int, count: int = 1) -> bytes:
    return with_size(frame[4:offset] + frame[offset + count :])


def put_in(frame: bytes, offset: int, *values: int) -> bytes:
    return with_size(frame[4:offset] + bytes(values) + frame[offset:])


def batch(count: int = 3, **options: Any) -> bytes:
    records = [Record(f"k{at}".encode(), f"value {at}".encode()) for at in range(count)]
    return bytes(build_batch(records, timestamp=AT_MS, **options))


def produce(data: bytes, version: int = 9, topic: str = "orders") -> bytes:
    """Produce by hand: the records go in as they are."""
    message: Any = APIS[0].request_class()
    plain = {"acks": -1, "timeoutMs": 1000, "topicData": [{"name": topic, "partitionData": [{"index": 0}]}]}
    made = message.from_json(plain, version)
    made.topic_data[0].partition_data[0].records = data
    return with_size(encode_request_header(0, version, 7, CLIENT) + made.encode(version))


def stored(offset: int, version: int = 9, topic: str = "orders") -> bytes:
    part = {"index": 0, "errorCode": 0, "baseOffset": offset, "logAppendTimeMs": -1}
    return answer("Produce", version, {"responses": [{"name": topic, "partitionResponses": [part]}]})
