"""`broker.chaos`: a mix of faults that a correct client survives, held against it: what was acknowledged is there once,
in order, and a group reads all of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from compat_tests.cluster.life import Reader
from compat_tests.conftest import CLIENTS
from compat_tests.crash.checks import PARTITIONS, Writer, check, read_everything
from compat_tests.drivers import Client, Stored
from compat_tests.primitives.clients import librd, send
from kbroker.testing import Broker

Open = Callable[[str, str], Client]
ENOUGH = 800


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for seed, name in enumerate(CLIENTS, 1)])
def test_chaos_is_survived(name: str, seed: int, kafka: Broker, open_clients: Open) -> None:
    kafka.create_topic("orders", PARTITIONS)
    client = open_clients(name, kafka.bootstrap)
    told = threading.Condition()
    reader = Reader(client.consumer(group="g"), "orders", told)
    writer = Writer(client.producer(), "orders", 50)
    reader.start()
    kafka.wait_assigned("g", timeout=30)
    writer.start()
    kafka.wait_records("orders", 1, timeout=30)
    kafka.chaos(seed, level=2)
    kafka.wait_records("orders", ENOUGH, timeout=60)
    met = {fault.name: len(fault.hits) for fault in kafka.faults.list()}
    kafka.faults.clear()
    answers = writer.end()
    everything = {(each.partition, each.offset) for each in answers if isinstance(each, Stored) and each.offset >= 0}

    def read() -> set[tuple[int, int]]:
        return {(record.partition, record.offset) for record in reader.records}

    with told:
        assert told.wait_for(lambda: everything <= read() or reader.error, 60)
    reader.end()
    assert reader.error is None
    assert sum(met.values()) > 10, met
    check(read_everything(client, "orders"), answers)


def test_a_broker_that_forgets_what_it_acknowledged_is_caught(kafka: Broker, open_clients: Open) -> None:
    """The checker is believed because it finds this one."""
    kafka.create_topic("orders", PARTITIONS)
    client = open_clients("confluent", kafka.bootstrap)
    part = {"index": 0, "errorCode": 0, "baseOffset": 0}
    kafka.faults.install(
        "Produce", partition=0, answer={"responses": [{"name": "orders", "partitionResponses": [part]}]}
    )
    writer = Writer(client.producer(), "orders", 1)
    writer.start()
    kafka.wait_requests("Produce", 1)
    answers = writer.end()
    kafka.faults.clear()
    with pytest.raises(AssertionError, match="was acknowledged as"):
        check(read_everything(client, "orders"), answers)


def test_the_same_seed_meets_the_same_requests(kafka: Broker) -> None:
    from confluent_kafka import Producer

    kafka.create_topic("orders")
    met = []
    for _ in range(2):
        fault = kafka.faults.fail("Produce", "MESSAGE_TOO_LARGE", probability=0.3, seed=11)
        client = Producer(librd(kafka, acks="1"))
        met.append([send(client, "orders", b"%d" % number)[0] is None for number in range(20)])
        fault.remove()
    assert met[0] == met[1]
    assert 2 < met[0].count(False) < 12
