"""What is written comes back: bytes, nulls, headers, timestamps, sizes and order, in every codec."""

from __future__ import annotations

import pytest

from compat_tests.drivers import CODECS, Client, Out, Refused, Stored
from compat_tests.tools import T0, unique


def sample(client: Client) -> list[Out]:
    """Keys, values and headers of each kind that the client can write, each with a timestamp of its own."""
    records = [
        Out(b"plain", timestamp_ms=T0),
        Out(b"with key", b"key", timestamp_ms=T0 + 1),
        Out(None, b"tombstone", timestamp_ms=T0 + 2),
        Out(b"", b"", timestamp_ms=T0 + 3),
        Out(bytes(range(256)), bytes(reversed(range(256))), timestamp_ms=T0 + 4),
        Out(b"headers", None, (("a", b"1"), ("b", b"\x00\xff"), ("a", b"again")), timestamp_ms=T0 + 5),
        Out(b"empty header", None, (("", b""), ("name \u00e9\u4e16", b"")), timestamp_ms=T0 + 6),
        Out("\u00fc\u4e16\u754c".encode() * 1000, b"k", timestamp_ms=T0 - 1000),
    ]
    if client.null_headers:
        records.append(Out(b"null header", None, (("nothing", None), ("something", b"x")), timestamp_ms=T0 + 7))
    if client.all_null:
        records.append(Out(None, None, timestamp_ms=T0 + 8))
    return records


@pytest.mark.parametrize("codec", CODECS)
def test_every_field_comes_back_in_every_codec(client: Client, topic: str, codec: str) -> None:
    records = sample(client)
    with client.producer(compression=codec) as producer:
        stored = producer.send(topic, *records)
    seen = client.read_all(topic, len(records))
    assert [record.content for record in seen] == [
        (0, out.key, out.value, out.headers, out.timestamp_ms) for out in records
    ]
    assert [record.offset for record in seen] == [answer.offset for answer in stored] == list(range(len(records)))
    assert not any(record.log_append_time for record in seen)


@pytest.mark.parametrize("codec", CODECS)
def test_many_records_in_one_codec_keep_their_order(client: Client, topic: str, codec: str) -> None:
    records = [Out(b"%06d" % number + b"x" * 50) for number in range(2000)]
    with client.producer(compression=codec) as producer:
        producer.send(topic, *records)
    assert [record.value for record in client.read_all(topic, 2000)] == [out.value for out in records]


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_every_acks_setting_stores_the_records(client: Client, topic: str, acks: int | str) -> None:
    with client.producer(acks=acks, idempotent=False) as producer:
        answers = producer.send_all(topic, [Out(b"%d" % number) for number in range(50)])
    assert not any(isinstance(answer, Refused) for answer in answers)
    assert [record.value for record in client.read_all(topic, 50)] == [b"%d" % number for number in range(50)]


def test_acks_0_leaves_the_connection_in_step(client: Client, topic: str) -> None:
    """An answer frame to acks=0 would shift every later correlation id of that connection: metadata of a second
    topic, asked for afterwards on the same connection, would fail."""
    other = client.create_topic(unique("topic"))
    with client.producer(acks=0, idempotent=False) as producer:
        for number in range(20):
            producer.send_all(topic, [Out(b"%d" % number)])
            producer.send_all(other, [Out(b"%d" % number)])
    assert len(client.read_all(topic, 20)) == 20
    assert len(client.read_all(other, 20)) == 20


def test_a_producer_without_idempotence_may_send_too(client: Client, topic: str) -> None:
    with client.producer(idempotent=False) as producer:
        assert producer.send(topic, Out(b"a"), Out(b"b")) == [Stored(0, 0), Stored(0, 1)]


def test_log_append_time_is_the_brokers(client: Client) -> None:
    name = client.create_topic(unique("topic"), config={"message.timestamp.type": "LogAppendTime"})
    with client.producer() as producer:
        producer.send(name, Out(b"a", timestamp_ms=T0), Out(b"b", timestamp_ms=T0 + 1))
    seen = client.read_all(name, 2)
    assert all(record.log_append_time for record in seen)
    assert all(record.timestamp_ms > T0 + 1_000_000 for record in seen)


def value_for_batch_of(size: int) -> bytes:
    """The value that makes a batch of one plain record (no key, no headers) exactly `size` bytes long.

    61 bytes of batch header; then the record: its length and its value's length as varints, and five bytes for
    attributes, timestamp delta, offset delta, the null key and the header count.
    """

    def varint(number: int) -> int:
        return 1 + ((2 * number).bit_length() - 1) // 7

    for length in range(size - 61 - 5 - 2, 0, -1):
        record = 5 + varint(length) + length
        if 61 + varint(record) + record == size:
            return b"v" * length
    raise AssertionError(f"no batch of one record has {size} bytes")


def test_a_batch_at_the_topics_limit_is_stored_and_one_byte_more_is_refused(client: Client) -> None:
    limit = 200_000
    name = client.create_topic(unique("topic"), config={"max.message.bytes": str(limit)})
    message_too_large = 10
    # Without idempotence: two of the clients give an idempotent producer up after a refused batch, with Kafka too.
    with client.producer(idempotent=False) as producer:
        answers = [
            producer.send_all(name, [Out(value_for_batch_of(size))])[0] for size in (limit, limit + 1, 1000, limit)
        ]
        assert isinstance(answers[0], Stored), answers
        assert isinstance(answers[1], Refused) and answers[1].code == message_too_large, answers
        assert isinstance(answers[2], Stored) and isinstance(answers[3], Stored), "the producer goes on after it"
    assert [len(record.value or b"") for record in client.read_all(name, 3)] == [
        len(value_for_batch_of(size)) for size in (limit, 1000, limit)
    ]


def test_the_default_limit_is_kafkas(client: Client, topic: str) -> None:
    """max.message.bytes is 1048588: a mebibyte and the 12 bytes that older batch headers had."""
    with client.producer(max_request_bytes=4 << 20) as producer:
        fits, too_big = (producer.send_all(topic, [Out(value_for_batch_of(size))])[0] for size in (1048588, 1048589))
    assert isinstance(fits, Stored)
    assert isinstance(too_big, Refused) and too_big.code == 10


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_records_far_above_the_consumers_fetch_size_still_arrive(client: Client, codec: str) -> None:
    """KIP-74: the first batch is sent whole, however small the limits of the fetch are."""
    name = client.create_topic(unique("topic"), config={"max.message.bytes": str(6 << 20)})
    big = [bytes([65 + number]) * (5 << 20) for number in range(3)]
    with client.producer(max_request_bytes=6 << 20, compression=codec) as producer:
        for value in big:
            producer.send(name, Out(value))
        producer.send(name, Out(b"small"))
    with client.consumer(partition_bytes=1000) as consumer:
        consumer.assign([(name, 0)])
        assert [record.value for record in consumer.read(4)] == [*big, b"small"]
