"""The codecs of record batches: none, gzip, snappy, lz4, zstd. Each wheel is imported when its codec is first met.

A batch's records are compressed as one piece, in these shapes:

    1 gzip     RFC 1952
    2 snappy   xerial's stream (8 bytes magic, two int32 versions, then int32 length and raw block, over and over), as
               the Java clients write it; or one raw block, as some other clients do
    3 lz4      the LZ4 frame format, blocks independent of each other
    4 zstd     standard frames, often without a content size (KIP-110)

What comes in was written by strangers. A few kilobytes can claim, or really unfold to, gigabytes, so decompress() is
given a bound and holds it while it works: it believes no header about sizes, and stops at the first piece that passes
the bound. Frames may follow one another in one piece of data, also thousands of tiny ones, in linear time. A frame that
ends too early is malformed, even where the codec's own reader would be content with what it got.

A wheel that is not installed gives MissingCodec, which the broker answers as UNSUPPORTED_COMPRESSION_TYPE.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from .errors import MalformedMessage, ProtocolError

Buffer = bytes | bytearray | memoryview
_Step = Callable[[Any, Buffer, int], tuple[bytes, Buffer | None]]  # decoder, data, limit: a piece, and what is left

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
NAMES = ("none", "gzip", "snappy", "lz4", "zstd")

MAX_DECOMPRESSED_BYTES = 100 * 1024 * 1024

_SLICE = 32 * 1024  # of compressed bytes handed to a decoder at once
_PIECE = 256 * 1024  # of unfolded bytes asked of lz4 or zstd at once
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + b"\x00\x00\x00\x01\x00\x00\x00\x01"
_XERIAL_BLOCK = 32 * 1024
_SNAPPY_RATIO = 22  # a copy of 64 bytes takes at least 3

_ZSTD_MAGIC = 0xFD2FB528
_ZSTD_SKIPPABLE = 0x184D2A50  # and the 15 numbers after it


class UnsupportedCompression(ProtocolError):
    """A codec number that Kafka does not have, or a codec whose wheel is not installed."""


class MissingCodec(UnsupportedCompression):
    """The codec's wheel is not installed."""

    def __init__(self, codec: str, wheel: str) -> None:
        super().__init__(f"{codec} needs the Python package {wheel}, which is not installed")
        self.wheel = wheel


def name(codec: int) -> str:
    """What Kafka's configs call the codec."""
    return NAMES[codec] if 0 <= codec < len(NAMES) else f"codec {codec}"


def decompress(codec: int, data: Buffer, max_bytes: int = MAX_DECOMPRESSED_BYTES) -> bytes:
    """The plain bytes, at most max_bytes of them."""
    if codec == NONE:
        if len(data) > max_bytes:
            raise _too_large("uncompressed records", max_bytes)
        return bytes(data)
    if not 0 < codec < len(NAMES):
        raise UnsupportedCompression(f"Kafka has no compression codec {codec}")
    return _DECOMPRESS[codec](data, max_bytes)


def compress(codec: int, data: Buffer, level: int | None = None) -> bytes:
    """data as a batch of this codec carries it. level is the codec's own; None is its default."""
    if codec == NONE:
        return bytes(data)
    if not 0 < codec < len(NAMES):
        raise UnsupportedCompression(f"Kafka has no compression codec {codec}")
    return _COMPRESS[codec](data, level)


def _too_large(what: str, max_bytes: int) -> MalformedMessage:
    return MalformedMessage(f"{what} unfold to more than {max_bytes} bytes")


def _frame_by_frame(what: str, start: Callable[[], Any], step: _Step, data: Buffer, max_bytes: int) -> bytes:
    """Run decoders with `eof` and `unused_data` over frames that follow one another. The data goes in by slices,
    because a decoder copies what it leaves unused, and that would be quadratic for many small frames."""
    view = memoryview(data)
    pieces: list[bytes] = []
    total = 0
    decoder = None
    for at in range(0, len(view), _SLICE):
        rest: Buffer | None = view[at : at + _SLICE]
        while rest is not None:
            decoder = decoder or start()
            piece, rest = step(decoder, rest, max_bytes - total + 1)
            pieces.append(piece)
            total += len(piece)
            if total > max_bytes:
                raise _too_large(what, max_bytes)
            if decoder.eof:
                rest, decoder = decoder.unused_data or None, None
    if decoder is not None or not pieces:
        raise MalformedMessage(f"{what} end too early")
    return b"".join(pieces)


def _gzip_step(decoder: Any, data: Buffer, limit: int) -> tuple[bytes, None]:
    return decoder.decompress(data, limit), None  # it leaves a rest only where the limit is passed


def _gzip_decompress(data: Buffer, max_bytes: int) -> bytes:
    try:
        return _frame_by_frame("gzip records", lambda: zlib.decompressobj(_GZIP_WINDOW), _gzip_step, data, max_bytes)
    except zlib.error as error:
        raise MalformedMessage(f"gzip records cannot be unfolded: {error}") from None


def _gzip_compress(data: Buffer, level: int | None) -> bytes:
    encoder = zlib.compressobj(-1 if level is None else level, zlib.DEFLATED, _GZIP_WINDOW)
    return encoder.compress(data) + encoder.flush()


def _lz4() -> Any:
    try:
        import lz4.frame
    except ImportError:
        raise MissingCodec("lz4", "lz4") from None
    return lz4.frame


def _lz4_step(decoder: Any, data: Buffer, limit: int) -> tuple[bytes, bytes | None]:
    piece = decoder.decompress(data, min(limit, _PIECE))  # which it allocates at once
    return piece, None if decoder.needs_input else b""


