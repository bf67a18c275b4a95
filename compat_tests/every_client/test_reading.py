"""Consumers without a group: where they begin, seek, pause, and what the log's ends are."""

from __future__ import annotations

from compat_tests.drivers import Client, Out, Record
from compat_tests.tools import T0, Deadline, unique


def fill(client: Client, topic: str, count: int, partition: int = 0) -> None:
    """`count` records, one second of timestamps apart, in batches of ten."""
    with client.producer() as producer:
        for first in range(0, count, 10):
            batch = [
                Out(b"%d" % number, partition=partition, timestamp_ms=T0 + 1000 * number)
                for number in range(first, min(first + 10, count))
            ]
            producer.send(topic, *batch)


def test_a_consumer_reads_only_what_it_was_assigned(client: Client) -> None:
    name = client.create_topic(unique("topic"), partitions=3)
    for partition in range(3):
        fill(client, name, 10 + partition, partition)
    with client.consumer() as consumer:
        consumer.assign([(name, 1), (name, 2)])
        seen = consumer.read(23)
        assert sorted((record.partition, record.offset) for record in seen) == sorted(
            [(1, offset) for offset in range(11)] + [(2, offset) for offset in range(12)]
        )
        assert consumer.assignment() == {(name, 1), (name, 2)}
        assert consumer.position((name, 1)) == 11


def test_seek_by_offset_goes_back_and_forth(client: Client, topic: str) -> None:
    fill(client, topic, 60)
    with client.consumer() as consumer:
        consumer.assign([(topic, 0)])
        assert consumer.read(60)[0].offset == 0
        for target in (17, 3, 55):
            consumer.seek((topic, 0), target)
            first = consumer.read(60 - target)[0]
            assert (first.offset, first.value) == (target, b"%d" % target)


def test_seek_by_time_finds_the_first_record_at_or_after(client: Client, topic: str) -> None:
    fill(client, topic, 60)
    with client.consumer() as consumer:
        consumer.assign([(topic, 0)])
        assert consumer.offset_for_time((topic, 0), T0 - 5000) == 0
        assert consumer.offset_for_time((topic, 0), T0 + 25_000) == 25
        assert consumer.offset_for_time((topic, 0), T0 + 25_001) == 26
        assert consumer.offset_for_time((topic, 0), T0 + 59_000) == 59
        found = consumer.offset_for_time((topic, 0), T0 + 34_500)
        assert found == 35
        consumer.read(1)
        consumer.seek((topic, 0), found)
        assert consumer.read(25)[0].value == b"35"


def test_a_time_after_the_last_record_finds_nothing(client: Client, topic: str) -> None:
    fill(client, topic, 5)
    with client.consumer() as consumer:
        consumer.assign([(topic, 0)])
        found = consumer.offset_for_time((topic, 0), T0 + 3_600_000)
        end = 5  # librdkafka's wrapper gives the end of the log (-1) where the others give None
        assert found in (None, end)


def test_the_watermarks_are_the_logs_start_and_end(client: Client, topic: str) -> None:
    with client.consumer() as consumer:
        consumer.assign([(topic, 0)])
        assert consumer.watermarks((topic, 0)) == (0, 0)
        fill(client, topic, 12)
        assert consumer.watermarks((topic, 0)) == (0, 12)


def test_latest_begins_behind_what_was_there(client: Client, topic: str) -> None:
    fill(client, topic, 10)
    with client.consumer(reset="latest", fetch_max_wait_ms=100) as consumer:
        consumer.assign([(topic, 0)])
        seen: list[Record] = []
        deadline = Deadline("a record that came after the consumer")
        while not seen:
            seen = consumer.poll()
            fill(client, topic, 1)
            deadline.check()
    assert seen[0].offset >= 10


def test_a_waiting_consumer_gets_a_record_without_waiting_out_its_fetch(client: Client, topic: str) -> None:
    """The fetch parks for 20 s (Kafka's long poll), and the deadline of the read is below that."""
    with client.producer() as producer, client.consumer(fetch_max_wait_ms=20_000) as consumer:
        consumer.assign([(topic, 0)])
        consumer.poll(0.5)
        for number in range(5):
            producer.send(topic, Out(b"%d" % number))
            assert [record.value for record in consumer.read(1, seconds=15)] == [b"%d" % number]


def test_pause_holds_one_partition_and_resume_goes_on_where_it_was(client: Client) -> None:
    name = client.create_topic(unique("topic"), partitions=2)
    with client.consumer(fetch_max_wait_ms=100) as consumer:
        consumer.assign([(name, 0), (name, 1)])
        fill(client, name, 5, 0)
        fill(client, name, 5, 1)
        consumer.read(10)
        consumer.pause((name, 0))
        fill(client, name, 5, 0)
        fill(client, name, 5, 1)
        assert {record.partition for record in consumer.read(5)} == {1}
        consumer.resume((name, 0))
        assert [(record.partition, record.offset) for record in consumer.read(5)] == [
            (0, offset) for offset in range(5, 10)
        ]


def test_deleted_records_are_gone_and_the_rest_is_readable(client: Client, topic: str) -> None:
    fill(client, topic, 40)
    client.delete_records((topic, 0), 15)
    with client.consumer() as consumer:
        consumer.assign([(topic, 0)])
        assert consumer.watermarks((topic, 0)) == (15, 40)
        assert [record.offset for record in consumer.read(25)] == list(range(15, 40))


def test_an_offset_out_of_range_resets_as_the_consumer_says(client: Client, topic: str) -> None:
    fill(client, topic, 20)
    client.delete_records((topic, 0), 5)
    with client.consumer(reset="earliest") as consumer:
        consumer.assign([(topic, 0)])
        consumer.read(15)
        consumer.seek((topic, 0), 2)
        assert consumer.read(15)[0].offset == 5
        consumer.seek((topic, 0), 1000)
        assert consumer.read(15)[0].offset == 5


def test_a_topic_is_created_by_the_first_record_sent_to_it(client: Client) -> None:
    name = unique("auto")
    with client.producer() as producer:
        producer.send(name, Out(b"first"))
    assert [record.value for record in client.read_all(name, 1)] == [b"first"]


def test_a_topic_that_is_deleted_and_made_again_starts_at_zero(client: Client) -> None:
    name = client.create_topic(unique("topic"))
    fill(client, name, 10)
    client.delete_topic(name)
    client.create_topic(name)
    with client.producer() as producer:
        assert producer.send(name, Out(b"new"))[0].offset == 0
    assert [record.value for record in client.read_all(name, 1)] == [b"new"]
