"""A connection to a broker that is not trusted: every answer is read strictly, and what is wrong has a place.

Strictly means: the size in front is true, the correlation id is ours, the header has the version that belongs to the
API, the body is read to its last byte and not further.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, TypeVar

from wire.errors import MalformedMessage, error_name
from wire.explain import explain
from wire.explain_text import lines
from wire.header import encode_request_header, response_header_version
from wire.registry import APIS
from wire.schema import Request, Response

Answer = TypeVar("Answer", bound=Response)

SIZE_BYTES = 4
MOST_BYTES = 100 << 20


class Wrong(Exception):
    """A promise that does not hold. `shown` are lines of the answer up to the byte that is wrong, if it is one."""

    def __init__(self, what: str, shown: list[str] | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.shown = shown or []


class Asked(NamedTuple):
    key: int
    version: int
    correlation_id: int


class Peer:
    """Requests may be pipelined: `send` some, `receive` as many."""

    def __init__(self, address: tuple[str, int], timeout: float) -> None:
        self.address = address
        try:
            self._socket = socket.create_connection(address, timeout)
        except OSError as error:
            raise Wrong(f"nobody listens there: {(error.strerror or str(error)).lower()}") from None
        self._timeout = timeout
        self._last_id = 0x1000

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: Request, version: int, answer: type[Answer], *, answered: int | None = None) -> Answer:
        """Ask and read the answer, in version `answered` where that is another one."""
        return self.receive(self.send(request, version), answer, answered=answered)

    def send(self, request: Request, version: int) -> Asked:
        return self.send_body(request.__api_key__, version, request.encode(version))

    def send_body(self, key: int, version: int, body: bytes) -> Asked:
        """Also for versions and keys that there are not."""
        self._last_id += 1
        api = APIS.get(key)
        known = api is not None and api.min_version <= version <= api.max_version
        if known:
            head = encode_request_header(key, version, self._last_id, "kbroker-check")
        else:
            head = struct.pack(">hhihb", key, version, self._last_id, -1, 0)  # a newer client's header is flexible
        try:
            self._socket.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        except OSError:
            raise Wrong("the connection was closed before the request was sent") from None
        return Asked(key, version, self._last_id)

    def receive(self, asked: Asked, answer: type[Answer], *, answered: int | None = None) -> Answer:
        frame = self._frame(asked)
        version = asked.version if answered is None else answered
        (correlation_id,) = struct.unpack(">i", frame[:4])
        if correlation_id != asked.correlation_id:
            raise Wrong(
                f"the answer has correlation id {correlation_id} where {asked.correlation_id} was asked",
                shown(frame, asked, version),
            )
        at = 4
        if response_header_version(asked.key, asked.version) == 1:
            at = 5
            if frame[4:5] != b"\0":
                raise Wrong(
                    "the answer's header has version 1: after the correlation id a 0 is wanted, no tagged fields"
                )
        try:
            return answer.decode(memoryview(frame)[at:], version)
        except MalformedMessage as error:
            name = APIS[asked.key].kafka_name
            raise Wrong(f"the answer is no {name}Response v{version}: {error}", shown(frame, asked, version)) from None

    def is_closed(self) -> bool:
        """Whether the broker ends the connection without a word, in time."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _frame(self, asked: Asked) -> bytes:
        (size,) = struct.unpack(">i", self._exactly(SIZE_BYTES, asked))
        if not 4 <= size <= MOST_BYTES:
            raise Wrong(f"the answer says that it has {size} bytes")
        return self._exactly(size, asked)

    def _exactly(self, count: int, asked: Asked) -> bytes:
        name = APIS[asked.key].kafka_name if asked.key in APIS else f"key {asked.key}"
        data = b""
        while len(data) < count:
            try:
                piece = self._socket.recv(min(count - len(data), 1 << 20))
            except TimeoutError:
                got = f"{len(data)} of {count} bytes of an answer" if data else "no answer"
                raise Wrong(f"{got} to {name} v{asked.version} within {self._timeout:g} s") from None
            except OSError:
                piece = b""
            if not piece:
                raise Wrong(f"the connection was closed in place of an answer to {name} v{asked.version}")
            data += piece
        return data


def shown(frame: bytes, asked: Asked, version: int) -> list[str]:
    """The answer byte by byte, up to the one that is wrong."""
    whole = len(frame).to_bytes(SIZE_BYTES, "big") + frame
    return list(lines(explain(whole, api=asked.key, version=version, response=True), longest=64))


def expect(found: int, wanted: int, what: str) -> None:
    """An error code that must be this one."""
    if found != wanted:
        raise Wrong(f"{what}: error {_named(found)} where Kafka says {_named(wanted)}")


def same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Wrong(f"{what} is {found!r} where {wanted!r} belongs")


def _named(code: int) -> str:
    name = error_name(code)
    return name if name == str(code) else f"{code} ({name})"
