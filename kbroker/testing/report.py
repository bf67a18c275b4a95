"""What the broker saw, for whoever looks at a test that failed; and the same as files."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path

from kbroker.control.plain import to_plain
from kbroker.control.shapes import Connection, Fault, Frame, Group, Request
from kbroker.testing.broker import Broker

NEWEST = 25
LONGEST = 160


def report(broker: Broker) -> str:
    """The newest requests, errors, connections that ended, groups, faults, and warnings of the broker's log."""
    parts = [
        ("requests", [_request(each) for each in broker.requests(limit=NEWEST)]),
        ("connections that ended", [_connection(each) for each in broker.disconnects()[-NEWEST:]]),
        ("groups", [_group(each) for each in broker.groups()]),
        ("faults", [line for each in broker.faults.list() for line in _fault(each)]),
        ("log", [f"{each.level} {each.name}: {each.text}" for each in broker.log("WARNING", NEWEST)]),
    ]
    lines = []
    for title, rows in parts:
        if rows:
            lines += [f"{title}:", *[f"  {row}" for row in rows]]
    return "\n".join(lines) or "nothing"


def _request(request: Request) -> str:
    came_of_it = request.refused or ", ".join(request.errors) or ("ok" if request.response is not None else "no answer")
    faults = f"  [{'; '.join(request.faults)}]" if request.faults else ""
    asked = json.dumps(request.request)
    asked = asked if len(asked) <= LONGEST else asked[: LONGEST - 3] + "..."
    who = f"#{request.number} {request.client_id or '-'} conn {request.connection}"
    return f"{who} {request.api} v{request.version} -> {came_of_it} ({request.took_ms:g} ms){faults}  {asked}"


def _connection(connection: Connection) -> str:
    return f"conn {connection.id} from {connection.host}:{connection.port} {connection.software}: {connection.ended}"


def _group(group: Group) -> str:
    members = ", ".join(f"{each.client_id} has {len(each.assigned)}" for each in group.members) or "nobody"
    offsets = ", ".join(f"{each.topic}-{each.partition}@{each.offset} lag {each.lag}" for each in group.offsets)
    return f"{group.id}: {group.state} in {group.epoch}, {members}; {offsets or 'no offsets'}"


def _fault(fault: Fault) -> Iterator[str]:
    yield f"{fault.name}: met {len(fault.hits)} of {fault.seen} that fitted{', used up' * fault.used_up}"
    for hit in fault.hits[-NEWEST:]:
        yield f"  {hit.api} v{hit.version} of {hit.client_id}, conn {hit.connection}: {hit.done}"
    yield from (f"  {problem}" for problem in fault.problems)


def write_trace(broker: Broker, folder: Path, name: str) -> list[Path]:
    """The whole history: JSON lines, and a capture that Wireshark opens."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, capture = folder / f"{name}.jsonl", folder / f"{name}.pcap"
    lines.write_text("".join(json.dumps(to_plain(each)) + "\n" for each in broker.requests(limit=1 << 30)))
    capture.write_bytes(pcap(broker.frames()))
    return [lines, capture]


# --- pcap: the frames as if they had been caught on the wire, to port 9092, where Wireshark looks for Kafka -----------

_GLOBAL = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 24, 101)  # LINKTYPE_RAW: IP without a link layer
_KAFKA_PORT, _FIRST_PORT = 9092, 20_000
_CLIENT, _BROKER = b"\x7f\x00\x00\x02", b"\x7f\x00\x00\x01"
_MOST_BYTES = 60_000  # of one packet


def pcap(frames: list[Frame]) -> bytes:
    """A capture of these requests and replies, each connection as a TCP stream of its own."""
    packets: list[tuple[float, int, bool, bytes]] = []
    for frame in frames:
        packets.append((frame.at_ms / 1000, frame.connection, True, _sized(frame.request)))
        if frame.reply is not None:
            packets.append(((frame.at_ms + frame.took_ms) / 1000, frame.connection, False, _sized(frame.reply)))
    sent: dict[tuple[int, bool], int] = {}
    out = [_GLOBAL]
    for at_s, connection, is_request, data in sorted(packets, key=lambda packet: packet[0]):
        for start in range(0, len(data), _MOST_BYTES):
            piece = data[start : start + _MOST_BYTES]
            sequence = sent.get((connection, is_request), 1)
            sent[connection, is_request] = sequence + len(piece)
            packet = _packet(connection, is_request, sequence, sent.get((connection, not is_request), 1), piece)
            seconds = int(at_s)
            microseconds = int((at_s - seconds) * 1_000_000)
            out.append(struct.pack("<IIII", seconds, microseconds, len(packet), len(packet)) + packet)
    return b"".join(out)


def _sized(text: str) -> bytes:
    frame = base64.b64decode(text)
    return struct.pack(">i", len(frame)) + frame


def _packet(connection: int, is_request: bool, sequence: int, acknowledged: int, data: bytes) -> bytes:
    client_port = _FIRST_PORT + connection % 40_000
    ports = (client_port, _KAFKA_PORT) if is_request else (_KAFKA_PORT, client_port)
    hosts = (_CLIENT, _BROKER) if is_request else (_BROKER, _CLIENT)
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 5 << 4, 0x18, 65535, 0, 0)
    size = 20 + len(tcp) + len(data)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 6, 0, *hosts)
    return ip + tcp + data
