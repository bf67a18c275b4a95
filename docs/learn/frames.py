"""What the chapters after the first have in common: frames, and the shapes that messages are made of.

Everything is written out in plain Python; the names of types are those of Kafka's own documentation.
"""

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

FIND_COORDINATOR, GROUP, TRANSACTION = 10, 0, 1

NOT_YET = {
    3: "UNKNOWN_TOPIC_OR_PARTITION",
    5: "LEADER_NOT_AVAILABLE",
    6: "NOT_LEADER_OR_FOLLOWER",
    14: "COORDINATOR_LOAD_IN_PROGRESS",
    15: "COORDINATOR_NOT_AVAILABLE",
    16: "NOT_COORDINATOR",
    51: "CONCURRENT_TRANSACTIONS",
}


class Broker:
    """A connection: requests are numbered, answers are taken one by one."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=30)
        self.last_id = 0

    def ask(self, key: int, version: int, body: bytes, flexible: bool = False) -> "Reader":
        """Send a request and give the body of its answer, to be read. Flexible versions have one more byte in both
        headers, for tagged fields: chapter 9."""
        self.last_id += 1
        header = struct.pack(">hhi", key, version, self.last_id) + string("learner") + NO_TAGS * flexible
        self.socket.sendall(struct.pack(">i", len(header + body)) + header + body)
        answer = Reader(self.receive(struct.unpack(">i", self.receive(4))[0]))
        assert answer.int32() == self.last_id, "the answer to another request"
        answer.take(1 * flexible)
        return answer

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise SystemExit("the broker closed the connection: something in the request was wrong")
            data += piece
        return data


def patiently(ask: Callable[[], Any]) -> Any:
    """What `ask` gives: an error code, or a tuple that begins with one. Some errors only say: not yet. Then we ask
    again, for ten seconds at most; every client does."""
    for _ in range(100):
        told = ask()
        if (told[0] if isinstance(told, tuple) else told) not in NOT_YET:
            break
        time.sleep(0.1)
    return told


def coordinator(address: str, name: str, kind: int = GROUP) -> Broker:
    """A connection to the broker that looks after this group, or this transactional id."""

    def ask() -> tuple[int, int, str | None, int]:
        answer = Broker(address).ask(FIND_COORDINATOR, 1, string(name) + int8(kind))
        answer.int32()  # throttle time
        error, _message = answer.int16(), answer.string()
        return error, answer.int32(), answer.string(), answer.int32()

    error, node, host, port = patiently(ask)
    assert error == 0, f"error {error}"
    print(f"the coordinator of {name} is node {node}")
    return Broker(f"{host}:{port}")


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


def uvarint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that there is more."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint(value: int) -> bytes:
    """Zigzag first, so that small negative numbers become small ones: 0, -1, 1, -2 are 0, 1, 2, 3."""
    return uvarint(value << 1 ^ value >> 63)


# Flexible versions write lengths as varints, one too large, so that 0 is left for none; and after the fields of every
# message and structure stands how many tagged fields there are.

NO_TAGS = b"\0"


def compact_string(text: str | None) -> bytes:
    return b"\0" if text is None else uvarint(len(text.encode()) + 1) + text.encode()


def compact_array(items: list[bytes] | None) -> bytes:
    return b"\0" if items is None else uvarint(len(items) + 1) + b"".join(items)


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

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def varint(self) -> int:
        value = self.uvarint()
        return value >> 1 ^ -(value & 1)

    def compact_string(self) -> str | None:
        length = self.uvarint() - 1
        return None if length < 0 else self.take(length).decode()

    def compact_count(self) -> int:
        """How many items follow; none where there is no array."""
        return max(self.uvarint() - 1, 0)

    def tags(self) -> None:
        """Tagged fields may be of any number; what we do not know we leave out."""
        for _ in range(self.uvarint()):
            self.uvarint()
            self.take(self.uvarint())
