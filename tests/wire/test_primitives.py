"""Varints and uuids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import MalformedMessage
from wire.primitives import (
    METADATA_TOPIC_UUID,
    ZERO_UUID,
    read_uvarint,
    read_varint,
    read_varlong,
    uuid_bytes,
    uuid_text,
    uvarint,
    varint,
)


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (16383, "ff7f"), (2**32 - 1, "ffffffff0f")],
)
def test_an_unsigned_varint_has_seven_bits_a_byte(value: int, data: str) -> None:
    assert uvarint(value).hex() == data
    assert read_uvarint(bytes.fromhex(data), 0) == (value, len(data) // 2)


@pytest.mark.parametrize(
    ("value", "data"), [(0, "00"), (-1, "01"), (1, "02"), (-64, "7f"), (64, "8001"), (-(2**31), "ffffffff0f")]
)
def test_zigzag_keeps_small_negative_numbers_short(value: int, data: str) -> None:
    assert varint(value).hex() == data
    assert read_varint(bytes.fromhex(data), 0)[0] == value
    assert read_varlong(bytes.fromhex(data), 0)[0] == value


@given(st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_is_read(unsigned: int, small: int, large: int) -> None:
    data = b"-" + uvarint(unsigned) + varint(small) + varint(large) + b"-"
    first, p = read_uvarint(data, 1)
    second, p = read_varint(data, p)
    third, p = read_varlong(data, p)
    assert (first, second, third, data[p:]) == (unsigned, small, large, b"-")


@pytest.mark.parametrize("data", ["ffffffffff", "ffffffff7f", "ffffffff1f", "8080808080808000"])
def test_a_varint_of_more_than_32_bits_is_refused(data: str) -> None:
    with pytest.raises(MalformedMessage):
        read_uvarint(bytes.fromhex(data), 0)


@pytest.mark.parametrize("data", ["ff" * 9 + "02", "80" * 10 + "00", "ff" * 11])
def test_a_varint_of_more_than_64_bits_is_refused(data: str) -> None:
    with pytest.raises(MalformedMessage):
        read_varlong(bytes.fromhex(data), 0)


def test_a_length_is_never_negative() -> None:
    with pytest.raises(ValueError, match="-1"):
        uvarint(-1)


def test_a_uuid_in_text_is_22_characters_of_url_safe_base64() -> None:
    assert uuid_text(ZERO_UUID) == "AAAAAAAAAAAAAAAAAAAAAA"
    assert uuid_text(METADATA_TOPIC_UUID) == "AAAAAAAAAAAAAAAAAAAAAQ"
    assert uuid_text(b"\xfb\xff" * 8) == "-__7__v_-__7__v_-__7_w"


@given(st.binary(min_size=16, max_size=16))
def test_a_uuid_survives_its_text(uuid: bytes) -> None:
    assert uuid_bytes(uuid_text(uuid)) == uuid


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 21, "A" * 23, "AAAAAAAAAAAAAAAAAAAAA=", "ä" * 22, "!" * 22])
def test_text_that_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a uuid"):
        uuid_bytes(text)
