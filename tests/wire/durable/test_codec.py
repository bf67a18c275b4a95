"""Keys and values of the broker's own records."""

import pytest

from wire.durable.assignment import ConsumerProtocolSubscription
from wire.durable.codec import (
    GROUPS,
    SHARE_STATE,
    TRANSACTIONS,
    Types,
    decode_blob,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
    value_class,
)
from wire.durable.offsets import OffsetCommitKey, OffsetCommitValue
from wire.errors import MalformedMessage, ProtocolError, UnsupportedVersion
from wire.registry import message, message_names
from wire.schema import Key, Value

KEY = OffsetCommitKey(group="g", topic="t", partition=3)
VALUE = OffsetCommitValue(offset=42, leader_epoch=1, metadata="m", commit_timestamp=1_700_000_000_000)


def test_a_key_is_its_type_and_its_fields() -> None:
    data = encode_key(KEY)
    assert data.hex(" ") == "00 01 00 01 67 00 01 74 00 00 00 03"
    assert decode_key(data) == decode_key(memoryview(data)) == KEY


@pytest.mark.parametrize("version", range(5))
def test_a_value_is_its_version_and_its_fields(version: int) -> None:
    value = VALUE if version == 3 else OffsetCommitValue(offset=42, metadata="m", commit_timestamp=7)
    data = encode_value(value, version)
    assert data[:2] == bytes((0, version))
    assert decode_value(KEY, data) == value


def test_a_type_that_we_do_not_know_is_no_key() -> None:
    assert decode_key(b"\x7f\xff" + b"anything") is None
    assert decode_key(b"\xff\xff") is None


def test_a_type_means_something_in_its_own_log_only() -> None:
    data = encode_key(message("TransactionLogKey")(transactional_id="till"))
    assert type(decode_key(data, TRANSACTIONS)).__name__ == "TransactionLogKey"
    with pytest.raises(ProtocolError):
        decode_key(data, GROUPS)


@pytest.mark.parametrize("types", [GROUPS, TRANSACTIONS, SHARE_STATE], ids=["groups", "transactions", "share state"])
def test_each_type_is_that_of_its_classes(types: Types) -> None:
    for number, (module, stem) in types.items():
        key = decode_key(encode_key(key_class(module, stem)()), types)
        assert key is not None and type(key).__name__ == stem + "Key"
        value = value_class(type(key))
        assert key.__api_key__ == value.__api_key__ == number
        newest = value.__versions__.high
        assert decode_value(key, encode_value(value(), newest)) == value()


def key_class(module: str, stem: str) -> type[Key]:
    from importlib import import_module

    found: type[Key] = getattr(import_module(f"wire.durable.{module}"), stem + "Key")
    return found


def test_every_record_of_kafka_has_its_type() -> None:
    rows = {
        stem + part
        for types in (GROUPS, TRANSACTIONS, SHARE_STATE)
        for _, stem in types.values()
        for part in ("Key", "Value")
    }
    of_kafka = {name for name in message_names() if issubclass(message(name), (Key, Value))}
    assert of_kafka <= rows
    assert all(name.startswith("Catalog") for name in rows - of_kafka)


@pytest.mark.parametrize("data", ["", "00", "0001", "000100", "0001000167000174000000030"[:-1] + "00"])
def test_a_broken_key_is_malformed(data: str) -> None:
    with pytest.raises(MalformedMessage):
        decode_key(bytes.fromhex(data))


def test_a_value_newer_than_ours_is_not_guessed_at() -> None:
    with pytest.raises(UnsupportedVersion, match="OffsetCommitValue has versions 0-4, not 5"):
        decode_value(KEY, b"\0\x05" + b"anything")
    with pytest.raises(MalformedMessage, match="left over"):
        decode_value(KEY, encode_value(VALUE, 3) + b"!")
    with pytest.raises(MalformedMessage):
        decode_value(KEY, b"\0")


def test_a_blob_of_a_newer_client_is_read_as_far_as_we_know_it() -> None:
    subscription = ConsumerProtocolSubscription(topics=["a", "b"], rack_id="r")
    data = encode_value(subscription, 3)
    assert decode_blob(ConsumerProtocolSubscription, data) == subscription
    assert decode_blob(ConsumerProtocolSubscription, b"\0\x09" + data[2:] + b"more") == subscription
    with pytest.raises(MalformedMessage):
        decode_blob(ConsumerProtocolSubscription, b"\xff\xff" + data[2:])
    with pytest.raises(MalformedMessage):
        decode_blob(ConsumerProtocolSubscription, data[:-1])
