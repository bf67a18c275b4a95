"""What the chapters after the first have in common: frames, and the shapes that messages are made of.

Everything is written out in plain Python; the names of types are those of Kafka's own documentation.
"""

import socket
import struct


class Broker:
    """A connection: requests are numbered, answers are taken one by one."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=30)
        self.last_id = 0

    def ask(self, key: int, version: int, body: bytes) -> "Reader":
        """Send a request with an old-style header (version 1) and give the body of its answer."""
        self.last_id += 1
        request = struct.pack(">hhi", key, version, self.last_id) + string("learner") + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        answer = Reader(self.receive(struct.unpack(">i", self.receive(4))[0]))
        assert answer.int32() == self.last_id, "the answer to another request"
        return answer

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise SystemExit("the broker closed the connection: something in the request was wrong")
            data += piece
        return data


# --- writing --------------------------------------------------------------------------------------------------------


def int8(value: int) -> bytes:
    return struct.pack(">b", value)


def int16(value: int) -> bytes:
    return struct.pack(">h", value)


def int32(value: int) -> bytes:
    return struct.pack(">i", value)


def int64(value: int) -> bytes:
    return struct.pack(">q", value)


def string(text: str | None) -> bytes:
    """Its length in bytes, then its bytes in UTF-8; -1 for none."""
    if text is None:
        return int16(-1)
    data = text.encode()
    return int16(len(data)) + data


def blob(data: bytes) -> bytes:
    return int32(len(data)) + data


def array(items: list[bytes]) -> bytes:
    return int32(len(items)) + b"".join(items)


def varint(value: int) -> bytes:
    """Zigzag (small negative numbers become small ones), then seven bits a byte, the lowest first."""
    left = value << 1 ^ value >> 63
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


# --- reading --------------------------------------------------------------------------------------------------------


class Reader:
    """Takes one value after the other from the bytes of an answer."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        assert self.at + count <= len(self.data), "the answer ends in the middle of a field"
        self.at += count
        return self.data[self.at - count : self.at]

    def int8(self) -> int:
        return int(struct.unpack(">b", self.take(1))[0])

    def int16(self) -> int:
        return int(struct.unpack(">h", self.take(2))[0])

    def int32(self) -> int:
        return int(struct.unpack(">i", self.take(4))[0])

    def int64(self) -> int:
        return int(struct.unpack(">q", self.take(8))[0])

    def string(self) -> str | None:
        length = self.int16()
        return None if length < 0 else self.take(length).decode()

    def blob(self) -> bytes:
        return self.take(max(self.int32(), 0))

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value >> 1 ^ -(value & 1)
