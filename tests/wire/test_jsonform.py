"""Kafka's JSON conventions, read more kindly than Kafka does."""

from random import Random
from typing import Any

import pytest

from wire.errors import MalformedMessage, ProtocolError, UnsupportedField, UnsupportedVersion
from wire.messages.end_txn import EndTxnRequest
from wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from wire.messages.metadata import MetadataRequest
from wire.messages.offset_commit import OffsetCommitRequest
from wire.registry import message

from .anything import CASES, anything


@pytest.mark.parametrize(("name", "version"), CASES)
def test_a_message_survives_its_json(name: str, version: int) -> None:
    cls, random = message(name), Random(f"json {name} {version}")
    made = anything(cls, version, random)
    found = cls.from_json(made.to_json(version), version)
    drop_unknown_tags(made)
    assert found == made
    assert found.encode(version) == made.encode(version)


def drop_unknown_tags(value: Any) -> None:
    """JSON has no form for them."""
    if isinstance(value, list):
        for item in value:
            drop_unknown_tags(item)
    elif hasattr(value, "__fields__"):
        if value.unknown_tags:
            value.unknown_tags = None
        for field in value.__fields__:
            drop_unknown_tags(getattr(value, field.name))


def test_names_are_those_of_kafka_with_the_first_letter_lowered() -> None:
    request = EndTxnRequest(transactional_id="till", producer_id=2**62, producer_epoch=1, committed=True)
    assert request.to_json(5) == {
        "transactionalId": "till",
        "producerId": 2**62,
        "producerEpoch": 1,
        "committed": True,
    }


def test_bytes_are_base64_and_a_uuid_has_its_22_characters() -> None:
    partition = PartitionData(records=[b"\x00\x01", memoryview(b"\xff")])
    response = FetchResponse(responses=[FetchableTopicResponse(topic_id=b"\xfb" * 16, partitions=[partition])])
    found = response.to_json(13)["responses"][0]
    assert found["topicId"] == "-_v7-_v7-_v7-_v7-_v7-w"
    assert found["partitions"][0]["records"] == "AAH/"
    assert found["partitions"][0]["abortedTransactions"] == []


def test_a_tagged_field_that_equals_its_default_is_left_out() -> None:
    assert "nodeEndpoints" not in FetchResponse().to_json(16)
    assert (
        "divergingEpoch"
        not in FetchResponse(responses=[FetchableTopicResponse(partitions=[PartitionData()])]).to_json(16)["responses"][
            0
        ]["partitions"][0]
    )


def test_a_field_of_another_version_is_left_out_or_refused() -> None:
    assert "throttleTimeMs" not in message("MetadataResponse")(throttle_time_ms=3).to_json(2)
    with pytest.raises(UnsupportedField, match="group_instance_id"):
        OffsetCommitRequest(group_instance_id="i").to_json(6)
    with pytest.raises(UnsupportedField, match="cannot carry null"):
        MetadataRequest(topics=None).to_json(0)
    with pytest.raises(UnsupportedVersion):
        EndTxnRequest().to_json(9)
    with pytest.raises(UnsupportedVersion):
        EndTxnRequest.from_json({}, -1)


def test_a_field_that_is_not_given_has_its_default() -> None:
    assert EndTxnRequest.from_json({"committed": True}, 5) == EndTxnRequest(committed=True)
    assert MetadataRequest.from_json({}, 12) == MetadataRequest()


def test_a_name_that_the_version_does_not_know_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="version 5 has no field 'comitted'"):
        EndTxnRequest.from_json({"comitted": True}, 5)
    with pytest.raises(MalformedMessage, match="version 6 has no field 'groupInstanceId'"):
        OffsetCommitRequest.from_json({"groupInstanceId": "i"}, 6)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "MetadataRequest"),
        ({"topics": {}}, "MetadataRequest.topics"),
        ({"topics": [None]}, "MetadataRequest.topics[0]"),
        ({"topics": [{}, 3]}, "MetadataRequest.topics[1]"),
        ({"topics": [{"name": 3}]}, "MetadataRequest.topics[0].name"),
        ({"topics": [{"topicId": "short"}]}, "MetadataRequest.topics[0].topic_id"),
        ({"topics": [{"topicId": 3}]}, "MetadataRequest.topics[0].topic_id"),
        ({"allowAutoTopicCreation": 1}, "MetadataRequest.allow_auto_topic_creation"),
        ({"allowAutoTopicCreation": None}, "MetadataRequest.allow_auto_topic_creation"),
    ],
)
def test_json_of_another_shape_is_malformed_and_says_where(value: Any, path: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        MetadataRequest.from_json(value, 12)
    assert caught.value.path == path


@pytest.mark.parametrize("value", ["1", 1.0, True, 2**15, -(2**15) - 1])
def test_a_number_must_be_one_that_fits(value: Any) -> None:
    with pytest.raises(ProtocolError, match="an int16 was expected"):
        EndTxnRequest.from_json({"producerEpoch": value}, 5)


@pytest.mark.parametrize("value", ["*", "AAH", 3])
def test_bytes_must_be_base64(value: Any) -> None:
    with pytest.raises(MalformedMessage, match=r"SaslAuthenticateRequest\.auth_bytes"):
        message("SaslAuthenticateRequest").from_json({"authBytes": value}, 2)
