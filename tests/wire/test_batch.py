"""A batch seen from outside: its header, its place, its sum."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.batch import (
    BATCH_OVERHEAD,
    MAX_SEQUENCE,
    Batch,
    UnsupportedMagic,
    batches,
    set_log_append_time,
    stamp,
    verify_crc,
)
from wire.errors import MalformedMessage, ProtocolError
from wire.records import Record, build_batch, iterate


def a_batch(count: int = 3, **options: object) -> bytearray:
    records = [Record(b"k%d" % n, b"v" * n, timestamp=1000 + n) for n in range(count)]
    return build_batch(records, **options)  # type: ignore[arg-type]


def test_every_field_stands_where_the_format_says() -> None:
    batch = Batch.parse(
        a_batch(3, base_offset=7, leader_epoch=4, producer_id=99, producer_epoch=2, base_sequence=5, transactional=True)
    )
    assert (batch.base_offset, batch.last_offset, batch.next_offset) == (7, 9, 10)
    assert (batch.leader_epoch, batch.magic, batch.count) == (4, 2, 3)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.last_sequence) == (99, 2, 5, 7)
    assert (batch.base_timestamp, batch.max_timestamp) == (1000, 1002)
    assert (batch.is_transactional, batch.is_control, batch.log_append_time, batch.has_delete_horizon) == (
        True,
        False,
        False,
        False,
    )
    assert batch.compression == 0
    assert batch.length == len(batch.buffer) == BATCH_OVERHEAD + len(batch.body)
    assert "7..9" in repr(batch)


def test_sequences_run_over_from_the_largest_int_to_zero() -> None:
    batch = Batch.parse(a_batch(4, producer_id=1, producer_epoch=0, base_sequence=MAX_SEQUENCE - 1))
    assert batch.last_sequence == 1


def test_a_batch_without_a_sequence_has_no_last_one() -> None:
    assert Batch.parse(a_batch()).last_sequence == -1


def test_a_batch_is_a_view_and_not_a_copy() -> None:
    blob = a_batch() + a_batch(2)
    first, second = batches(blob)
    assert first.buffer.obj is blob
    assert bytes(second.buffer) == bytes(blob[first.length :])


def test_stamping_changes_place_and_epoch_and_leaves_the_sum_valid() -> None:
    buffer = a_batch()
    before = bytes(buffer)
    stamp(buffer, 123456789012, 7)
    batch = Batch.parse(buffer)
    assert (batch.base_offset, batch.leader_epoch) == (123456789012, 7)
    assert verify_crc(batch)
    stamp(buffer, 0, -1)
    assert bytes(buffer) == before


def test_log_append_time_is_given_to_all_records_with_a_new_sum() -> None:
    buffer = a_batch()
    set_log_append_time(memoryview(buffer), 5_000_000)
    batch = Batch.parse(buffer)
    assert verify_crc(batch)
    assert batch.log_append_time
    assert batch.max_timestamp == 5_000_000
    assert {record.timestamp for record in iterate(batch)} == {5_000_000}


def test_a_trailing_part_of_a_batch_is_left_out() -> None:
    whole = bytes(a_batch())
    for cut in range(len(whole)):
        assert len(list(batches(whole + whole[:cut]))) == 1
    assert list(batches(b"")) == []


@pytest.mark.parametrize("size", [-1, -(2**31), 0, 48])
def test_a_length_that_no_batch_has_is_refused(size: int) -> None:
    buffer = a_batch()
    struct.pack_into(">i", buffer, 8, size)
    with pytest.raises(MalformedMessage, match="cannot have length"):
        list(batches(buffer))
    with pytest.raises(MalformedMessage, match="cannot have length"):
        Batch.parse(buffer)


def test_a_batch_that_claims_more_than_there_is_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="are left"):
        Batch.parse(a_batch()[:-1])
    with pytest.raises(MalformedMessage, match="needs 61 bytes"):
        Batch.parse(a_batch()[:60])


@pytest.mark.parametrize("magic", [0, 1, 3, 255])
def test_another_magic_is_refused_by_name(magic: int) -> None:
    buffer = a_batch()
    buffer[16] = magic
    with pytest.raises(UnsupportedMagic, match=f"not {magic}"):
        Batch.parse(buffer)


def reread(data: bytes, at: int) -> dict[str, int]:
    """The header once more, field by field from the table in the format's description, without struct."""

    def number(offset: int, size: int, signed: bool = True) -> int:
        return int.from_bytes(data[at + offset : at + offset + size], "big", signed=signed)

    return {
        "base_offset": number(0, 8),
        "length": number(8, 4) + 12,
        "leader_epoch": number(12, 4),
        "magic": number(16, 1),
        "crc": number(17, 4, signed=False),
        "attributes": number(21, 2),
        "last_offset_delta": number(23, 4),
        "base_timestamp": number(27, 8),
        "max_timestamp": number(35, 8),
        "producer_id": number(43, 8),
        "producer_epoch": number(51, 2),
        "base_sequence": number(53, 4),
        "count": number(57, 4),
    }


@given(st.binary(min_size=61, max_size=200), st.integers(0, 40), st.integers(0, 10))
def test_two_readers_of_the_header_agree_on_any_bytes(noise: bytes, offset: int, tail: int) -> None:
    whole = bytearray(bytes(offset) + noise + bytes(tail))
    struct.pack_into(">i", whole, offset + 8, len(noise) - 12)
    whole[offset + 16] = 2
    batch = Batch.parse(whole, offset)
    assert {name: getattr(batch, name) for name in reread(whole, offset)} == reread(whole, offset)
    assert bytes(batch.buffer) == bytes(whole[offset : offset + len(noise)])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(noise: bytes) -> None:
    for read in (lambda: Batch.parse(noise), lambda: list(batches(noise))):
        try:
            read()
        except ProtocolError as error:
            assert str(error)


@settings(max_examples=200)
@given(st.data())
def test_mutated_batches_raise_nothing_but_our_own_error(data: st.DataObject) -> None:
    whole = a_batch(2) + a_batch(1)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        for batch in batches(whole):
            for record in iterate(batch, 10_000):
                assert record.offset >= -(2**63)
    except ProtocolError as error:
        assert str(error)
