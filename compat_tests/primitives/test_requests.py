"""Which requests a fault meets, when, and what becomes of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import TopicPartition
from kafka.errors import MessageSizeTooLargeError, NotEnoughReplicasError

from compat_tests.primitives.clients import consumer, librd, producer, read, reader, send, take
from kbroker.control.shapes import Held
from kbroker.testing import Broker, Cluster


def test_a_callback_decides(kafka: Broker) -> None:
    @kafka.faults.on("Produce")
    def decide(request: Held) -> str | None:
        return "MESSAGE_TOO_LARGE" if "big" in str(request.request) else None

    with producer(kafka, client_id="shop", max_block_ms=10_000) as client:
        client.send("orders", b"small").get(10)
        kafka.faults.fail("Produce", "MESSAGE_TOO_LARGE", record=b"big")
        with pytest.raises(MessageSizeTooLargeError):
            client.send("orders", b"big").get(10)
    assert len(decide.hits) >= 1
    assert [record.value for record in kafka.records("orders")] == [b"small"]


def test_an_answer_of_ones_own_is_what_the_client_gets(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.produce("orders", "1", "2")
    answer = {"topics": [{"name": "orders", "partitions": [{"partitionIndex": 0, "offset": 7, "timestamp": -1}]}]}
    kafka.faults.install("ListOffsets", answer=answer)
    with consumer(kafka) as client:
        place = TopicPartition("orders", 0)
        assert client.end_offsets([place]) == {place: 7}


def test_a_fault_is_kept_or_dropped(kafka: Broker) -> None:
    kafka.create_topic("orders")
    fault = kafka.faults.fail("Produce", "NOT_ENOUGH_REPLICAS")
    with producer(kafka, retries=0, enable_idempotence=False) as client:
        for _ in range(2):
            with pytest.raises(NotEnoughReplicasError):
                client.send("orders", b"refused").get(10)
        fault.remove()
        client.send("orders", b"taken").get(10)
    assert [record.value for record in kafka.records("orders")] == [b"taken"]


def test_a_request_waits_until_it_is_released(kafka: Broker) -> None:
    kafka.create_topic("orders")
    with kafka.faults.hold("Produce") as fault, producer(kafka) as client:
        sent = client.send("orders", b"held")
        fault.wait()
        assert kafka.records("orders") == []
        assert not sent.is_done
        fault.release()
        assert sent.get(10).offset == 0


def test_a_callback_knows_who_asked_which_broker(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    cluster.partition("orders").leader = 2
    seen: list[Held] = []
    cluster.faults.on("Produce", broker=2)(lambda request: seen.append(request))
    assert send(Producer(librd(cluster, client_id="shop")), "orders", b"1") == [None]
    assert {(each.broker, each.client_id, each.principal) for each in seen} == {(2, "shop", "User:ANONYMOUS")}
    cluster.faults.clear()


def test_errors_come_one_after_the_other(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS")
    assert send(Producer(librd(kafka, enable_idempotence=True)), "orders", b"1") == [None]
    told = [each.errors for each in kafka.requests("Produce")]
    assert told == [["NOT_LEADER_OR_FOLLOWER"], ["REQUEST_TIMED_OUT"], ["NOT_ENOUGH_REPLICAS"], []]
    assert [record.value for record in kafka.records("orders")] == [b"1"]


def test_requests_take_their_time(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.delay("Produce", 60, broker=1, jitter_ms=20, seed=3)
    kafka.faults.install("Fetch", answer_delay_ms=40, times=1)
    assert send(Producer(librd(kafka)), "orders", b"1") == [None]
    assert kafka.requests("Produce")[0].took_ms >= 60
    client = reader(kafka, "orders")
    assert take(client, 1) == [b"1"]
    client.close()
    assert kafka.requests("Fetch")[0].took_ms >= 40


def test_an_error_is_for_one_partition(kafka: Broker) -> None:
    kafka.create_topic("orders", 2)
    kafka.faults.fail("Produce", "TOPIC_AUTHORIZATION_FAILED", topic="ord*", partition=1)
    client = Producer(librd(kafka))
    assert send(client, "orders", b"0", partition=0) == [None]
    (error,) = send(client, "orders", b"1", partition=1)
    assert error is not None
    assert error.name() == "TOPIC_AUTHORIZATION_FAILED"
    assert [(record.partition, record.value) for record in kafka.records("orders")] == [(0, b"0")]


@pytest.mark.parametrize(
    ("when", "failed"),
    [
        ({"times": 1}, [0]),
        ({"nth": 3}, [2]),
        ({"times": 2, "skip": 1}, [1, 2]),
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"probability": 0.5, "seed": 1}, [0, 3, 4, 5]),
    ],
    ids=["once", "nth", "times", "always", "probability"],
)
def test_a_fault_meets_when_it_should(kafka: Broker, when: dict[str, Any], failed: list[int]) -> None:
    kafka.create_topic("orders")
    kafka.faults.fail("Produce", "MESSAGE_TOO_LARGE", client_id="shop", **when)
    client = Producer(librd(kafka, client_id="shop", acks="1"))
    told = [send(client, "orders", b"%d" % number)[0] for number in range(6)]
    assert [number for number, error in enumerate(told) if error is not None] == failed


def test_a_fault_lies_between_two_marks(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.fail("Produce", "MESSAGE_TOO_LARGE", after="from here", until="to here")
    client = Producer(librd(kafka))
    told = []
    for mark in ("before", "from here", "to here"):
        kafka.faults.mark(mark)
        told += send(client, "orders", mark.encode())
    assert [error is None for error in told] == [True, False, True]


def test_a_fault_is_over_after_a_time(kafka: Broker) -> None:
    kafka.create_topic("orders")
    fault = kafka.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", for_ms=100)
    assert send(Producer(librd(kafka)), "orders", b"1") == [None]
    assert (fault.look().used_up, len(fault.hits) >= 1) == (True, True)


def test_records_are_told_apart(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.fail("Produce", "INVALID_RECORD", record_key=b"poison")
    kafka.faults.fail("Produce", "INVALID_RECORD", header="x-poison")
    kafka.faults.fail("Produce", "INVALID_RECORD", where={"acks": 1})
    told = {}

    def sent(name: str, client: Producer, **record: Any) -> None:
        client.produce("orders", on_delivery=lambda error, _: told.update({name: error is None}), **record)
        client.flush(30)

    strict, hasty = Producer(librd(kafka)), Producer(librd(kafka, acks="1"))
    sent("good", strict, value=b"v", key=b"k", headers={"h": b"1"})
    sent("key", strict, value=b"v", key=b"poison")
    sent("header", strict, value=b"v", headers={"x-poison": b"1"})
    sent("field", hasty, value=b"v")
    assert told == {"good": True, "key": False, "header": False, "field": False}


@pytest.mark.parametrize("after", [False, True])
def test_a_commit_is_cut_off(kafka: Broker, after: bool) -> None:
    """Before it is handled nothing has happened; after it the transaction is committed, and only the answer is lost.
    Either way the client asks again, and the records are there once."""
    kafka.create_topic("orders")
    fault = kafka.faults.disconnect("EndTxn", after=after, times=1)
    client = Producer(librd(kafka, transactional_id="tx"))
    client.init_transactions(30)
    client.begin_transaction()
    send(client, "orders", b"paid")
    client.commit_transaction(30)
    assert len(fault.hits) == 1
    assert [record.value for record in kafka.records("orders")] == [b"paid"]
    (ended,) = [each.ended for each in kafka.disconnects() if "EndTxn" in each.ended]
    assert ("the answer to its EndTxn" in ended) == after


def test_one_client_falls_into_a_black_hole(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.blackhole("app-1")
    with producer(kafka, client_id="app-2") as lucky:
        lucky.send("orders", b"2").get(10)
    settings = librd(kafka, client_id="app-1", message_timeout_ms=300, socket_timeout_ms=200)
    (error,) = send(Producer(settings), "orders", b"1")
    assert error is not None
    assert error.name() == "_MSG_TIMED_OUT"


def test_a_connection_is_half_open(kafka: Broker) -> None:
    """The client believes that it is connected. It gives up after its own timeout, and the next connection works."""
    kafka.create_topic("orders")
    client = Producer(librd(kafka, client_id="shop", socket_timeout_ms=300))
    assert send(client, "orders", b"1") == [None]
    assert kafka.half_open(client_id="shop") >= 1
    assert send(client, "orders", b"2") == [None]
    assert [record.value for record in kafka.records("orders")] == [b"1", b"2"]
    assert len(kafka.connections()) > 1


def test_a_client_is_told_to_slow_down(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.install("Produce", throttle_ms=50, times=1)
    throttled = threading.Event()
    client = Producer(librd(kafka) | {"throttle_cb": lambda event: throttled.set()})
    assert send(client, "orders", b"1") == [None]
    while not throttled.is_set():
        client.poll(0.1)
    assert kafka.requests("Produce")[0].response["throttleTimeMs"] == 50


@pytest.mark.parametrize(
    "wound",
    [
        {"truncate": 10},
        {"wrong_correlation_id": True},
        {"duplicate": True},
        {"drip_bytes": 5, "drip_ms": 1},
        {"corrupt": 3},
    ],
    ids=["truncated", "wrong correlation id", "twice", "dripping", "corrupt"],
)
def test_an_answer_is_wounded(kafka: Broker, wound: dict[str, Any]) -> None:
    """What the client cannot read it drops with the connection, and asks again; the record is there once."""
    kafka.create_topic("orders")
    client = Producer(librd(kafka, enable_idempotence=True, socket_timeout_ms=1000))
    assert send(client, "orders", b"0") == [None]
    fault = kafka.faults.install("Produce", times=1, **wound)
    assert send(client, "orders", b"1") == [None]
    assert len(fault.hits) == 1
    assert [record.value for record in kafka.records("orders")] == [b"0", b"1"]


def test_records_come_with_a_broken_checksum(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.produce("orders", "1")
    fault = kafka.faults.install("Fetch", bad_crc=True, times=1)
    client = reader(kafka, "orders", check_crcs=True, enable_partition_eof=False)
    told = []
    while not fault.look().used_up or not told:
        message = client.poll(0.2)
        told += [] if message is None or message.error() is None else [message.error().name()]
    assert told == ["_BAD_MSG"]
    client.close()


def test_a_scenario_is_played(kafka: Broker, tmp_path: Any) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "- topics.create: {name: orders}\n"
        "- records.produce: {topic: orders, records: [{key: k, value: early}]}\n"
        "- faults.install: {match: {api: [Produce]}, when: {times: 1}, effect: {errors: [MESSAGE_TOO_LARGE]}}\n"
        "- clock.freeze: {}\n"
        "- clock.advance: {by: 45s}\n"
    )
    kafka.play(file)
    with consumer(kafka, "orders") as client:
        assert read(client, 1) == [b"early"]
    told = [send(Producer(librd(kafka)), "orders", b"x")[0] for _ in range(2)]
    assert [error is None for error in told] == [False, True]
    assert kafka.clock.now().frozen


def test_what_is_installed_is_listed_with_what_it_hit(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.fail("Produce", "REQUEST_TIMED_OUT", times=1, name="slow disk")
    kafka.faults.hold("Heartbeat", client_id="nobody")
    assert send(Producer(librd(kafka, client_id="shop")), "orders", b"1") == [None]
    first, second = kafka.faults.list()
    assert (first.name, first.used_up, second.hits) == ("slow disk", True, [])
    assert [(hit.api, hit.client_id, hit.done) for hit in first.hits] == [
        ("Produce", "shop", "error REQUEST_TIMED_OUT")
    ]
    assert [each.faults for each in kafka.requests("Produce")] == [["slow disk: error REQUEST_TIMED_OUT"], []]


def test_connections_are_closed_and_say_why(kafka: Broker) -> None:
    kafka.create_topic("orders")
    client = Producer(librd(kafka, client_id="shop"))
    assert send(client, "orders", b"1") == [None]
    assert kafka.disconnect(client_id="shop") >= 1
    assert send(client, "orders", b"2") == [None]
    assert "a test asked for it" in " ".join(each.ended for each in kafka.disconnects())
