"""The codecs: what goes in comes out, bounded, whole or not at all."""

import gzip
import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.compression import (
    GZIP,
    LZ4,
    NONE,
    SNAPPY,
    ZSTD,
    UnsupportedCompression,
    compress,
    decompress,
    name,
)
from wire.errors import MalformedMessage, ProtocolError

CODECS = [GZIP, SNAPPY, LZ4, ZSTD]
FRAMED = [GZIP, LZ4, ZSTD]  # frames that may follow one another
by_name = pytest.mark.parametrize("codec", CODECS, ids=name)
framed_by_name = pytest.mark.parametrize("codec", FRAMED, ids=name)

MIXED = b"the same again and again, " * 9000 + bytes(range(256)) * 40


@by_name
@pytest.mark.parametrize("data", [b"", b"x", MIXED, bytes(1_000_000)], ids=["empty", "byte", "mixed", "zeros"])
def test_what_was_compressed_comes_back(codec: int, data: bytes) -> None:
    assert decompress(codec, compress(codec, data), len(data)) == data
    assert decompress(codec, memoryview(compress(codec, memoryview(data))), len(data)) == data


@settings(max_examples=40)
@given(st.sampled_from([NONE, *CODECS]), st.binary(max_size=500))
def test_any_bytes_come_back(codec: int, data: bytes) -> None:
    assert decompress(codec, compress(codec, data)) == data


