"""What clients did, which versions they may use, what they push."""

from __future__ import annotations

import asyncio

from confluent_kafka import Producer

from compat_tests.primitives.clients import consumer, librd, producer, read, reader, send, take
from compat_tests.tools import Deadline
from kbroker.testing import Broker


def test_requests_are_remembered_decoded(kafka: Broker) -> None:
    kafka.create_topic("orders")
    mark = kafka.mark()
    assert send(Producer(librd(kafka, client_id="shop")), "orders", b"1") == [None]
    (request,) = kafka.requests("Produce", client_id="shop", since=mark)
    assert (request.request["acks"], request.errors) == (-1, [])
    assert kafka.requests("Produce", client_id="nobody") == []
    assert len(kafka.frames(mark)) >= len(kafka.requests(since=mark)) > 1
    kafka.forget_requests()
    assert kafka.requests("Produce") == []


def test_one_can_wait_for_a_request(kafka: Broker) -> None:
    async def body() -> None:
        waiting = asyncio.ensure_future(kafka.wait_requests.aio("Produce", 2, client_id="shop", timeout=30))
        client = Producer(librd(kafka, client_id="shop"))
        await asyncio.to_thread(send, client, "orders", b"1")
        await asyncio.to_thread(send, client, "orders", b"2")
        assert len(await waiting) == 2

    asyncio.run(asyncio.wait_for(body(), 60))


def test_a_client_is_given_fewer_versions(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.limit_versions("Produce", 5)
    kafka.limit_versions("Fetch", 6)
    with producer(kafka) as client:
        client.send("orders", b"1").get(10)
    with consumer(kafka, "orders") as other:
        assert read(other, 1) == [b"1"]
    assert {each.version for each in kafka.requests("Produce")} == {5}
    assert {each.version for each in kafka.requests("Fetch")} == {6}


def test_an_older_release_is_emulated(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.emulate("2.8")
    client = reader(kafka, "orders")
    assert send(Producer(librd(kafka)), "orders", b"1") == [None]
    assert take(client, 1) == [b"1"]
    client.close()
    assert max(each.version for each in kafka.requests("Produce")) <= 9
    assert max(each.version for each in kafka.requests("Fetch")) <= 12
    kafka.serve_all_versions()


def test_a_version_that_is_gone_is_named_in_the_log(kafka: Broker) -> None:
    """Connected before, the client goes on with what it was told then."""
    kafka.create_topic("orders")
    client = Producer(librd(kafka, client_id="shop", message_timeout_ms=500))
    assert send(client, "orders", b"1") == [None]
    kafka.limit_versions("Produce", 3)
    kafka.limit_versions("ApiVersions", 2)
    send(client, "orders", b"2")
    text = " ".join(line.text for line in kafka.log("WARNING"))
    assert "shop" in text
    assert "rdkafka-" in text
    assert "Produce v" in text
    assert "to v3 are supported" in text


def test_metrics_are_asked_for_and_pushed(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.request_metrics("org.apache.kafka.producer.", interval_ms=200)
    client = Producer(librd(kafka, client_id="shop", enable_metrics_push=True))
    assert send(client, "orders", b"1") == [None]
    deadline = Deadline("a push of metrics")
    while not (pushed := [push for push in kafka.pushed_metrics("shop") if push.metrics]):
        client.poll(0.1)
        deadline.check()
    assert all(metric.name.startswith("org.apache.kafka.producer.") for metric in pushed[0].metrics)
    kafka.request_metrics()
