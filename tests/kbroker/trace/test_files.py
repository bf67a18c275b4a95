"""Recordings and captures: what is written is read again, and no secret is in it."""

import io
import struct
from base64 import b64decode

import pytest

from kbroker.pcap import LARGEST_PART, Capture
from kbroker.trace.exchange import Exchange
from kbroker.trace.recording import NotARecording, Recorder, recorded
from wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse

from .seen import exchange, heartbeat, metadata


def recording(*exchanges: Exchange) -> io.StringIO:
    file = io.StringIO()
    recorder = Recorder(file, 5)
    for one in exchanges:
        recorder.add(one)
    file.seek(0)
    return file


def test_a_recording_gives_back_what_it_was_given() -> None:
    given = [metadata(), heartbeat(), heartbeat()._replace(reply=None)]
    assert list(recorded(recording(*given))) == given


def test_no_secret_is_recorded() -> None:
    asked = SaslAuthenticateRequest(auth_bytes=b"\0alice\0secret")
    told = SaslAuthenticateResponse(error_code=0, error_message=None, auth_bytes=b"v=secret")
    login = exchange(asked, told, 2)
    raw = Exchange(1, 1, 1.0, "c", "b", b"\0alice\0secret", b"secret")
    for one in (login, raw):
        (kept,) = recorded(recording(one))
        assert len(kept.request) == len(one.request) and kept.reply is not None
        assert b"secret" not in kept.request + kept.reply
    text = recording(login, raw).read()
    assert b"secret" not in b"".join(b64decode(part + "==") for part in text.split('"') if len(part) > 20)


def test_a_file_that_is_no_recording_is_one_sentence() -> None:
    for text in ("hello\n", '{"other": 1}\n', '{"kbroker": 1}\n{"number": 1}\n', "[]\n"):
        with pytest.raises(NotARecording):
            list(recorded(io.StringIO(text)))


def packets(data: bytes) -> list[tuple[tuple[bytes, int], tuple[bytes, int], int, bytes]]:
    """Source, target, sequence number and content of each packet: a reader of its own."""
    assert struct.unpack("<I", data[:4])[0] == 0xA1B2C3D4 and struct.unpack("<I", data[20:24])[0] == 101
    found, at = [], 24
    while at < len(data):
        length = struct.unpack("<I", data[at + 8 : at + 12])[0]
        packet = data[at + 16 : at + 16 + length]
        assert len(packet) == length == struct.unpack(">H", packet[2:4])[0]
        total = sum(struct.unpack(">10H", packet[:20]))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF, "the checksum of the head is right"
        source_port, target_port, sequence = struct.unpack(">HHI", packet[20:28])
        found.append(((packet[12:16], source_port), (packet[16:20], target_port), sequence, packet[40:]))
        at += 16 + length
    return found


def test_a_capture_is_a_tcp_stream_for_each_connection() -> None:
    file = io.BytesIO()
    capture = Capture(file)
    large = metadata()._replace(request=metadata().request + bytes(2 * LARGEST_PART))
    for one in (metadata(), heartbeat()._replace(connection="other"), large):
        capture.add(
            one.request, one.reply, at_ms=one.at_ms, took_ms=one.took_ms, connection=one.connection, broker=one.broker
        )
    streams: dict[object, bytes] = {}
    for source, target, sequence, content in packets(file.getvalue()):
        stream = streams.setdefault((source, target), b"")
        assert sequence == len(stream) + 1, "nothing is missing, nothing comes twice"
        streams[source, target] = stream + content
    asked = {target[1]: stream for (_, target), stream in streams.items() if target[1] == 9092}
    assert len(streams) == 4 and asked
    first = len(metadata().request).to_bytes(4, "big") + metadata().request
    assert any(stream == first + len(large.request).to_bytes(4, "big") + large.request for stream in streams.values())
