"""Where keys go. The hashes of murmur2 are those of Apache Kafka's own test of it."""

from zlib import crc32

import pytest

from kbroker.partitioner import PARTITIONERS, murmur2


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_that_of_the_java_client(text: bytes, signed: int) -> None:
    assert murmur2(text) == signed & 0xFFFF_FFFF


def test_every_partitioner_stays_within_the_partitions() -> None:
    for place in PARTITIONERS.values():
        for count in (1, 3, 7):
            assert {place(b"%d" % at, count) for at in range(200)} == set(range(count))


def test_the_default_of_librdkafka_is_a_crc_of_the_key() -> None:
    assert PARTITIONERS["consistent_random"](b"key", 11) == crc32(b"key") % 11
