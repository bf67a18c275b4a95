"""The compiled codecs: exact where bytes are good, and exact about the fault where they are not."""

import traceback
import tracemalloc
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.errors import MalformedMessage, ProtocolError, UnsupportedField
from wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from wire.messages.end_txn import EndTxnRequest
from wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from wire.messages.offset_commit import OffsetCommitRequest
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.primitives import uvarint
from wire.registry import message
from wire.schema import Data, KeptList, array, int8, int32, keep

from .anything import CASES, anything


def produce(records: object = b"batch") -> ProduceRequest:
    partitions = [PartitionProduceData(index=0, records=records), PartitionProduceData(index=1, records=None)]
    return ProduceRequest(
        transactional_id=None,
        acks=-1,
        timeout_ms=100,
        topic_data=[TopicProduceData(name="t", partition_data=partitions)],
    )


# Good bytes


@pytest.mark.parametrize(("name", "version"), CASES)
def test_what_is_written_is_read(name: str, version: int) -> None:
    cls, random = message(name), Random(f"{name} {version}")
    for _ in range(4):
        made = anything(cls, version, random)
        data = made.encode(version)
        assert b"".join(made.parts(version)) == data
        for form in (data, bytearray(data), memoryview(data)):
            assert cls.decode(form, version) == made
        assert cls.decode(data, version).encode(version) == data


def test_a_message_may_lie_among_other_bytes() -> None:
    data = EndTxnRequest(transactional_id="x", producer_id=1).encode(3)
    found, end = EndTxnRequest.decode_from(b"--" + data + b"--", 2, 3)
    assert (found.transactional_id, end) == ("x", 2 + len(data))


@pytest.mark.parametrize("version", [3, 9])
def test_records_are_a_view_into_the_buffer(version: int) -> None:
    buffer = bytearray(produce().encode(version))
    view = ProduceRequest.decode(buffer, version).topic_data[0].partition_data[0].records
    assert isinstance(view, memoryview) and view.obj is buffer
    view[:5] = b"BATCH"
    assert b"BATCH" in buffer


@pytest.mark.parametrize("version", [3, 9])
def test_records_are_written_as_the_view_that_was_given(version: int) -> None:
    batch = memoryview(bytearray(b"a batch of records"))
    parts = produce(batch).parts(version)
    assert parts[1] is batch
    assert b"".join(parts) == produce(bytes(batch)).encode(version)


def test_records_may_be_given_in_pieces() -> None:
    pieces = [memoryview(b"first"), bytearray(b"second"), b"third"]
    whole = FetchResponse(
        responses=[FetchableTopicResponse(topic="t", partitions=[PartitionData(records=b"firstsecondthird")])]
    )
    parted = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[PartitionData(records=pieces)])])
    for version in (4, 12):
        assert parted.encode(version) == whole.encode(version)
        assert parted.parts(version)[1:4] == pieces


def test_tags_that_we_do_not_know_survive() -> None:
    request = ApiVersionsRequest(client_software_name="a", client_software_version="1")
    request.unknown_tags = {7: b"new", 300: b"x" * 300}
    data = request.encode(3)
    assert ApiVersionsRequest.decode(data, 3).unknown_tags == request.unknown_tags
    assert ApiVersionsRequest.decode(data, 3).encode(3) == data


def test_a_tagged_field_that_equals_its_default_is_left_out() -> None:
    assert FetchResponse(node_endpoints=[]).encode(16) == FetchResponse().encode(16)
    assert FetchResponse().encode(16)[-1] == 0


def test_the_code_can_be_read_in_a_traceback() -> None:
    with pytest.raises(MalformedMessage) as caught:
        EndTxnRequest.decode(b"\x02", 3)
    shown = "".join(traceback.format_exception(caught.value))
    assert "<wire EndTxnRequest v3 read>" in shown and "raise wrong_length" in shown


# What a version cannot carry


def test_a_field_of_another_version_must_hold_its_default() -> None:
    request = OffsetCommitRequest(group_id="g", group_instance_id="i")
    with pytest.raises(UnsupportedField, match=r"OffsetCommitRequest\.group_instance_id: this version cannot carry"):
        request.encode(6)
    assert OffsetCommitRequest.decode(request.encode(7), 7).group_instance_id == "i"


def test_an_ignorable_field_is_dropped() -> None:
    response = MetadataResponse(throttle_time_ms=5)
    assert MetadataResponse.decode(response.encode(2), 2).throttle_time_ms == 0


def test_null_where_a_value_must_be_is_refused() -> None:
    topics = [MetadataRequestTopic(name=None)]
    assert MetadataRequest(topics=topics).encode(10)
    for version in (1, 9):
        with pytest.raises(UnsupportedField, match=r"MetadataRequest\.topics\[\]\.name"):
            MetadataRequest(topics=topics).encode(version)
    with pytest.raises(UnsupportedField, match="topics"):
        MetadataRequest(topics=None).encode(0)


