"""What transactions promise, through the transactional producers of three libraries and every reader of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from compat_tests.broker import Process
from compat_tests.conftest import open_client
from compat_tests.tools import unique, until
from compat_tests.transactions.clients import CONSUMERS, Fenced
from compat_tests.transactions.conftest import Desk


@pytest.fixture
def topic(desk: Desk) -> str:
    return new_topic(desk)


def new_topic(desk: Desk, partitions: int = 1) -> str:
    client = open_client("confluent", desk.bootstrap)
    try:
        return client.create_topic(unique("topic"), partitions)
    finally:
        client.close()


def write(desk: Desk, producer: Any, topic: str, *values: bytes, committed: bool = True) -> None:
    producer.begin()
    for value in values:
        producer.send(topic, value)
    producer.flush()
    if committed:
        producer.commit()
    else:
        producer.abort()


@pytest.mark.parametrize("reader", list(CONSUMERS))
def test_every_reader_of_committed_records_sees_what_was_committed_and_nothing_else(
    desk: Desk, topic: str, reader: str
) -> None:
    producer = desk.producer(unique("id"))
    write(desk, producer, topic, b"a1", b"a2", committed=False)
    write(desk, producer, topic, b"c1", b"c2")
    write(desk, producer, topic, b"a3", committed=False)
    write(desk, producer, topic, b"end")
    assert desk.consumer(topic, name=reader).until(b"end") == [b"c1", b"c2", b"end"]
    everything = desk.consumer(topic, name=reader, committed=False).until(b"end")
    assert everything == [b"a1", b"a2", b"c1", b"c2", b"a3", b"end"]


def test_many_transactions_in_a_row(desk: Desk, topic: str) -> None:
    producer = desk.producer(unique("id"))
    expected = []
    for number in range(60):
        committed = number % 3 != 1
        values = [b"%d-%d" % (number, each) for each in range(3)]
        write(desk, producer, topic, *values, committed=committed)
        expected += values if committed else []
    write(desk, producer, topic, b"end")
    assert desk.consumer(topic).until(b"end") == [*expected, b"end"]


def test_one_transaction_over_many_partitions_is_committed_in_all_of_them(desk: Desk) -> None:
    topic = new_topic(desk, 8)
    producer = desk.producer(unique("id"))
    producer.begin()
    for partition in range(8):
        producer.send(topic, b"%d" % partition, partition)
    producer.commit()
    for partition in range(8):
        assert desk.consumer(topic, partition=partition).until(b"%d" % partition) == [b"%d" % partition]


def test_a_second_producer_with_the_same_id_fences_the_first(desk: Desk, topic: str) -> None:
    name = unique("id")
    first = desk.producer(name)
    write(desk, first, topic, b"c1")
    first.begin()
    first.send(topic, b"lost")
    first.flush()
    second = desk.producer(name)
    with pytest.raises(Fenced):
        first.commit()
    write(desk, second, topic, b"c2")
    write(desk, second, topic, b"end")
    assert desk.consumer(topic).until(b"end") == [b"c1", b"c2", b"end"]


def test_a_transaction_that_takes_too_long_is_aborted(own: Desk) -> None:
    topic = new_topic(own)
    slow = own.producer(unique("id"), timeout_ms=1_000)
    slow.begin()
    slow.send(topic, b"lost")
    slow.flush()
    other = own.producer(unique("id"))
    write(own, other, topic, b"end")
    assert own.consumer(topic).until(b"end") == [b"end"], "it holds nobody up for longer than its time"
    with pytest.raises(Exception):  # noqa: B017 - each library says it in its own way
        slow.commit()


def test_consumed_and_produced_together_each_input_counts_once(desk: Desk) -> None:
    source, target, group = new_topic(desk), new_topic(desk), unique("group")
    feeder = desk.producer(unique("id"))
    write(desk, feeder, source, *[b"%d" % number for number in range(30)])
    name = unique("id")
    done = 0
    for attempt in range(6):
        consumer = desk.consumer(source, group=group)
        producer = desk.producer(name)
        batch: list[Any] = []

        def some(reader: Any = consumer, into: list[Any] = batch) -> bool:
            into += reader.poll()
            return len(into) >= 1

        until("input", some)
        records = batch[:7]
        producer.begin()
        for _, _, value in records:
            producer.send(target, b"out-" + value)
        place, offset, _ = records[-1]
        producer.send_offsets({place: offset + 1}, consumer)
        if attempt % 2:
            producer.abort()
        else:
            producer.commit()
            done += len(records)
        consumer.close()
        desk.opened.remove(consumer)
    write(desk, feeder, target, b"end")
    seen = desk.consumer(target).until(b"end")
    assert seen == [b"out-%d" % number for number in range(done)] + [b"end"]


def test_offsets_of_an_aborted_transaction_are_not_committed(desk: Desk, topic: str) -> None:
    group = unique("group")
    producer = desk.producer(unique("id"))
    write(desk, producer, topic, b"c1", b"c2", b"end")
    consumer = desk.consumer(topic, group=group)
    consumer.until(b"end")
    producer.begin()
    producer.send_offsets({(topic, 0): 3}, consumer)
    producer.abort()
    consumer.close()
    desk.opened.remove(consumer)
    assert desk.consumer(topic, group=group).until(b"end") == [b"c1", b"c2", b"end"]


def test_what_was_committed_outlives_a_kill_and_what_was_open_is_aborted(own: Desk, process: Process) -> None:
    topic, name = new_topic(own), unique("id")
    producer = own.producer(name)
    write(own, producer, topic, b"c1")
    producer.begin()
    producer.send(topic, b"lost")
    producer.flush()
    process.kill()
    process.restart()
    second = own.producer(name)
    write(own, second, topic, b"end")
    assert own.consumer(topic).until(b"end") == [b"c1", b"end"]
