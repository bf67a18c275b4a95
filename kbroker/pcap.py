"""A capture file of requests and answers, for Wireshark and tshark (its Kafka dissector takes TCP port 9092).

The classic pcap format, link type 101 (raw IP). Each connection becomes a TCP stream between two made-up addresses:
who asked is 10.0.x.y, who answered 10.1.0.z port 9092; sequence numbers count on as they would, so the dissector puts
frames together again.
"""

from __future__ import annotations

from struct import Struct
from typing import BinaryIO

MAGIC, RAW_IP, SNAP = 0xA1B2C3D4, 101, 1 << 18
KAFKA_PORT = 9092
FIRST_PORT = 20_000
LARGEST_PART = 60_000
SIZE_BYTES = 4

_FILE = Struct("<IHHiIII")
_PACKET = Struct("<IIII")
_IP = Struct(">BBHHHBBH4s4s")
_TCP = Struct(">HHIIBBHHH")
_ACK_PUSH = 0x18
_TCP_PROTOCOL = 6


class Capture:
    """Writes packets as exchanges come. Frames are given without their size in front."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._connections: dict[str, int] = {}
        self._brokers: dict[str, int] = {}
        self._sent: dict[tuple[str, str, bool], int] = {}
        file.write(_FILE.pack(MAGIC, 2, 4, 0, 0, SNAP, RAW_IP))

    def add(
        self, request: bytes, reply: bytes | None, *, at_ms: int, took_ms: float, connection: str, broker: str
    ) -> None:
        """The request when it came, its answer when it went; None is no answer."""
        self._frame(connection, broker, request, at_ms * 1000, asked=True)
        if reply is not None:
            self._frame(connection, broker, reply, int((at_ms + took_ms) * 1000), asked=False)
        self._file.flush()

    def _frame(self, connection: str, broker: str, frame: bytes, at_us: int, *, asked: bool) -> None:
        whole = len(frame).to_bytes(SIZE_BYTES, "big") + frame
        for at in range(0, len(whole), LARGEST_PART):
            self._packet(connection, broker, whole[at : at + LARGEST_PART], at_us, asked)

    def _packet(self, connection: str, broker: str, data: bytes, at_us: int, asked: bool) -> None:
        client = self._connections.setdefault(connection, len(self._connections))
        server = self._brokers.setdefault(broker, len(self._brokers))
        sent = self._sent.get((connection, broker, asked), 1)
        heard = self._sent.get((connection, broker, not asked), 1)
        self._sent[connection, broker, asked] = sent + len(data) & 0xFFFF_FFFF
        ends = [
            (bytes((10, 0, client >> 8 & 0xFF, client & 0xFF)), FIRST_PORT + client % 40_000),
            (bytes((10, 1, server >> 8 & 0xFF, server & 0xFF)), KAFKA_PORT),
        ]
        (source, source_port), (target, target_port) = ends if asked else ends[::-1]
        tcp = _TCP.pack(source_port, target_port, sent, heard, 5 << 4, _ACK_PUSH, 65535, 0, 0)
        length = _IP.size + len(tcp) + len(data)
        head = _IP.pack(0x45, 0, length, 0, 0, 64, _TCP_PROTOCOL, 0, source, target)
        head = head[:10] + _checksum(head).to_bytes(2, "big") + head[12:]
        self._file.write(_PACKET.pack(at_us // 1_000_000, at_us % 1_000_000, length, length) + head + tcp + data)


def _checksum(head: bytes) -> int:
    """RFC 1071: the one's complement of the one's complement sum."""
    total = sum(int.from_bytes(head[at : at + 2], "big") for at in range(0, len(head), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
