"""Clients that stay open through a reset and a restore go on without an error of the application, wherever the protocol
allows it: idempotent and transactional producers, subscribed consumers, administration; of three libraries.

What does not go on is shown too: a transaction that was open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import KafkaException, Producer

from compat_tests.conftest import CLIENTS
from compat_tests.drivers import Client, Consumer, Out
from compat_tests.primitives.clients import librd, send
from compat_tests.tools import Deadline
from compat_tests.transactions.clients import PRODUCERS
from kbroker.testing import Broker

Open = Callable[[str, str], Client]
Anew = Callable[[Broker], object]


def keep_topics(kafka: Broker) -> None:
    kafka.reset(keep="topics")


def forget_topics(kafka: Broker) -> None:
    kafka.reset()
    kafka.create_topic("orders")


def bring_back(kafka: Broker) -> None:
    kafka.restore(1)


ANEW = pytest.mark.parametrize("anew", [keep_topics, forget_topics, bring_back], ids=lambda each: each.__name__)
EACH = pytest.mark.parametrize("name", list(CLIENTS))


@pytest.fixture(scope="module")
def house() -> Iterator[Broker]:
    with Broker() as running:
        yield running


@pytest.fixture
def kafka(house: Broker) -> Iterator[Broker]:
    """With an empty topic, and a snapshot of it: number 1."""
    running = house.another()
    running.create_topic("orders")
    assert running.snapshot() == 1
    yield running
    running.close()


def values(kafka: Broker) -> list[bytes | None]:
    return [record.value for record in kafka.records("orders")]


@ANEW
@EACH
def test_an_idempotent_producer_goes_on(name: str, anew: Anew, kafka: Broker, open_clients: Open) -> None:
    producer = open_clients(name, kafka.bootstrap).producer()
    for number in range(3):
        producer.send("orders", *[Out(b"%d-%d" % (number, each)) for each in range(3)])
        assert values(kafka) == [b"%d-%d" % (number, each) for each in range(3)]
        anew(kafka)
    producer.send("orders", Out(b"last"))
    assert values(kafka) == [b"last"]


@ANEW
@EACH
def test_a_transactional_producer_goes_on_between_two_transactions(name: str, anew: Anew, kafka: Broker) -> None:
    producer = PRODUCERS[name](kafka.bootstrap, "tx", 60_000)
    for number in range(3):
        producer.begin()
        producer.send("orders", b"%d" % number)
        producer.commit()
        assert values(kafka) == [b"%d" % number]
        anew(kafka)
    producer.begin()
    producer.send("orders", b"taken back")
    producer.abort()
    assert values(kafka) == []
    producer.close()


def until(consumer: Consumer, wanted: set[bytes]) -> None:
    """Poll until all of these have come; none of it raises."""
    seen: set[bytes | None] = set()
    deadline = Deadline(f"the records {wanted}")
    while not wanted <= seen:
        seen |= {record.value for record in consumer.poll()}
        deadline.check(f"(there are {seen})")


# kafka-python's consumer may spin in its own poll() once it has heard that its topic is gone: compat_tests/README.md.
CONSUMED = [(name, anew) for name in CLIENTS for anew in (keep_topics, bring_back, forget_topics)]
CONSUMED.remove(("kafka-python", forget_topics))


@pytest.mark.parametrize(("name", "anew"), CONSUMED)
def test_a_subscribed_consumer_goes_on(name: str, anew: Anew, kafka: Broker, open_clients: Open) -> None:
    consumer = open_clients(name, kafka.bootstrap).consumer(group="g")
    consumer.subscribe("orders")
    for number in range(3):
        wanted = [b"%d-%d" % (number, each) for each in range(number + 2)]
        kafka.produce("orders", *wanted)
        until(consumer, set(wanted))
        anew(kafka)
    kafka.produce("orders", "last")
    until(consumer, {b"last"})
    deadline = Deadline("a member of the group")
    while not any(group.members for group in kafka.groups()):
        consumer.poll()
        deadline.check()


@EACH
def test_administration_goes_on(name: str, kafka: Broker, open_clients: Open) -> None:
    client = open_clients(name, kafka.bootstrap)
    client.create_topic("one")
    kafka.reset()
    client.create_topic("one", 2)
    assert len(kafka.topic("one").partitions) == 2
    client.delete_topic("one")
    assert kafka.topics() == []


def test_an_open_transaction_does_not_go_on_and_the_next_one_does(kafka: Broker) -> None:
    producer = Producer(librd(kafka, transactional_id="tx"))
    producer.init_transactions(30)
    producer.begin_transaction()
    assert send(producer, "orders", b"lost") == [None]
    kafka.reset(keep="topics")
    with pytest.raises(KafkaException) as told:
        producer.commit_transaction(30)
    assert told.value.args[0].txn_requires_abort() or told.value.args[0].fatal()
    if told.value.args[0].fatal():
        producer = Producer(librd(kafka, transactional_id="tx"))
        producer.init_transactions(30)
    else:
        producer.abort_transaction(30)
    producer.begin_transaction()
    assert send(producer, "orders", b"kept") == [None]
    producer.commit_transaction(30)
    assert values(kafka) == [b"kept"]
