"""What Apache Kafka's own classes wrote, read by us; and what we write, held against it.

The vectors lie beside the project (../shared/kafka/golden) and are not part of it: without them the tests are skipped.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wire.batch import Batch, UnsupportedMagic, batches, verify_crc
from wire.compression import NONE, name
from wire.primitives import read_varint, read_varlong
from wire.records import (
    ABORT,
    COMMIT,
    Record,
    build_batch,
    control_batch,
    control_type,
    iterate,
    plain_body,
    transaction_marker,
)

GOLDEN = Path(__file__).parents[3] / "shared" / "kafka" / "golden"


def vectors(file: str) -> list[dict[str, Any]]:
    path = GOLDEN / file
    if not path.exists():
        return []
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


GOOD = vectors("_record_batches.jsonl.gz")
BAD = vectors("_record_batches_bad.jsonl.gz")
MODERN = [case for case in GOOD if case["batches"][0]["magic"] == 2]
LEGACY = [case for case in GOOD if case["batches"][0]["magic"] < 2]

pytestmark = pytest.mark.skipif(not GOOD, reason="needs the golden vectors in ../shared/kafka/golden")


def cases(among: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in among]


def pairs(case: dict[str, Any]) -> Iterator[tuple[Batch, dict[str, Any]]]:
    yield from zip(batches(bytes.fromhex(case["h"])), case["batches"], strict=True)


def text(part: bytes | None) -> str | None:
    return None if part is None else part.hex()


def as_facts(batch: Batch) -> dict[str, Any]:
    return {
        "magic": batch.magic,
        "baseOffset": batch.base_offset,
        "lastOffset": batch.last_offset,
        "sizeInBytes": batch.length,
        "compression": name(batch.compression),
        "timestampType": "LogAppendTime" if batch.log_append_time else "CreateTime",
        "maxTimestamp": batch.max_timestamp,
        "valid": verify_crc(batch),
        "crc": batch.crc,
        "baseTimestamp": batch.base_timestamp,
        "leaderEpoch": batch.leader_epoch,
        "producerId": batch.producer_id,
        "producerEpoch": batch.producer_epoch,
        "baseSequence": batch.base_sequence,
        "lastSequence": batch.last_sequence,
        "count": batch.count,
        "transactional": batch.is_transactional,
        "control": batch.is_control,
        "deleteHorizonMs": batch.delete_horizon_ms,
    }


def record_facts(batch: Batch, record: Record) -> dict[str, Any]:
    sequence = batch.base_sequence
    if sequence >= 0:
        sequence = (sequence + record.offset - batch.base_offset) % 2**31
    return {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "sequence": sequence,
        "key": text(record.key),
        "value": text(record.value),
        "headers": [[name, text(value)] for name, value in record.headers],
    }


@pytest.mark.parametrize("case", cases(MODERN))
def test_the_header_says_what_kafka_says(case: dict[str, Any]) -> None:
    for batch, facts in pairs(case):
        assert as_facts(batch) == {key: value for key, value in facts.items() if key != "records"}


@pytest.mark.parametrize("case", cases(MODERN))
def test_every_record_of_every_codec_is_read(case: dict[str, Any]) -> None:
    for batch, facts in pairs(case):
        assert [record_facts(batch, record) for record in iterate(batch)] == facts["records"]


def own_timestamps(batch: Batch) -> list[int]:
    """The producer's timestamps, which log append time hides."""
    body, at, found = plain_body(batch), 0, []
    while at < len(body):
        length, at = read_varint(body, at)
        found.append(batch.base_timestamp + read_varlong(body, at + 1)[0])
        at += length
    return found


def rebuilt(batch: Batch) -> bytes:
    records = [
        record._replace(timestamp=own) for record, own in zip(iterate(batch), own_timestamps(batch), strict=True)
    ]
    whole = build_batch(
        records,
        base_offset=batch.base_offset,
        timestamp=batch.max_timestamp if batch.log_append_time or not records else None,
        leader_epoch=batch.leader_epoch,
        producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch,
        base_sequence=batch.base_sequence,
        transactional=batch.is_transactional,
        control=batch.is_control,
        log_append_time=batch.log_append_time,
        last_offset=batch.last_offset,
        delete_horizon_ms=batch.delete_horizon_ms,
    )
    return bytes(whole)


@pytest.mark.parametrize(
    "case", cases([case for case in MODERN if all(b["compression"] == "none" for b in case["batches"])])
)
def test_uncompressed_batches_are_rebuilt_byte_for_byte(case: dict[str, Any]) -> None:
    assert b"".join(rebuilt(batch) for batch, _ in pairs(case)) == bytes.fromhex(case["h"])


@pytest.mark.parametrize(
    "case", cases([case for case in MODERN if any(b["compression"] != "none" for b in case["batches"])])
)
def test_compressed_batches_hold_the_same_plain_bytes_when_we_rebuild_them(case: dict[str, Any]) -> None:
    for batch, _ in pairs(case):
        plain = Batch.parse(rebuilt(batch))
        assert plain.compression == NONE
        assert plain_body(plain) == plain_body(batch)


@pytest.mark.parametrize(("id_", "committed"), [("marker-ABORT", False), ("marker-COMMIT", True)])
def test_a_transaction_marker_is_kafkas_marker(id_: str, committed: bool) -> None:
    case = next(case for case in GOOD if case["id"] == id_)
    ours = transaction_marker(
        committed,
        coordinator_epoch=13,
        producer_id=4242,
        producer_epoch=7,
        timestamp=1700000000123,
        base_offset=77,
        leader_epoch=9,
    )
    assert ours.hex() == case["h"]
    (record,) = iterate(Batch.parse(ours))
    assert control_type(record) == (COMMIT if committed else ABORT)


def test_a_leader_change_is_a_control_batch_without_a_producer() -> None:
    case = next(case for case in GOOD if case["id"] == "leader-change")
    value = bytes.fromhex(case["batches"][0]["records"][0]["value"])
    ours = control_batch(2, value, timestamp=1700000000000, base_offset=5, leader_epoch=2)
    assert ours.hex() == case["h"]


@pytest.mark.parametrize("case", cases(LEGACY))
def test_old_message_sets_are_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedMagic, match=r"magic 2, not [01]"):
        list(batches(bytes.fromhex(case["h"])))


@pytest.mark.parametrize("case", cases(BAD))
def test_a_flipped_bit_inside_the_sum_is_seen_and_one_outside_is_not(case: dict[str, Any]) -> None:
    assert verify_crc(Batch.parse(bytes.fromhex(case["h"]))) is case["validCrc"]