def _lz4_decompress(data: Buffer, max_bytes: int) -> bytes:
    frame = _lz4()
    try:
        return _frame_by_frame("lz4 records", frame.LZ4FrameDecompressor, _lz4_step, data, max_bytes)
    except RuntimeError as error:
        raise MalformedMessage(f"lz4 records cannot be unfolded: {error}") from None


def _lz4_compress(data: Buffer, level: int | None) -> bytes:
    frame = _lz4()
    block = frame.BLOCKSIZE_MAX64KB
    packed: bytes = frame.compress(data, level or 0, block_size=block, block_linked=False, store_size=False)
    return packed


def _snappy() -> Any:
    try:
        from cramjam import snappy
    except ImportError:
        raise MissingCodec("snappy", "cramjam") from None
    return snappy


def _xerial_blocks(view: memoryview) -> Iterator[memoryview]:
    """The raw blocks of a xerial stream; another stream may follow the first."""
    at = 0
    while at < len(view):
        if view[at : at + len(_XERIAL_MAGIC)] == _XERIAL_MAGIC:
            at += len(_XERIAL_HEADER)
            continue
        size = int.from_bytes(view[at : at + 4], "big", signed=True)
        at += 4
        if not 0 < size <= len(view) - at:
            raise MalformedMessage(f"a snappy block claims {size} bytes, {max(len(view) - at, 0)} are left")
        yield view[at : at + size]
        at += size
    if at > len(view):
        raise MalformedMessage("snappy records end too early")


def _snappy_decompress(data: Buffer, max_bytes: int) -> bytes:
    snappy = _snappy()
    view = memoryview(data)
    framed = view[: len(_XERIAL_MAGIC)] == _XERIAL_MAGIC
    pieces: list[bytes] = []
    total = 0
    for block in _xerial_blocks(view) if framed else (view,):
        try:
            claimed: int = snappy.decompress_raw_len(block)
            if claimed > len(block) * _SNAPPY_RATIO:
                raise MalformedMessage(f"a snappy block of {len(block)} bytes claims to unfold to {claimed}")
            total += claimed
            if total > max_bytes:
                raise _too_large("snappy records", max_bytes)
            pieces.append(bytes(snappy.decompress_raw(block)))
        except MalformedMessage:
            raise
        except Exception as error:  # cramjam names its own error only where it is installed
            raise MalformedMessage(f"snappy records cannot be unfolded: {error}") from None
    return b"".join(pieces)


def _snappy_compress(data: Buffer, level: int | None) -> bytes:
    snappy = _snappy()
    view = memoryview(data)
    stream = bytearray(_XERIAL_HEADER)
    for at in range(0, len(view), _XERIAL_BLOCK):
        block = bytes(snappy.compress_raw(view[at : at + _XERIAL_BLOCK]))
        stream += len(block).to_bytes(4, "big") + block
    return bytes(stream)


def _zstd() -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingCodec("zstd", "zstandard") from None
    return zstandard


def _zstd_block_end(view: memoryview, at: int) -> tuple[int, bool]:
    """Where the block at `at` ends, and whether it is its frame's last."""
    header = int.from_bytes(view[at : at + 3], "little")
    last, kind, size = header & 1, header >> 1 & 3, header >> 3
    return at + 3 + (1 if kind == 1 else size), bool(last)  # kind 1 repeats one byte


def _zstd_frame_end(view: memoryview, at: int) -> int:
    """Where the frame at `at` ends, which may be past the end of the view. From RFC 8878, section 3.1.1."""
    magic = int.from_bytes(view[at : at + 4], "little")
    at += 4
    if magic & 0xFFFF_FFF0 == _ZSTD_SKIPPABLE:
        return at + 4 + int.from_bytes(view[at : at + 4], "little")
    if magic != _ZSTD_MAGIC or at >= len(view):
        raise MalformedMessage("zstd records do not begin with a zstd frame")
    descriptor = view[at]
    single_segment = descriptor >> 5 & 1
    content_size_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
    dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
    checksum_bytes = 4 * (descriptor >> 2 & 1)
    at += 1 + (1 - single_segment) + dictionary_bytes + content_size_bytes
    last = False
    while not last and at < len(view):
        at, last = _zstd_block_end(view, at)
    return at + checksum_bytes if last else len(view) + 1


def _require_whole_zstd(view: memoryview) -> None:
    """zstandard's bounded reader is content with half a frame, so the frames are walked first."""
    at = 0
    while at < len(view):
        at = _zstd_frame_end(view, at)
    if at != len(view) or not at:
        raise MalformedMessage("zstd records end too early")


def _zstd_decompress(data: Buffer, max_bytes: int) -> bytes:
    zstandard = _zstd()
    view = memoryview(data)
    _require_whole_zstd(view)
    pieces: list[bytes] = []
    total = 0
    try:
        with zstandard.ZstdDecompressor().stream_reader(view, read_across_frames=True) as reader:
            while piece := reader.read(_PIECE):
                pieces.append(piece)
                total += len(piece)
                if total > max_bytes:
                    raise _too_large("zstd records", max_bytes)
    except zstandard.ZstdError as error:
        raise MalformedMessage(f"zstd records cannot be unfolded: {error}") from None
    return b"".join(pieces)


def _zstd_compress(data: Buffer, level: int | None) -> bytes:
    packed: bytes = _zstd().ZstdCompressor(level=3 if level is None else level).compress(data)
    return packed


_DECOMPRESS = {GZIP: _gzip_decompress, SNAPPY: _snappy_decompress, LZ4: _lz4_decompress, ZSTD: _zstd_decompress}
_COMPRESS = {GZIP: _gzip_compress, SNAPPY: _snappy_compress, LZ4: _lz4_compress, ZSTD: _zstd_compress}
