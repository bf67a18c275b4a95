"""Where groups live: the same partitions as in Apache Kafka."""

import pytest

from kbroker.coordinators import java_hash, partition_of


@pytest.mark.parametrize(
    ("text", "value"),
    [("", 0), ("a", 97), ("hello", 99162322), ("simple", -902286926), ("polygenelubricants", -(2**31)), ("é", 233)],
)
def test_a_string_hashes_as_in_java(text: str, value: int) -> None:
    assert java_hash(text) == value


def test_a_character_beyond_sixteen_bits_counts_as_its_two_surrogates() -> None:
    assert java_hash("\U0001f600") == 31 * 0xD83D + 0xDE00


@pytest.mark.parametrize(
    ("group", "partition"),
    [("simple", 26), ("gbad", 8), ("gs", 8), ("gt", 9), ("gv0", 39), ("g1", 42), ("gc", 42), ("gbad2", 48),
     ("absent2", 49), ("", 0), ("polygenelubricants", 0)],
)  # fmt: skip
def test_a_group_lives_where_kafka_keeps_it(group: str, partition: int) -> None:
    """Read from the __consumer_offsets of a running broker; the last row is the number that has no positive."""
    assert partition_of(group, 50) == partition
