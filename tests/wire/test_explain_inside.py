"""kbroker explain: batches, and what else lies inside of fields."""

import struct

import pytest

from wire.compression import GZIP, ZSTD
from wire.explain import DAMAGE, explain, explain_message
from wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch, transaction_marker

from .explained import BROKEN, METADATA, by_path, of_the_frame


def produce(batch: bytes, topic: str = "t") -> bytes:
    data = PartitionProduceData(index=0, records=batch)
    request = ProduceRequest(acks=-1, timeout_ms=1500, topic_data=[TopicProduceData(name=topic, partition_data=[data])])
    return struct.pack(">hhih", 0, 7, 1, -1) + request.encode(7)


RECORDS_PATH = "topic_data[0].partition_data[0].records"


def test_batches_and_records_are_explained_inside_their_field() -> None:
    batch = build_batch([Record(b"k", b"v", [("h", b"x"), ("n", None)], timestamp=1_700_000_000_000)], base_offset=5)
    data = produce(bytes(batch))
    notes = list(explain(data))
    assert of_the_frame(notes) == data
    assert not [note for note in notes if note.type in BROKEN]
    record = f"{RECORDS_PATH}.batch[0].records[0]"
    assert by_path(notes, f"{record}.key").value == b"k"
    assert by_path(notes, f"{record}.value").value == b"v"
    assert by_path(notes, f"{record}.headers[0].name").value == b"h"
    assert by_path(notes, f"{record}.headers[1].value.length").meaning == "null"
    assert by_path(notes, f"{record}.offset_delta").meaning == "offset 5"
    assert by_path(notes, f"{RECORDS_PATH}.batch[0].crc").meaning == "right"
    assert by_path(notes, f"{RECORDS_PATH}.batch[0].base_timestamp").meaning == "2023-11-14 22:13:20.000 UTC"
    assert by_path(notes, "acks").meaning == "when all in-sync replicas have it"
    assert by_path(notes, "timeout_ms").meaning == "1.5 s"


@pytest.mark.parametrize("codec", [GZIP, ZSTD])
def test_compressed_records_are_unfolded_and_their_offsets_are_those_of_the_plain_bytes(codec: int) -> None:
    batch = build_batch([Record(b"k", b"v" * 50, timestamp=1)], compression=codec)
    notes = list(explain(produce(bytes(batch))))
    assert of_the_frame(notes) == produce(bytes(batch))
    value = by_path(notes, f"{RECORDS_PATH}.batch[0].records[0].value")
    assert (value.value, value.source) == (b"v" * 50, f"{RECORDS_PATH}.batch[0] unfolded")


def test_unfolding_is_bounded() -> None:
    batch = build_batch([Record(value=bytes(5_000_000))], compression=ZSTD)
    notes = list(explain(bytes(batch), unfold=100_000))
    assert notes[-1].type == DAMAGE
    assert "more than 100000 bytes" in notes[-1].meaning


def test_a_broken_batch_does_not_end_the_explanation() -> None:
    good = bytes(build_batch([Record(b"k", b"v", timestamp=1)]))
    broken = bytearray(good)
    broken[61] = 0x70  # the length of the record
    data = produce(bytes(broken) + good)
    notes = list(explain(data))
    assert of_the_frame(notes) == data
    assert by_path(notes, f"{RECORDS_PATH}.batch[0].crc").meaning.startswith("wrong")
    (damage,) = [note for note in notes if note.type == DAMAGE]
    assert "the length of a record, not 56" in damage.meaning
    assert by_path(notes, f"{RECORDS_PATH}.batch[1].records[0].value").value == b"v"


def test_a_batch_that_is_cut_off_at_the_end_of_an_answer_is_no_error() -> None:
    batch = bytes(build_batch([Record(b"k", b"v", timestamp=1)]))
    partition = PartitionData(partition_index=0, error_code=0, high_watermark=1, records=batch + batch[:30])
    response = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])
    notes = list(explain_message(FetchResponse, 11, response.encode(11)))
    assert of_the_frame(notes) == response.encode(11)
    assert not [note for note in notes if note.type in BROKEN]
    assert by_path(notes, "responses[0].partitions[0].records.batch[1]").raw == batch[:30]