@pytest.mark.parametrize(
    "broken",
    [
        EndTxnRequest(producer_epoch=2**15),
        EndTxnRequest(producer_id="7"),  # type: ignore[arg-type]
        EndTxnRequest(transactional_id=7),  # type: ignore[arg-type]
        EndTxnRequest(transactional_id="x" * 32768),
        EndTxnRequest(transactional_id="\ud800"),
    ],
    ids=lambda broken: repr(broken)[:60],
)
@pytest.mark.parametrize("version", [0, 5])
def test_a_value_that_does_not_fit_is_refused(broken: EndTxnRequest, version: int) -> None:
    with pytest.raises(UnsupportedField, match=r"EndTxnRequest\.(producer|transactional)"):
        broken.encode(version)


def test_a_uuid_of_another_length_is_refused() -> None:
    with pytest.raises(UnsupportedField, match=r"topic_id: a uuid has 16 bytes, not 3"):
        MetadataRequest(topics=[MetadataRequestTopic(topic_id=b"abc")]).encode(12)


# Bad bytes


@pytest.mark.parametrize(
    ("data", "version", "reason", "offset", "path"),
    [
        ("", 0, "the bytes end too early", 0, "transactional_id"),
        ("0003616263", 0, "the bytes end too early", 5, "producer_id"),
        ("0005616263", 0, "a length of 5 with 3 bytes left", 2, "transactional_id"),
        ("ffff", 0, "null where a value must be", 2, "transactional_id"),
        ("fffe", 0, "a length of -2", 2, "transactional_id"),
        ("0002c328", 0, "a string is not UTF-8", 2, "transactional_id"),
        ("0002eda0", 0, "a string is not UTF-8", 2, "transactional_id"),
        ("00", 3, "null where a value must be", 1, "transactional_id"),
        ("7f", 3, "a length of 126 with 0 bytes left", 1, "transactional_id"),
        ("ff", 3, "the bytes end too early", 1, "transactional_id"),
        ("ffffffffff01", 3, "a varint has more than 5 bytes", 1, "transactional_id"),
        ("ffffffff0f", 3, "a string of 4294967294 bytes, where 32767 are allowed", 1, "transactional_id"),
    ],
)
def test_bad_bytes_are_named(data: str, version: int, reason: str, offset: int, path: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        EndTxnRequest.decode(bytes.fromhex(data), version)
    assert (caught.value.reason, caught.value.offset, caught.value.path) == (reason, offset, f"EndTxnRequest.{path}")


def test_the_place_of_a_fault_counts_the_elements() -> None:
    data = produce(b"x" * 9).encode(3)
    with pytest.raises(MalformedMessage) as caught:
        ProduceRequest.decode(data[:-1], 3)
    assert caught.value.path == "ProduceRequest.topic_data[0].partition_data[1].records"
    with pytest.raises(MalformedMessage) as caught:
        ProduceRequest.decode_from(b"......" + data[:-9], 6, 3)
    assert caught.value.path == "ProduceRequest.topic_data[0].partition_data[0].records"
    assert caught.value.offset == 6 + len(data) - 8 - 9


def test_bytes_that_are_left_over_are_refused() -> None:
    with pytest.raises(MalformedMessage, match="2 bytes are left over at byte 15"):
        EndTxnRequest.decode(EndTxnRequest(transactional_id="ab").encode(0) + b"zz", 0)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("0205000500", "tag 5 comes after tag 5"),
        ("0205000100", "tag 1 comes after tag 5"),
        ("010509", "tagged field 5 has 9 bytes with 0 left"),
        ("0105", "the bytes end too early"),
        ("01", "the bytes end too early"),
        ("ffffffff7f", "a varint is larger than 32 bits"),
    ],
)
def test_tags_must_ascend_and_fit(tags: str, reason: str) -> None:
    good = ApiVersionsRequest(client_software_name="a", client_software_version="1").encode(3)
    with pytest.raises(MalformedMessage, match=reason):
        ApiVersionsRequest.decode(good[:-1] + bytes.fromhex(tags), 3)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("01000301", "tagged field 0 has 3 bytes with 1 left"),
        ("0100020100", "tagged field 0 does not fill its size"),
        ("01000102", "elements cannot lie in the 0 bytes left"),
        ("0200010100010100", "tag 0 comes after tag 0"),
    ],
)
def test_a_tagged_field_fills_its_size(tags: str, reason: str) -> None:
    good = FetchResponse().encode(16)
    with pytest.raises(MalformedMessage, match=reason):
        FetchResponse.decode(good[:-1] + bytes.fromhex(tags), 16)


def test_a_struct_is_there_or_null() -> None:
    cls = message("DescribeTopicPartitionsResponse")
    good = cls().encode(0)
    assert good[-2:] == b"\xff\0"
    for mark in (0, 2, 0x80):
        with pytest.raises(MalformedMessage, match="which is neither null nor present"):
            cls.decode(good[:-2] + bytes((mark, 0)), 0)


def test_a_count_is_held_against_the_bytes_left() -> None:
    for count in ("7fffffff", "00000002"):
        with pytest.raises(MalformedMessage, match="elements cannot lie in the 2 bytes left"):
            MetadataRequest.decode(bytes.fromhex(count) + b"\0\0", 1)
    with pytest.raises(MalformedMessage, match="a count of -2"):
        MetadataRequest.decode(bytes.fromhex("fffffffe"), 1)


