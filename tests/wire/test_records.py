"""Single records: what is built is read back, and what does not fit together is refused."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.batch import Batch, verify_crc, write_crc
from wire.compression import GZIP, LZ4, NONE, SNAPPY, ZSTD, name
from wire.errors import MalformedMessage, ProtocolError
from wire.primitives import varint
from wire.records import NEXT_OFFSET, Record, build_batch, control_type, iterate

CODECS = [NONE, GZIP, SNAPPY, LZ4, ZSTD]

part = st.none() | st.binary(max_size=40)
header = st.tuples(st.text(max_size=8), part)
record = st.builds(
    Record,
    key=part,
    value=part,
    headers=st.lists(header, max_size=3),
    timestamp=st.integers(0, 2**40),
    offset=st.just(NEXT_OFFSET),
)


@settings(max_examples=60)
@given(st.lists(record, max_size=6), st.sampled_from(CODECS), st.integers(0, 2**40))
def test_what_was_built_is_read_back(records: list[Record], codec: int, base_offset: int) -> None:
    whole = build_batch(records, base_offset=base_offset, compression=codec)
    batch = Batch.parse(whole)
    assert verify_crc(batch)
    assert batch.count == len(records)
    assert batch.max_timestamp == max((r.timestamp for r in records), default=-1)
    read = [found._replace(headers=list(found.headers)) for found in iterate(batch)]
    assert read == [one._replace(offset=base_offset + n) for n, one in enumerate(records)]


def test_one_timestamp_can_be_given_to_all() -> None:
    batch = Batch.parse(build_batch([Record(b"a"), Record(b"b")], timestamp=77))
    assert [found.timestamp for found in iterate(batch)] == [77, 77]
    assert (batch.base_timestamp, batch.max_timestamp) == (77, 77)


def test_compaction_keeps_gaps_and_the_end() -> None:
    kept = [Record(b"a", b"1", timestamp=5, offset=103), Record(b"b", b"2", timestamp=4, offset=107)]
    batch = Batch.parse(build_batch(kept, base_offset=100, last_offset=120))
    assert [found.offset for found in iterate(batch)] == [103, 107]
    assert (batch.base_offset, batch.last_offset) == (100, 120)


def test_compaction_may_leave_the_header_only() -> None:
    batch = Batch.parse(build_batch([], base_offset=40, last_offset=49, timestamp=9, compression=ZSTD, producer_id=5))
    assert (batch.count, batch.last_offset, batch.max_timestamp, batch.length) == (0, 49, 9, 61)
    assert list(iterate(batch)) == []


def test_a_delete_horizon_leaves_the_timestamps_of_the_records() -> None:
    batch = Batch.parse(build_batch([Record(b"dead", timestamp=1_000)], delete_horizon_ms=50_000))
    assert batch.delete_horizon_ms == 50_000
    assert [found.timestamp for found in iterate(batch)] == [1_000]


def test_header_names_that_are_not_utf8_survive() -> None:
    whole = build_batch([Record(b"k", headers=[("\udcff", b"v")])])
    (found,) = iterate(Batch.parse(whole))
    assert list(found.headers) == [("\udcff", b"v")]
    assert build_batch([found]) == whole


def crafted(body: bytes, count: int) -> Batch:
    """A batch around a body that build_batch would never write."""
    whole = build_batch([]) + body
    struct.pack_into(">i", whole, 8, len(whole) - 12)
    struct.pack_into(">i", whole, 57, count)
    write_crc(whole)
    return Batch.parse(whole)


GOOD = bytes.fromhex("0c000000010100")  # six bytes: attributes, two deltas, null key, null value, no header


def test_the_smallest_record_is_read() -> None:
    assert list(iterate(crafted(GOOD, 1))) == [Record(None, None, (), -1, 0)]


@pytest.mark.parametrize(
    ("body", "count", "why"),
    [
        (GOOD, 2, "2 records do not fit"),
        (GOOD, -1, "-1 records do not fit"),
        (GOOD, 2**31 - 1, "do not fit"),
        (GOOD, 0, "7 bytes are left"),
        (GOOD + b"\0", 1, "1 bytes are left"),
        (bytes.fromhex("0a000000010100"), 1, "claims 5 bytes"),
        (bytes.fromhex("0e000000010100"), 1, "claims 7 bytes"),
        (bytes.fromhex("0e00000001010000"), 1, "1 bytes before its end"),
        (bytes.fromhex("0c000000030100"), 1, "length of -2"),
        (bytes.fromhex("0c000000200100"), 1, "length of 16"),
        (bytes.fromhex("0c000000010110"), 1, "8 headers do not fit"),
        (bytes.fromhex("0c000000010101"), 1, "-1 headers do not fit"),
        (bytes.fromhex("12000000010102010100"), 1, "a header has a name"),
        (bytes.fromhex("ffffffffff7f00"), 1, "varint"),
        (varint(16) + b"\0" + b"\xff" * 10 + GOOD[2:], 1, "varint"),
    ],
)
def test_what_does_not_fit_together_is_refused(body: bytes, count: int, why: str) -> None:
    with pytest.raises(MalformedMessage, match=why):
        list(iterate(crafted(body, count)))


def test_timestamps_past_64_bits_are_refused() -> None:
    whole = build_batch([Record(timestamp=0), Record(timestamp=2**62)])
    struct.pack_into(">q", whole, 27, 2**62 + 2**61)
    with pytest.raises(MalformedMessage, match="64 bits"):
        list(iterate(Batch.parse(whole)))


def test_a_small_batch_cannot_unfold_past_the_bound() -> None:
    batch = Batch.parse(build_batch([Record(value=bytes(10_000_000))], compression=ZSTD))
    assert batch.length < 2_000
    with pytest.raises(MalformedMessage, match="more than 1000000 bytes"):
        list(iterate(batch, 1_000_000))


def test_a_control_record_without_its_type_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="4 bytes"):
        control_type(Record(b"\0\0"))


@settings(max_examples=150)
@given(st.binary(max_size=120), st.integers(-3, 20), st.integers(0, 7))
def test_arbitrary_bodies_raise_nothing_but_our_own_error(body: bytes, count: int, codec: int) -> None:
    whole = crafted(body, count)
    whole.attributes = codec
    try:
        for found in iterate(whole, 100_000):
            assert isinstance(found, Record)
    except ProtocolError as error:
        assert str(error)


# Batches as three stock clients wrote them, kept beside this file. The snappy of librdkafka is a raw block.
CLIENTS = sorted((Path(__file__).parent / "batches").glob("*.txt"))
WRITTEN = [
    Record(b"key", b"value-" + b"ab" * 30, [("h", b"x"), ("trace-id", b"\0\1")], 1700000000000, 0),
    Record(None, b"", (), 1700000000007, 1),
    Record(b"", b"n" * 40, (), 1699999999990, 2),
]


@pytest.mark.parametrize("file", CLIENTS, ids=lambda file: file.stem)
def test_what_stock_clients_write_is_read(file: Path) -> None:
    headline, *rows = file.read_text().splitlines()
    batch = Batch.parse(bytes.fromhex("".join(rows)))
    assert verify_crc(batch)
    assert name(batch.compression) == headline.rsplit(" ", 1)[1]
    assert batch.max_timestamp == 1700000000007
    assert list(iterate(batch)) == WRITTEN


def test_there_are_clients_for_every_codec() -> None:
    assert {file.stem.rsplit("_", 1)[1] for file in CLIENTS} == {"none", "gzip", "snappy", "lz4", "zstd"}


def test_uncompressed_clients_batches_are_ours_byte_for_byte() -> None:
    for file in CLIENTS:
        if file.stem.endswith("none"):
            _, *rows = file.read_text().splitlines()
            written = bytes.fromhex("".join(rows))
            epoch = Batch.parse(written).leader_epoch
            assert build_batch(WRITTEN, leader_epoch=epoch) == written