@by_name
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 8])
def test_half_a_frame_is_malformed(codec: int, cut: int) -> None:
    whole = compress(codec, MIXED)
    for part in (whole[:-cut], whole[:cut], whole[: len(whole) // 2]):
        with pytest.raises(MalformedMessage):
            decompress(codec, part)


@by_name
def test_a_bomb_stops_at_the_bound(codec: int) -> None:
    bomb = compress(codec, bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage, match="more than 100000 bytes"):
            decompress(codec, bomb, 100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


@by_name
def test_one_byte_past_the_bound_is_too_much(codec: int) -> None:
    packed = compress(codec, MIXED)
    with pytest.raises(MalformedMessage, match="unfold to more than"):
        decompress(codec, packed, len(MIXED) - 1)


def test_uncompressed_records_have_the_same_bound() -> None:
    assert decompress(NONE, b"12345", 5) == b"12345"
    with pytest.raises(MalformedMessage, match="more than 4 bytes"):
        decompress(NONE, b"12345", 4)


@framed_by_name
def test_frames_may_follow_one_another(codec: int) -> None:
    assert decompress(codec, compress(codec, b"one ") + compress(codec, MIXED) + compress(codec, b" two")) == (
        b"one " + MIXED + b" two"
    )


@framed_by_name
def test_thousands_of_empty_frames_take_linear_time(codec: int) -> None:
    assert decompress(codec, compress(codec, b"") * 20_000, 10) == b""


@framed_by_name
def test_frames_together_have_one_bound(codec: int) -> None:
    with pytest.raises(MalformedMessage, match="more than 250 bytes"):
        decompress(codec, compress(codec, bytes(100)) * 3, 250)


@by_name
def test_bytes_after_the_last_frame_are_malformed(codec: int) -> None:
    with pytest.raises(MalformedMessage):
        decompress(codec, compress(codec, MIXED) + b"garbage")


def test_a_zstd_stream_without_a_content_size_is_read() -> None:
    import zstandard

    stream = zstandard.ZstdCompressor().compressobj()
    packed = stream.compress(MIXED) + stream.flush()
    assert zstandard.frame_content_size(packed) == -1
    assert decompress(ZSTD, packed, len(MIXED)) == MIXED
    with pytest.raises(MalformedMessage, match="unfold to more"):
        decompress(ZSTD, packed, 1000)


def test_a_zstd_frame_that_lies_about_its_size_is_malformed() -> None:
    packed = bytearray(compress(ZSTD, bytes(300)))
    assert packed[4] >> 6 == 1  # a content size of two bytes follows
    packed[5:7] = b"\xff\xff"
    with pytest.raises(MalformedMessage):
        decompress(ZSTD, packed)


def test_zstd_frames_with_checksums_and_skippable_ones_are_read() -> None:
    import zstandard

    summed = zstandard.ZstdCompressor(write_checksum=True).compress(b"abc" * 100)
    skipped = bytes.fromhex("502a4d1803000000") + b"xyz"
    assert decompress(ZSTD, skipped + summed + skipped) == b"abc" * 100
    with pytest.raises(MalformedMessage, match="too early"):
        decompress(ZSTD, skipped + summed[:-4])


def test_gzip_of_pythons_own_tool_is_read() -> None:
    assert decompress(GZIP, gzip.compress(MIXED)) == MIXED


def test_raw_snappy_is_read_as_xerial_is() -> None:
    import cramjam

    assert decompress(SNAPPY, bytes(cramjam.snappy.compress_raw(MIXED))) == MIXED


def test_xerial_streams_may_follow_one_another() -> None:
    assert decompress(SNAPPY, compress(SNAPPY, b"one ") + compress(SNAPPY, b"two")) == b"one two"


def test_xerial_is_written_as_java_writes_it() -> None:
    stream = compress(SNAPPY, MIXED)
    assert stream[:16] == b"\x82SNAPPY\x00" + bytes.fromhex("0000000100000001")
    first = int.from_bytes(stream[16:20], "big")
    assert decompress(SNAPPY, stream[20 : 20 + first]) == MIXED[: 32 * 1024]


@pytest.mark.parametrize("claim", [b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x10", b"\xe8\x07"])
def test_a_snappy_block_that_claims_the_impossible_is_not_believed(claim: bytes) -> None:
    with pytest.raises(MalformedMessage, match=r"claims to unfold|cannot be unfolded"):
        decompress(SNAPPY, claim + b"\x04ab")


@pytest.mark.parametrize("size", [-1, 0, 2**31 - 1])
def test_a_xerial_block_of_an_impossible_size_is_malformed(size: int) -> None:
    stream = bytearray(compress(SNAPPY, b"abc"))
    stream[16:20] = size.to_bytes(4, "big", signed=True)
    with pytest.raises(MalformedMessage, match=f"claims {size} bytes"):
        decompress(SNAPPY, stream)


def test_lz4_blocks_are_independent_and_the_size_is_not_stored() -> None:
    flags = compress(LZ4, MIXED)[4]
    assert flags >> 6 == 1  # the frame format's version
    assert flags & 0b0010_0000  # independent blocks: Kafka's reader refuses others
    assert not flags & 0b0000_1000


@by_name
def test_a_level_can_be_chosen(codec: int) -> None:
    assert decompress(codec, compress(codec, MIXED, 1)) == MIXED


@pytest.mark.parametrize("codec", [5, 7, -1])
def test_numbers_that_kafka_does_not_have_are_refused(codec: int) -> None:
    with pytest.raises(UnsupportedCompression, match=f"no compression codec {codec}"):
        decompress(codec, b"x")
    with pytest.raises(UnsupportedCompression, match=f"no compression codec {codec}"):
        compress(codec, b"x")
    assert name(codec) == f"codec {codec}"


@pytest.mark.parametrize(
    ("codec", "module", "wheel"),
    [(LZ4, "lz4.frame", "lz4"), (SNAPPY, "cramjam", "cramjam"), (ZSTD, "zstandard", "zstandard")],
)
def test_a_missing_wheel_is_an_unsupported_compression(
    codec: int, module: str, wheel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for use in (decompress, compress):
        with pytest.raises(UnsupportedCompression, match=f"needs the Python package {wheel}"):
            use(codec, b"x")


def test_no_wheel_is_imported_before_its_codec_is_met() -> None:
    import subprocess

    program = (
        "import sys, wire.compression as c; c.decompress(1, c.compress(1, b'x'));"
        "print([m for m in ('lz4', 'cramjam', 'zstandard') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@settings(max_examples=150)
@given(st.sampled_from(CODECS), st.binary(max_size=80))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(codec: int, noise: bytes) -> None:
    try:
        decompress(codec, noise, 10_000)
    except ProtocolError as error:
        assert str(error)


@settings(max_examples=150)
@given(st.sampled_from(CODECS), st.data())
def test_mutated_frames_raise_nothing_but_our_own_error(codec: int, data: st.DataObject) -> None:
    packed = bytearray(compress(codec, MIXED[:600]))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert len(decompress(codec, packed, 2_000)) <= 2_000
    except ProtocolError as error:
        assert str(error)