class Numbers(Data, versions="0-1", flexible="1+"):
    bytes_of: list[int] = array(int8)
    wide: list[int] = array(int32)


def test_a_small_frame_cannot_ask_for_a_large_list() -> None:
    for count in (2, 100, 2**31 - 1):
        with pytest.raises(MalformedMessage):
            Numbers.decode(b"\0\0\0\0" + count.to_bytes(4, "big") + b"1234", 0)
        with pytest.raises(MalformedMessage):
            Numbers.decode(b"\x01" + uvarint(count + 1) + b"1234\0", 1)


def test_reading_allocates_a_small_multiple_of_the_frame() -> None:
    """The worst that there is: as many of the smallest structs as fit."""
    n = 20_000
    for cls, version, data in (
        (MetadataRequest, 1, n.to_bytes(4, "big") + bytes(2 * n) + b""),
        (MetadataRequest, 9, uvarint(n + 1) + b"\x01\0" * n + b"\0\0\0\0"),
        (Numbers, 0, n.to_bytes(4, "big") + bytes(n) + bytes(4)),
    ):
        cls.decode(cls().encode(version), version)
        tracemalloc.start()
        cls.decode(data, version)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * len(data), cls


@settings(max_examples=600)
@given(st.data())
def test_mutated_bytes_are_read_or_malformed(data: st.DataObject) -> None:
    name, version = data.draw(st.sampled_from(CASES))
    cls = message(name)
    frame = bytearray(anything(cls, version, Random(data.draw(st.integers(0, 2**32)))).encode(version))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(len(frame) - 1, 0)))
        change = data.draw(st.sampled_from(["set", "cut", "insert", "drop"]))
        if change == "set":
            frame[place : place + 1] = bytes((data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])),))
        elif change == "cut":
            del frame[place:]
        elif change == "insert":
            frame[place:place] = data.draw(st.binary(min_size=1, max_size=6))
        else:
            del frame[place : place + 1]
    read_or_refuse(cls, version, frame)


@settings(max_examples=600)
@given(st.sampled_from(CASES), st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_malformed(case: tuple[str, int], data: bytes) -> None:
    read_or_refuse(message(case[0]), case[1], data)


@pytest.mark.parametrize("fill", [0, 1, 2, 0x7F, 0x80, 0xFF])
def test_monotonous_bytes_are_read_or_malformed(fill: int) -> None:
    for name, version in CASES:
        read_or_refuse(message(name), version, bytes((fill,)) * 100)


def read_or_refuse(cls, version: int, data: bytes | bytearray) -> None:
    """Either nothing but a ProtocolError, or a message that writes down what it is."""
    try:
        found = cls.decode(data, version)
    except ProtocolError as error:
        assert isinstance(error, MalformedMessage), error
        assert error.offset is not None and 0 <= error.offset <= len(data) + 16
        assert error.path.startswith(cls.__name__)
        with pytest.raises(MalformedMessage) as again:
            cls.decode(memoryview(data), version)
        assert (again.value.reason, again.value.offset) == (error.reason, error.offset)
        return
    again = found.encode(version)
    assert cls.decode(again, version).encode(version) == again


def test_a_deep_message_is_one_flat_function() -> None:
    version = StreamsGroupHeartbeatRequest.__versions__.high
    made = anything(StreamsGroupHeartbeatRequest, version, Random(1))
    assert StreamsGroupHeartbeatRequest.decode(made.encode(version), version) == made


@pytest.mark.parametrize("version", [1, 8, 12])
def test_a_kept_struct_is_written_like_any_other_and_only_once(version: int) -> None:
    part = MetadataResponsePartition(partition_index=3, leader_id=1, replica_nodes=[1], isr_nodes=[1])
    topic = MetadataResponseTopic(name="t", partitions=[part])
    usual = MetadataResponse(brokers=[], topics=[topic, topic]).encode(version)
    kept = keep(topic)
    assert kept == topic
    assert MetadataResponse(brokers=[], topics=[kept, topic]).encode(version) == usual
    part.leader_id = 2  # nobody looks any more
    assert MetadataResponse(brokers=[], topics=[kept, kept]).encode(version) == usual
    with pytest.raises(AttributeError, match="shared"):
        kept.name = "other"


@pytest.mark.parametrize("version", [0, 3])
def test_a_kept_list_is_written_like_any_other_and_only_once(version: int) -> None:
    rows = [ApiVersion(api_key=key, max_version=key) for key in range(3)]
    usual = ApiVersionsResponse(error_code=0, api_keys=rows).encode(version)
    kept = KeptList(rows)
    assert ApiVersionsResponse(error_code=0, api_keys=kept).encode(version) == usual
    rows[0].max_version = 9  # nobody looks any more
    assert ApiVersionsResponse(error_code=0, api_keys=kept).encode(version) == usual
    assert ApiVersionsResponse(error_code=0, api_keys=rows).encode(version) != usual
