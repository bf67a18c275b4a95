"""Plain values: what goes in comes out, and what does not fit is told apart with a clear word."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbroker.control.plain import Misfit, from_plain, to_plain
from kbroker.control.shapes import Header, Record, TopicPartition

HEADERS = st.builds(Header, st.text(), st.none() | st.binary())
RECORDS = st.builds(
    Record,
    st.none() | st.binary(),
    st.none() | st.binary(),
    st.lists(HEADERS),
    st.integers(-1, 5),
    st.integers(-1, 1 << 62),
    st.text(),
    st.integers(-1, 1 << 62),
    st.booleans(),
)


@given(st.lists(RECORDS))
def test_what_goes_through_json_comes_out_as_it_was(records: list[Record]) -> None:
    assert from_plain(list[Record], json.loads(json.dumps(to_plain(records)))) == records


def test_bytes_are_text_where_they_can_be() -> None:
    assert to_plain(b"caf\xc3\xa9") == "café"
    assert to_plain(b"\xff") == {"base64": "/w=="}


@pytest.mark.parametrize(
    ("type_", "value", "sentence"),
    [
        (int, "3", "wants a whole number, not '3'"),
        (int, True, "wants a whole number, not True"),
        (bool, 1, "wants true or false, not 1"),
        (bytes, {"base64": "?"}, 'wants a string, or {"base64": "..."}'),
        (list[int], 3, "wants a list, each item a whole number, not 3"),
        (dict[str, str], [], "wants an object, each value a string, not []"),
        (TopicPartition, {"topic": "a"}, "lacks the field partition"),
        (TopicPartition, {"topic": "a", "partition": 0, "node": 1}, "has no field node; there are topic, partition"),
        (TopicPartition, {"topic": 1, "partition": 0}, "has a field topic that wants a string, not 1"),
        (int | None, "x", "wants a whole number, not 'x'"),
    ],
)
def test_a_misfit_says_what_was_wanted(type_: Any, value: Any, sentence: str) -> None:
    with pytest.raises(Misfit) as told:
        from_plain(type_, value)
    assert str(told.value) == sentence


def test_a_whole_number_is_a_number() -> None:
    assert from_plain(float, 3) == 3.0
