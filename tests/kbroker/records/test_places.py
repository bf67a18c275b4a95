"""Partitions and times as people write them."""

from datetime import UTC, datetime

import pytest

from kbroker.records.places import date, is_offset, milliseconds, numbers
from kbroker.records.read import NotUnderstood

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
NOW_MS = 1_795_271_400_000


@pytest.mark.parametrize(("text", "found"), [("0", [0]), ("0,2,4-6", [0, 2, 4, 5, 6]), ("3-3", [3]), ("6-4", [])])
def test_partitions_are_numbers_and_ranges(text: str, found: list[int]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "0-99999999999", "1,,2", "999999999999"])
def test_what_is_no_partition_is_said(text: str) -> None:
    with pytest.raises(NotUnderstood, match="0,2,4-6 would be"):
        numbers(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("15m", NOW_MS - 900_000),
        ("1.5 h", NOW_MS - 5_400_000),
        ("2026-11-21T14:30", NOW_MS),
        ("2026-11-21T15:30+01:00", NOW_MS),
        ("2026-11-21", NOW_MS - 52_200_000),
        ("1795271400000", NOW_MS),
    ],
)
def test_a_time_is_ago_or_a_date_or_milliseconds(text: str, found: int) -> None:
    assert milliseconds(text, now=NOW) == found


@pytest.mark.parametrize("text", ["soon", "99999999999999d", "2026-13-01", ""])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(NotUnderstood, match="no time"):
        milliseconds(text, now=NOW)


def test_a_number_with_many_digits_is_a_time_and_no_offset() -> None:
    assert is_offset("7") and not is_offset("1795271400000") and not is_offset("-7")
    assert date(NOW_MS) == "2026-11-21T14:30:00.000Z" and date(-1) == "-"
