"""Cutting a stream into frames: the same frames however the bytes come, and no memory for mere claims."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.frame import (
    EXACT_BYTES,
    LARGE_BYTES,
    MAX_FRAME_BYTES,
    Frame,
    FrameFault,
    FrameReader,
    RemoteFault,
    frame_size,
)

KINDS = [1, 2, 100, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, 70_000]


def framed(*bodies: bytes) -> bytes:
    return b"".join([struct.pack(">i", len(body)) + body for body in bodies])


def body(size: int, seed: int = 0) -> bytes:
    return bytes([(seed + n) % 251 for n in range(min(size, 251))]) * (size // 251 + 1)


def through_buffers(reader: FrameReader, data: bytes, sizes: list[int]) -> list[Frame]:
    """Play the event loop: receive into the reader's buffer, as much as each size and the buffer allow."""
    frames: list[Frame] = []
    turn = 0
    while data:
        buffer = reader.get_buffer(-1)
        assert len(buffer) > 0
        count = min(len(buffer), len(data), sizes[turn % len(sizes)])
        turn += 1
        buffer[:count] = data[:count]
        data = data[count:]
        frames += reader.buffer_updated(count)
    return frames


def through_data(reader: FrameReader, data: bytes, sizes: list[int]) -> list[Frame]:
    frames: list[Frame] = []
    turn = 0
    while data:
        count = sizes[turn % len(sizes)]
        turn += 1
        frames += reader.receive_data(data[:count])
        data = data[count:]
    return frames


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(KINDS), max_size=8),
    st.lists(st.sampled_from([1, 3, 4, 5, 100, 1000, 40_000, 200_000]), min_size=1, max_size=5).filter(
        lambda sizes: max(sizes) > 50
    ),
    st.booleans(),
)
def test_the_same_frames_come_out_however_the_bytes_come_in(kinds: list[int], sizes: list[int], buffered: bool) -> None:
    bodies = [body(kind, seed)[:kind] for seed, kind in enumerate(kinds)]
    reader = FrameReader()
    frames = (through_buffers if buffered else through_data)(reader, framed(*bodies), sizes)
    assert [bytes(frame) for frame in frames] == bodies
    assert reader.held_bytes == 0


@pytest.mark.parametrize("door", [through_buffers, through_data])
@pytest.mark.parametrize("size", [EXACT_BYTES, EXACT_BYTES + 1, 5_000_001])
def test_a_frame_of_megabytes_is_whole_and_the_next_one_too(door: object, size: int) -> None:
    bodies = [b"before", body(size)[:size], b"after"]
    frames = door(FrameReader(), framed(*bodies), [100_000, 7])  # type: ignore[operator]
    assert [bytes(frame) for frame in frames] == bodies


def test_frames_may_be_written_into_and_do_not_share_bytes() -> None:
    reader = FrameReader()
    frames = through_buffers(reader, framed(b"abcd", b"efgh", body(LARGE_BYTES)), [100])
    for frame in frames:
        frame[0] = 0x58
    through_buffers(reader, framed(b"ijkl"), [100])
    assert bytes(frames[0]) == b"Xbcd"
    assert bytes(frames[1]) == b"Xfgh"


def test_readers_may_share_one_scratch() -> None:
    scratch = bytearray(64 * 1024)
    one, two = FrameReader(scratch=scratch), FrameReader(scratch=scratch)
    first, second = framed(b"first" * 10), framed(b"second" * 10)
    frames: dict[int, list[bytes]] = {1: [], 2: []}
    for at in range(0, 64, 3):
        frames[1] += [bytes(f) for f in through_buffers(one, first[at : at + 3], [3])]
        frames[2] += [bytes(f) for f in through_buffers(two, second[at : at + 3], [2])]
    assert frames == {1: [b"first" * 10], 2: [b"second" * 10]}


def test_a_large_frame_is_received_into_the_buffer_that_it_stays_in() -> None:
    taken: list[bytearray] = []

    def allocate(size: int) -> bytearray:
        taken.append(bytearray(size))
        return taken[-1]

    reader = FrameReader(allocate=allocate)
    data = framed(body(200_000)[:200_000])
    (frame,) = through_buffers(reader, data, [1000, 60_000])
    assert [len(buffer) for buffer in taken] == [200_000]
    assert frame is taken[0]


def test_memory_follows_what_was_received_and_not_what_was_claimed() -> None:
    reader = FrameReader()
    claim = struct.pack(">i", MAX_FRAME_BYTES)
    through_buffers(reader, claim + b"x" * 10, [100])
    assert reader.held_bytes == EXACT_BYTES
    through_buffers(reader, b"x" * (3 * EXACT_BYTES), [100_000])
    assert reader.held_bytes <= 2 * (3 * EXACT_BYTES + 10)
    other = FrameReader()
    other.receive_data(claim + b"x" * 10)
    assert other.held_bytes == EXACT_BYTES


def test_a_lent_buffer_may_still_be_held_when_the_frame_grows() -> None:
    reader = FrameReader()
    data = framed(body(4 * EXACT_BYTES)[: 4 * EXACT_BYTES])
    lent, frames = [], []
    while data:
        buffer = reader.get_buffer()
        lent.append(buffer)
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        data = data[count:]
        frames += reader.buffer_updated(count)
    assert [len(frame) for frame in frames] == [4 * EXACT_BYTES]


@pytest.mark.parametrize("size", [0, -1, -(2**31), 1001, 2**31 - 1])
@pytest.mark.parametrize("door", [through_buffers, through_data])
def test_an_impossible_size_is_the_peers_fault_and_earlier_frames_count(door: object, size: int) -> None:
    with pytest.raises(FrameFault, match=f"the peer announced a frame of {size} bytes") as caught:
        door(FrameReader(1000), framed(b"good", b"too") + struct.pack(">i", size), [1000])  # type: ignore[operator]
    assert isinstance(caught.value, RemoteFault)
    assert [bytes(frame) for frame in caught.value.frames] == [b"good", b"too"]


def test_a_large_frame_counts_too_when_an_impossible_size_follows() -> None:
    reader = FrameReader()
    reader.receive_data(framed(body(LARGE_BYTES))[:-1])
    with pytest.raises(FrameFault) as caught:
        reader.receive_data(framed(body(LARGE_BYTES))[-1:] + framed(b"small") + bytes(4))
    assert [len(frame) for frame in caught.value.frames] == [len(body(LARGE_BYTES)), 5]


@pytest.mark.parametrize(
    ("start", "what"),
    [(b"GET / HTTP/1.1\r\n", "an HTTP request"), (b"\x16\x03\x01\x02\x00", "a TLS handshake"), (b"SSH-2.0", "SSH")],
)
def test_a_stranger_is_named(start: bytes, what: str) -> None:
    with pytest.raises(FrameFault, match=f"first bytes of .*{what}"):
        FrameReader().receive_data(start)


def test_the_limit_itself_is_allowed() -> None:
    assert len(FrameReader(1000).receive_data(framed(bytes(1000)))) == 1


def test_the_size_before_some_parts() -> None:
    assert frame_size([b"abc", memoryview(b"de")]) == b"\0\0\0\5"


@pytest.mark.parametrize("size", [10, LARGE_BYTES + 1, 3_000_000])
def test_what_has_begun_can_be_looked_at(size: int) -> None:
    reader = FrameReader()
    whole = framed(body(size))
    for end in (2, 4, 9, len(whole) - 1):
        reader = FrameReader()
        assert reader.receive_data(framed(b"before") + whole[:end]) != [] and reader.begun == whole[:end]
    reader.receive_data(whole[-1:])
    assert reader.begun == b""
