"""Frames as streaming producers write them: zstd without a content size, snappy in one raw block and in xerial's
framing, lz4 in small blocks with checksums. Every stock consumer must read what we hand on.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from struct import pack

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.conftest import CLIENTS
from compat_tests.drivers import Client
from compat_tests.tools import need_module, unique
from compat_tests.wire.connection import Connection, batch
from compat_tests.wire.test_promises import create, produce
from wire.batch import Batch
from wire.crc import crc32c

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
VALUES = [b"line %d, alike enough to be packed well" % number for number in range(2000)]


def with_body(codec: int, pack_body: Callable[[bytes], bytes]) -> bytes:
    """A plain batch with its records packed by somebody else."""
    plain = batch(*VALUES)
    view = Batch.parse(memoryview(plain))
    packed = bytes(plain[:61]) + pack_body(bytes(plain[61 : view.length]))
    packed = packed[:8] + pack(">i", len(packed) - 12) + packed[12:]
    packed = packed[:21] + pack(">h", codec) + packed[23:]
    return packed[:17] + pack(">I", crc32c(packed[21:])) + packed[21:]


def gzip_streamed(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join(
        [packer.compress(body[:1000]), packer.flush(zlib.Z_SYNC_FLUSH), packer.compress(body[1000:]), packer.flush()]
    )


def snappy_raw(body: bytes) -> bytes:
    return bytes(need_module("cramjam").snappy.compress_raw(body))


def snappy_xerial(body: bytes) -> bytes:
    blocks = [snappy_raw(body[at : at + 32_768]) for at in range(0, len(body), 32_768)]
    return b"\x82SNAPPY\x00" + pack(">ii", 1, 1) + b"".join(pack(">i", len(block)) + block for block in blocks)


def lz4_small_blocks(body: bytes) -> bytes:
    frame = need_module("lz4.frame")
    with frame.LZ4FrameCompressor(
        block_size=frame.BLOCKSIZE_MAX64KB, block_linked=False, content_checksum=True
    ) as packer:
        return bytes(packer.begin() + packer.compress(body) + packer.flush())


def zstd_without_size(body: bytes) -> bytes:
    packer = need_module("zstandard").ZstdCompressor(write_content_size=False).compressobj()
    return bytes(packer.compress(body[:500]) + packer.compress(body[500:]) + packer.flush())


def zstd_streamed(body: bytes) -> bytes:
    out = io.BytesIO()
    with need_module("zstandard").ZstdCompressor(write_checksum=True).stream_writer(out, closefd=False) as packer:
        packer.write(body[:70_000])
        packer.flush()
        packer.write(body[70_000:])
    return out.getvalue()


FRAMES = {
    "gzip-streamed": (GZIP, gzip_streamed),
    "snappy-raw": (SNAPPY, snappy_raw),
    "snappy-xerial": (SNAPPY, snappy_xerial),
    "lz4-small-blocks": (LZ4, lz4_small_blocks),
    "zstd-without-size": (ZSTD, zstd_without_size),
    "zstd-streamed": (ZSTD, zstd_streamed),
}


@pytest.mark.parametrize("frame", list(FRAMES))
def test_every_client_reads_it(
    broker: Process | Outside, connection: Connection, open_clients: Callable[[str, str], Client], frame: str
) -> None:
    codec, pack_body = FRAMES[frame]
    topic = create(connection, unique("frames"))
    assert produce(connection, topic, with_body(codec, pack_body)).error_code == 0
    for name in CLIENTS:
        seen = open_clients(name, broker.bootstrap).read_all(topic, len(VALUES))
        assert [record.value for record in seen] == VALUES, name
        assert [record.offset for record in seen] == list(range(len(VALUES))), name
