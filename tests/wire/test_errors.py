"""The table of error codes."""

import pytest

from wire.errors import ErrorCode, KafkaError, MalformedMessage, ProtocolError, UnsupportedField, UnsupportedVersion

from .golden import needs_schema, schema


def test_the_table_holds_all_codes_without_a_gap() -> None:
    assert sorted(ErrorCode) == list(range(-1, 137))


@needs_schema
def test_names_and_retriability_are_those_of_kafka() -> None:
    facts = {row["code"]: (row["name"], bool(row["retriable"])) for row in schema("errors")["errors"]}
    assert {int(code): (code.name, code.retriable) for code in ErrorCode} == facts


def test_every_code_says_in_one_sentence_what_it_means() -> None:
    messages = [code.message for code in ErrorCode]
    assert len(set(messages)) == len(messages)
    assert all((message.endswith(".") and message[:1].isupper()) or message.startswith("acks") for message in messages)


def test_a_code_is_its_number() -> None:
    assert ErrorCode.NOT_COORDINATOR == 16
    assert ErrorCode(16) is ErrorCode.NOT_COORDINATOR
    with pytest.raises(ValueError, match="999"):
        ErrorCode(999)


def test_an_error_speaks_for_itself_or_for_its_code() -> None:
    assert str(KafkaError(ErrorCode.NOT_CONTROLLER)) == "NOT_CONTROLLER: This broker is not the controller."
    told = KafkaError(ErrorCode.INVALID_CONFIG, "retention.ms must be a number")
    assert (told.code, told.message) == (ErrorCode.INVALID_CONFIG, "retention.ms must be a number")
    assert str(told) == "INVALID_CONFIG: retention.ms must be a number"


def test_malformed_bytes_are_named_by_field_and_offset() -> None:
    error = MalformedMessage("the bytes end too early", 7, "EndTxnRequest.committed")
    assert str(error) == "EndTxnRequest.committed: the bytes end too early at byte 7"
    assert isinstance(error, ProtocolError)
    assert not issubclass(KafkaError, ProtocolError)
    assert issubclass(UnsupportedField, ProtocolError) and issubclass(UnsupportedVersion, ProtocolError)
