"""One raw connection: requests as trees of plain values, in any version, and answers as frames or as objects.

Clients that are not run here (sarama above all) use versions of their own choice, and some promises are about bytes
that a client library hides. A tree names fields as Kafka does, in snake case; what a version does not have is left out,
so that one tree serves all versions of an API.
"""

from __future__ import annotations

import itertools
import socket
import struct
from typing import Any

from compat_tests.tools import T0
from wire.header import encode_request_header, response_header_version
from wire.records import Record, build_batch
from wire.registry import APIS
from wire.schema import Message, Struct

API = {api.kafka_name: api for api in APIS.values()}
TIMEOUT_S = 30.0
CLIENT_ID = "raw"


class Closed(Exception):
    """The broker closed the connection where an answer was expected."""


def _fit(cls: type[Struct], tree: dict[str, Any], version: int) -> Any:
    found = {}
    for field in cls.__fields__:
        if field.name in tree and version in field.versions:
            value = tree[field.name]
            inner = field.element.struct if field.element is not None else field.struct
            if inner is not None and isinstance(value, list):
                value = [_fit(inner, item, version) for item in value]
            elif inner is not None and isinstance(value, dict):
                value = _fit(inner, value, version)
            found[field.name] = value
    return cls(**found)


def request(name: str, version: int, tree: dict[str, Any]) -> Message:
    message: Message = _fit(API[name].request_class(), tree, version)
    return message


def batch(*values: bytes, **options: Any) -> bytearray:
    """A batch of plain records, ready to be produced."""
    return build_batch([Record(timestamp=T0 + number, value=value) for number, value in enumerate(values)], **options)


class Connection:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=TIMEOUT_S)
        self._ids = itertools.count(1)

    def send_frame(self, frame: bytes) -> None:
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def send_request(self, name: str, version: int, **tree: Any) -> int:
        """Sends without waiting; the correlation id."""
        number = next(self._ids)
        head = encode_request_header(API[name].key, version, number, CLIENT_ID)
        self.send_frame(head + request(name, version, tree).encode(version))
        return number

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise Closed
            data += part
        return data

    def receive_frame(self) -> bytes:
        (size,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def receive(self, name: str, version: int, number: int) -> Any:
        """The next answer, which must be this one: its correlation id, its header, and no byte left over."""
        return self.decoded(name, version, number, self.receive_frame())

    @staticmethod
    def decoded(name: str, version: int, number: int, frame: bytes) -> Any:
        assert struct.unpack_from(">i", frame) == (number,), (name, version)
        start = 4
        if response_header_version(API[name].key, version):
            assert frame[4] == 0, "no tagged fields in the header"
            start = 5
        return API[name].response_class().decode(memoryview(frame)[start:], version)

    def ask(self, name: str, version: int, **tree: Any) -> Any:
        return self.receive(name, version, self.send_request(name, version, **tree))

    def closed_by_broker(self) -> bool:
        """Does the broker close, without another byte?"""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def advertised(connection: Connection) -> dict[str, tuple[int, int]]:
    """What the broker offers: name -> lowest and highest version."""
    answer = connection.ask("ApiVersions", 0)
    assert answer.error_code == 0
    return {
        APIS[offer.api_key].kafka_name: (offer.min_version, offer.max_version)
        for offer in answer.api_keys
        if offer.api_key in APIS
    }
