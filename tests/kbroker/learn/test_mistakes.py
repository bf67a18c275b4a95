"""Planted mistakes, one in each frame: the byte that is named is the one that was changed."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.learn.mistakes import around, frame_of, mistakes, notes_of
from kbroker.learn.rules import history, rule_of
from tests.kbroker.learn.making import (
    answer,
    api,
    batch,
    left_out,
    produce,
    put,
    put_in,
    request,
    sent,
    stored,
    with_size,
)  # fmt: skip
from tests.pages import sample
from wire.crc import crc32c
from wire.header import encode_request_header
from wire.registry import APIS

METADATA_1 = request("Metadata", 1, {"topics": [{"name": "orders"}]})
METADATA_12 = request("Metadata", 12, {"topics": [{"name": "orders"}]})
VERSIONS_0 = request("ApiVersions", 0, {})
VERSIONS_3 = request("ApiVersions", 3, {"clientSoftwareName": "mine", "clientSoftwareVersion": "1"})
FETCH_4 = request("Fetch", 4, {
    "replicaId": -1, "maxWaitMs": 500, "minBytes": 1, "maxBytes": 1000, "isolationLevel": 0,
    "topics": [{"topic": "orders", "partitions": [{"partition": 0, "fetchOffset": 0, "partitionMaxBytes": 1000}]}],
})  # fmt: skip
JOIN_2 = request("JoinGroup", 2, {
    "groupId": "readers", "sessionTimeoutMs": 10000, "rebalanceTimeoutMs": 10000, "memberId": "",
    "protocolType": "consumer", "protocols": [{"name": "range", "metadata": ""}],
})  # fmt: skip
BEAT_1 = request("ConsumerGroupHeartbeat", 1, {
    "groupId": "fast", "memberId": "me", "memberEpoch": 0, "rebalanceTimeoutMs": 10000,
    "subscribedTopicNames": ["orders"], "topicPartitions": [],
})  # fmt: skip
END_TXN_0 = request("EndTxn", 0, {"transactionalId": "cashier", "producerId": 1, "producerEpoch": 0, "committed": True})
PRODUCE_3, PRODUCE_9 = produce(batch(), 3), produce(batch(), 9)
HEAD = 4 + 2 + 2 + 4 + 2 + len("mine")  # where a header of version 1 ends


def at(frame: bytes, path: str) -> int:
    """Where a field stands."""
    return next(note.offset for note in notes_of(frame) if note.path == path and note.raw)


BATCH = "topic_data[0].partition_data[0].records.batch[0]"
IN_3 = {name: at(PRODUCE_3, f"{BATCH}.{name}") for name in (
    "base_offset", "magic", "crc", "attributes", "last_offset_delta", "base_sequence", "count", "records[1].length",
    "records[1].offset_delta", "records[0].value.length",
)}  # fmt: skip


def summed(frame: bytes) -> bytes:
    """The frame of a Produce whose batch has the right checksum again."""
    return put(frame, IN_3["crc"], *crc32c(frame[IN_3["attributes"] :]).to_bytes(4, "big"))


class Planted(NamedTuple):
    """What was sent; the byte that is to be named; words that are to be said of it."""

    frame: bytes
    offset: int
    words: str


def tagged(first: int, second: int) -> bytes:
    """A Metadata whose header has two tagged fields of one byte."""
    return put_in(put(METADATA_12, HEAD, 2), HEAD + 1, first, 1, 9, second, 1, 9)


TOPICS_1 = at(METADATA_1, "topics")
TOPICS_12 = at(METADATA_12, "topics")
NAME_1 = at(METADATA_1, "topics[0].name")

PLANTED = {
    # 1. One frame there, one frame back
    "1: a size that is one too large": Planted(put(VERSIONS_0, 3, VERSIONS_0[3] + 1), 0, "waits for 1 more"),
    "1: no header": Planted(with_size(b"\0\x12"), 0, "a header of at least 8 bytes"),
    "1: a key that there is not": Planted(put(VERSIONS_0, 4, 3, 231), 4, "the key of an API; there is no 999"),
    "1: a key with its lowest byte first": Planted(put(VERSIONS_0, 4, 18, 0), 4, "the other way round it is Api"),
    "1: a version that there is not": Planted(put(VERSIONS_0, 6, 0, 99), 6, "a version of ApiVersions: 0 to 5, not 99"),
    "1: a client id that is longer than it is": Planted(put(VERSIONS_0, 13, 5), 12, "00 04 here"),
    "1: the header of a version that is not flexible": Planted(left_out(VERSIONS_3, HEAD), HEAD, "request header v1"),
    "1: a compact string whose length is not one larger": Planted(
        put(VERSIONS_3, HEAD + 1, 4), HEAD + 1, "with 05 here all of it reads well"
    ),
    "1: no body where the version has one": Planted(put(VERSIONS_0, 7, 3), 6, "as ApiVersions v2 all of it reads well"),
    # 2. Who leads what
    "2: a count that is one too large": Planted(put(METADATA_1, TOPICS_1 + 3, 2), TOPICS_1, "with 00 00 00 01 here"),
    "2: a string that is one too long": Planted(put(METADATA_1, NAME_1 + 1, 7), NAME_1, "with 00 06 here"),
    "2: a string that is one too short": Planted(put(METADATA_1, NAME_1 + 1, 5), NAME_1, "with 00 06 here"),
    "2: a body of another version": Planted(put(METADATA_1, 7, 4), 6, "as Metadata v3 all of it reads well"),
    "2: bytes behind the end": Planted(with_size(METADATA_1[4:] + b"xyz"), len(METADATA_1), "3 bytes are left over"),
    "2: a compact array whose count is not one larger": Planted(
        put(METADATA_12, TOPICS_12, 1), TOPICS_12, "with 02 here"
    ),
    "2: the header of a flexible version": Planted(put_in(METADATA_1, HEAD, 0), HEAD, "leave this byte out"),
    "2: tagged fields that do not rise": Planted(tagged(2, 1), HEAD + 4, "a tag larger than 2, not 1"),
    # 3. A record batch by hand
    "3: another checksum": Planted(put(PRODUCE_3, IN_3["crc"], 1, 2, 3, 4), IN_3["crc"], "the sum of all bytes from"),
    "3: a last offset delta that is one too large": Planted(
        summed(put(PRODUCE_3, IN_3["last_offset_delta"] + 3, 3)), IN_3["last_offset_delta"], "2: the offset delta"
    ),
    "3: an offset delta twice": Planted(
        summed(put(PRODUCE_3, IN_3["records[1].offset_delta"], 0)), IN_3["records[1].offset_delta"], "as a varint 02"
    ),
    "3: a length that is not zigzagged": Planted(
        summed(put(PRODUCE_3, IN_3["records[0].value.length"], 7)),
        IN_3["records[0].value.length"],
        "a length of at most",
    ),
    "3: an offset of one's own": Planted(
        put(PRODUCE_3, IN_3["base_offset"] + 7, 5), IN_3["base_offset"], "0: the broker"
    ),
    "3: another magic": Planted(put(PRODUCE_3, IN_3["magic"], 1), IN_3["base_offset"], "magic 2 at byte"),
    "3: a length of records that is too small": Planted(
        put(PRODUCE_3, IN_3["base_offset"] - 1, PRODUCE_3[IN_3["base_offset"] - 1] - 1),
        IN_3["base_offset"] - 4,
        "here all",
    ),
    # 4. Reading it back
    "4: an offset in four bytes": Planted(
        left_out(FETCH_4, at(FETCH_4, "topics[0].partitions[0].fetch_offset"), 4),
        at(FETCH_4, "topics[0].partitions[0].partition_max_bytes"),
        "an int32 of 4 bytes",
    ),
    "4: a field that is missing": Planted(
        left_out(FETCH_4, at(FETCH_4, "isolation_level")),
        at(FETCH_4, "isolation_level") + 1,
        "an array of 256",
    ),
    # 5. Many records, squeezed together
    "5: a codec that there is not": Planted(
        summed(put(PRODUCE_3, IN_3["attributes"] + 1, 7)), IN_3["attributes"], "a codec from 0 (none) to 4 (zstd)"
    ),
    "5: a codec that was not used": Planted(
        summed(put(PRODUCE_3, IN_3["attributes"] + 1, 1)), IN_3["count"] + 4, "records that gzip can unfold"
    ),
    # 6. Once, even when it is sent twice
    "6: a sequence number without a producer": Planted(
        summed(put(PRODUCE_3, IN_3["base_sequence"], 0, 0, 0, 0)),
        IN_3["base_sequence"],
        "where there is no producer id",
    ),
    # 7. A member of a group
    "7: a protocol that is counted and not there": Planted(
        put(JOIN_2, at(JOIN_2, "protocols") + 3, 2), at(JOIN_2, "protocols"), "with 00 00 00 01 here"
    ),
    "7: bytes whose length has two bytes": Planted(
        left_out(JOIN_2, len(JOIN_2) - 2, 2), len(JOIN_2) - 4, "the length of"
    ),
    # 8. All or nothing
    "8: a decision that is missing": Planted(
        left_out(END_TXN_0, len(END_TXN_0) - 1), len(END_TXN_0) - 1, "a boolean of 1 byte"
    ),
    # 9. A group whose broker thinks
    "9: an array of names whose count is not one larger": Planted(
        put(BEAT_1, at(BEAT_1, "subscribed_topic_names"), 1), at(BEAT_1, "subscribed_topic_names"), "with 02 here"
    ),
    "9: no tagged fields at the end": Planted(left_out(BEAT_1, len(BEAT_1) - 1), len(BEAT_1) - 1, "a varint"),
    "9: a tag that nobody knows": Planted(with_size(BEAT_1[4:-1] + b"\x01\x63\x01\x00"), len(BEAT_1), "no tag 99"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_byte_is_named(name: str) -> None:
    planted = PLANTED[name]
    found = mistakes(sent(planted.frame))
    assert found, "nothing was noticed"
    first = found[0]
    said = f"{first.expected} {first.repair}"
    assert (first.offset, planted.words in said) == (planted.offset, True), f"{first}\n{len(found)} in all"
    assert first.rule, "why it is wrong is not said"
    if first.found:
        assert planted.frame[first.offset :].startswith(bytes.fromhex(first.found.replace(" ", "")))
    assert around(sent(planted.frame), first)


ANSWERED = {
    "6: a gap in the sequence": (
        produce(batch(producer_id=1, producer_epoch=0, base_sequence=5), 3),
        45,
        "base_sequence",
        "Sequence numbers count",
    ),
    "6: an old epoch": (
        produce(batch(producer_id=1, producer_epoch=0, base_sequence=5), 3),
        47,
        "producer_epoch",
        "newest epoch",
    ),
    "2: a name that no topic may have": (produce(batch(), 3, "a b"), 17, "name", "name of Produce is string"),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_an_error_is_led_back_to_the_byte_that_it_is_about(name: str) -> None:
    frame, code, field, rule = ANSWERED[name]
    topic = "a b" if code == 17 else "orders"
    part = {"index": 0, "errorCode": code, "baseOffset": -1, "logAppendTimeMs": -1}
    reply = answer("Produce", 3, {"responses": [{"name": topic, "partitionResponses": [part]}]})
    (found,) = mistakes(sent(frame, reply))
    path = f"{BATCH}.{field}" if field != "name" else "topic_data[0].name"
    assert (found.offset, found.path) == (at(frame, path), path)
    assert f"({code})" in found.answered and rule in found.rule


def test_what_is_right_has_no_mistake() -> None:
    for row in APIS.values():
        for version in range(max(row.min_version, 0), row.max_version + 1):
            message = sample(row.request_class(), version)
            frame = encode_request_header(row.key, version, 7, "app") + message.encode(version)
            found = mistakes(sent(with_size(frame)))
            assert found == [], (row.kafka_name, version, found)
    assert mistakes(sent(PRODUCE_9, stored(0))) == []


@pytest.mark.parametrize("frame", [METADATA_1, METADATA_12, PRODUCE_3, PRODUCE_9, BEAT_1, JOIN_2], ids=len)
def test_no_frame_is_so_broken_that_nothing_can_be_said(frame: bytes) -> None:
    @settings(max_examples=60, database=None)
    @given(st.lists(st.tuples(st.integers(4, len(frame) - 1), st.integers(0, 255)), max_size=4), st.integers(0, 20))
    def broken(changes: list[tuple[int, int]], cut: int) -> None:
        spoilt = frame
        for offset, value in changes:
            spoilt = put(spoilt, offset, value)
        exchange = sent(with_size(spoilt[4 : len(spoilt) - cut]))
        for mistake in mistakes(exchange):
            assert -1 <= mistake.offset <= len(frame_of(exchange))
            assert mistake.rule or mistake.answered

    broken()


def test_a_rule_names_the_versions_and_the_kip_of_a_field() -> None:
    said = rule_of(api("Metadata"), 12, "topics[0].topic_id", "uuid")
    assert "topicId of Metadata is uuid, in v10 to v13" in said and "KIP-516" in said
    assert "flexible from v9 on, and this is v12" in rule_of(api("Metadata"), 12, "topics", "compact array")


def test_the_story_of_a_message_is_read_version_by_version() -> None:
    assert history(api("Produce"))[7] == "zstd (KIP-110)"
    assert history(api("Produce"))[9] == "flexible"
    assert history(api("AddPartitionsToTxn"))[4].startswith("for brokers: several transactions")