def test_old_message_sets_are_named() -> None:
    batch = bytearray(build_batch([Record(b"k", b"v", timestamp=1)]))
    batch[16] = 1
    (damage,) = [note for note in explain(produce(bytes(batch))) if note.type == DAMAGE]
    assert "before Kafka 0.11" in damage.meaning


def test_a_log_file_of_batches_is_recognised() -> None:
    log = b"".join([bytes(build_batch([Record(b"k", b"v", timestamp=1)], base_offset=n)) for n in range(3)])
    notes = list(explain(log))
    assert of_the_frame(notes) == log
    assert by_path(notes, "batch[2].base_offset").value == 2


def test_a_transaction_marker_is_named() -> None:
    marker = transaction_marker(True, coordinator_epoch=13, producer_id=1, producer_epoch=0, timestamp=1)
    notes = list(explain(bytes(marker)))
    assert by_path(notes, "batch[0].records[0].key.type").meaning == "COMMIT"
    assert by_path(notes, "batch[0].records[0].value.coordinator_epoch").value == 13


def test_committed_offsets_are_explained_where_the_topic_is_known() -> None:
    from wire.durable.codec import encode_key, encode_value
    from wire.durable.offsets import OffsetCommitKey, OffsetCommitValue

    key = encode_key(OffsetCommitKey(group="g", topic="t", partition=3))
    value = encode_value(OffsetCommitValue(offset=42, metadata="", commit_timestamp=1_700_000_000_000), 3)
    batch = bytes(build_batch([Record(key, value, timestamp=1), Record(b"??", b"x", timestamp=1)]))
    notes = list(explain(produce(batch, "__consumer_offsets")))
    assert of_the_frame(notes) == produce(batch, "__consumer_offsets")
    record = f"{RECORDS_PATH}.batch[0].records[0]"
    assert by_path(notes, f"{record}.key.group").value == "g"
    assert by_path(notes, f"{record}.value.offset").value == 42
    assert by_path(notes, f"{record}.value.commit_timestamp").meaning == "2023-11-14 22:13:20.000 UTC"
    assert by_path(notes, f"{RECORDS_PATH}.batch[0].records[1].key").value == b"??"


def test_a_subscription_inside_a_join_is_explained() -> None:
    from wire.durable.assignment import ConsumerProtocolSubscription
    from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol

    blob = b"\0\1" + ConsumerProtocolSubscription(topics=["orders"]).encode(1)
    protocols = [
        JoinGroupRequestProtocol(name="range", metadata=blob),
        JoinGroupRequestProtocol(name="connect", metadata=b"something else"),
    ]
    request = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=45_000,
        rebalance_timeout_ms=60_000,
        member_id="",
        protocol_type="consumer",
        protocols=protocols,
    )
    body = request.encode(5)
    notes = list(explain_message(JoinGroupRequest, 5, body))
    assert of_the_frame(notes) == body
    assert by_path(notes, "protocols[0].metadata.topics[0]").value == "orders"
    assert [note.value for note in notes if note.path == "protocols[1].metadata"] == [14, b"something else"]


def test_a_blob_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    from wire.durable.assignment import ConsumerProtocolAssignment
    from wire.messages.sync_group import SyncGroupResponse

    blob = b"\0\x63" + ConsumerProtocolAssignment(assigned_partitions=[]).encode(3) + b"new"
    body = SyncGroupResponse(assignment=blob).encode(3)
    notes = list(explain_message(SyncGroupResponse, 3, body))
    assert by_path(notes, "assignment.version").value == 99
    assert (notes[-1].raw, notes[-1].meaning) == (b"new", "what version 99 has and 3 has not")


def test_a_request_inside_an_envelope_is_explained_but_not_an_envelope_in_it() -> None:
    from wire.messages.envelope import EnvelopeRequest

    data = METADATA[4:]
    for _ in range(300):
        request = EnvelopeRequest(request_data=data, request_principal=None, client_host_address=b"\x7f\0\0\1")
        data = struct.pack(">hhihB", 58, 0, 1, -1, 0) + request.encode(0)
        notes = list(explain(data))
        assert of_the_frame(notes) == data
        assert not [note for note in notes if note.type in BROKEN]
    inner = list(
        explain(
            struct.pack(">hhihB", 58, 0, 1, -1, 0)
            + EnvelopeRequest(request_data=METADATA[4:], request_principal=None, client_host_address=b"").encode(0)
        )
    )
    assert by_path(inner, "topics[0].name").value == "test"
