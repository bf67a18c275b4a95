"""Produce: what a batch must be, and what is stored of one that is taken."""

from __future__ import annotations

import sys

import pytest

from kbroker.partitions.validate import the_batch
from tests.kbroker.partitions.support import START_MS, batch, run
from wire.batch import stamp, verify_crc, write_crc
from wire.errors import ErrorCode
from wire.records import Record, build_batch

from .producing import BY_NAME, only, request, stored
from .support import Stage


def changed(records: bytearray, at: int, value: bytes) -> bytearray:
    records[at : at + len(value)] = value
    write_crc(records)
    return records


REFUSED = {
    "no bytes": (b"", ErrorCode.INVALID_RECORD),
    "null": (None, ErrorCode.INVALID_RECORD),
    "two batches": (batch(1) + batch(1), ErrorCode.INVALID_RECORD),
    "another magic": (changed(batch(1), 16, b"\x01"), ErrorCode.INVALID_RECORD),
    "a magic that does not exist": (changed(batch(1), 16, b"\x03"), ErrorCode.CORRUPT_MESSAGE),
    "a tiny length": (changed(batch(1), 8, b"\0\0\0\x05"), ErrorCode.CORRUPT_MESSAGE),
    "a length below the header's": (changed(batch(1), 8, b"\0\0\0\x20"), ErrorCode.CORRUPT_MESSAGE),
    "a batch and rubbish": (batch(1) + bytes(40), ErrorCode.CORRUPT_MESSAGE),
    "text": (b"hello, this is no batch at all", ErrorCode.CORRUPT_MESSAGE),
    "a few bytes": (b"hello", ErrorCode.INVALID_RECORD),
    "a torn batch": (batch(1)[:-1], ErrorCode.INVALID_RECORD),
    "a base offset": (changed(batch(1), 0, b"\0\0\0\0\0\0\0\x05"), ErrorCode.INVALID_RECORD),
    "no records": (batch(0), ErrorCode.INVALID_RECORD),
    "a wrong count": (changed(batch(2), 57, b"\0\0\0\x03"), ErrorCode.INVALID_RECORD),
    "a wrong last offset delta": (changed(batch(2), 23, b"\0\0\0\x05"), ErrorCode.INVALID_RECORD),
    "a control batch": (batch(1, control=True), ErrorCode.INVALID_RECORD),
    "a producer without a sequence": (batch(1, producer=(7, 0, -1)), ErrorCode.INVALID_RECORD),
    "a codec that does not exist": (changed(batch(1), 22, b"\x05"), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
    "a wrong checksum": (batch(1)[:-1] + b"x", ErrorCode.CORRUPT_MESSAGE),
    "too many bytes": (batch(1, value=b"v" * 1_048_588), ErrorCode.MESSAGE_TOO_LARGE),
    "a time in the future": (batch(1, timestamp=START_MS + 3_600_001), ErrorCode.INVALID_TIMESTAMP),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_batch_that_cannot_be_is_refused(what: str) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        records, code = REFUSED[what]
        told = only(stage.call(request(("t", 0, records)), BY_NAME))
        assert (told.error_code, told.base_offset) == (code, -1)
        assert told.error_message
        assert stage.partition("t").end == 0

    run(test)


@pytest.mark.parametrize("rest", [b"rubbish", bytes(batch(1)[:-1])])
def test_the_beginning_of_another_batch_is_cut_off(rest: bytes) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        assert only(stage.call(request(("t", 0, batch(1) + rest)), BY_NAME)).error_code == 0
        assert [found.length for found in stored(stage)] == [len(batch(1))]

    run(test)


def test_a_batch_with_a_delete_horizon_is_taken_as_it_is() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        records = batch(1)
        stamp(records, 0, -1)
        assert only(stage.call(request(("t", 0, changed(records, 22, b"\x40"))), BY_NAME)).error_code == 0

    run(test)


def test_an_append_time_that_a_producer_claims_is_its_own_time_or_refused() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        stage.catalog.add("u", message_timestamp_type="LogAppendTime")
        assert only(stage.call(request(("t", 0, batch(2, log_append_time=True))), BY_NAME)).error_code == 0
        (found,) = stored(stage)
        assert not found.log_append_time and verify_crc(found)
        told = only(stage.call(request(("u", 0, batch(2, log_append_time=True))), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_TIMESTAMP
        assert [one.batch_index for one in told.record_errors] == [0, 1]

    run(test)


def test_of_a_partition_that_is_named_twice_the_last_batch_counts() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        assert only(stage.call(request(("t", 0, batch(1)), ("t", 0, batch(2))), BY_NAME)).base_offset == 0
        assert [found.count for found in stored(stage)] == [2]

    run(test)


def test_a_missing_codec_is_answered_each_time_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packed = {codec: batch(1, key=b"k", compression=codec) for codec in (2, 3, 4)}
    monkeypatch.setattr("kbroker.codecs._told", set())
    for module in ("cramjam", "lz4.frame", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)

    async def test() -> None:
        stage = Stage()
        stage.catalog.add("plain")
        stage.catalog.add("compacted", cleanup_policy="compact")
        stage.catalog.add("packed", compression_type="zstd")
        for codec, records in packed.items():
            assert only(stage.call(request(("plain", 0, bytearray(records))), BY_NAME)).error_code == 0
            for _ in range(2):
                told = only(stage.call(request(("compacted", 0, bytearray(records))), BY_NAME))
                assert told.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
                assert "which is not installed" in told.error_message
            if codec != 4:
                told = only(stage.call(request(("packed", 0, bytearray(records))), BY_NAME))
                assert told.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE

    run(test)
    assert [record.getMessage().partition(" needs")[0] for record in caplog.records] == ["snappy", "lz4", "zstd"]


def test_zstd_needs_version_7() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t")
        refused = only(stage.call(request(("t", 0, batch(1, compression=4))), 6))
        assert refused.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        assert only(stage.call(request(("t", 0, batch(1, compression=4))), 7)).error_code == 0

    run(test)


def test_a_compacted_topic_names_the_records_without_a_key() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", cleanup_policy="compact")
        told = only(stage.call(request(("t", 0, batch(2, key=None))), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_RECORD
        assert [one.batch_index for one in told.record_errors] == [0, 1] and told.error_message
        assert told.log_start_offset == 0
        assert only(stage.call(request(("t", 0, batch(2, compression=1))), BY_NAME)).error_code == 0

    run(test)


def test_a_time_out_of_bounds_names_its_records() -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", message_timestamp_before_max_ms=1000)
        told = only(stage.call(request(("t", 0, batch(2, timestamp=START_MS - 1001))), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_TIMESTAMP
        assert [one.batch_index for one in told.record_errors] == [0], "the second one is just in time"

    run(test)


@pytest.mark.parametrize("codec", [0, 1])
def test_where_old_records_are_refused_one_in_the_middle_is_found(codec: int) -> None:
    """The header tells of the first record's time and of the greatest only."""

    async def test() -> None:
        stage = Stage()
        stage.catalog.add("t", message_timestamp_before_max_ms=1000)
        times = [START_MS, START_MS - 1001, START_MS - 1000, -1]
        hiding = build_batch([Record(b"k", b"v", timestamp=time) for time in times], compression=codec)
        told = only(stage.call(request(("t", 0, hiding)), BY_NAME))
        assert told.error_code == ErrorCode.INVALID_TIMESTAMP
        assert [one.batch_index for one in told.record_errors] == [1]

    run(test)


def test_with_validation_every_record_is_read_and_the_header_is_put_right() -> None:
    async def test() -> None:
        stage = Stage()
        stage.partitions.every_record = True
        stage.catalog.add("t")
        lying = changed(batch(2), 35, b"\0\0\0\0\0\0\0\x01")
        assert only(stage.call(request(("t", 0, lying)), BY_NAME)).error_code == 0
        (found,) = stored(stage)
        assert found.max_timestamp == START_MS + 1 and verify_crc(found)
        unreadable = changed(batch(2, compression=1), 61, b"rubbish")
        assert only(stage.call(request(("t", 0, unreadable)), BY_NAME)).error_code == ErrorCode.INVALID_RECORD

    run(test)


def test_the_table_of_checks_reads_one_batch() -> None:
    assert the_batch(batch(3)).count == 3
