"""The three libraries, with the few settings that let a test be short: they retry soon."""

from __future__ import annotations

from typing import Any

from compat_tests.tools import Deadline, need_module
from kbroker.testing import Broker

for library in ("kafka", "aiokafka", "confluent_kafka"):
    need_module(library)

from confluent_kafka import Consumer, KafkaError, Producer  # noqa: E402
from kafka import KafkaConsumer, KafkaProducer  # noqa: E402

SOON = {"retry_backoff_ms": 10, "reconnect_backoff_ms": 10}


def producer(kafka: Broker, **configs: Any) -> KafkaProducer:
    """kafka-python's."""
    return KafkaProducer(bootstrap_servers=kafka.bootstrap, **(SOON | configs))


def consumer(kafka: Broker, *topics: str, **configs: Any) -> KafkaConsumer:
    """kafka-python's, from the beginning."""
    usual = {"auto_offset_reset": "earliest", "heartbeat_interval_ms": 100, "session_timeout_ms": 6000}
    return KafkaConsumer(*topics, bootstrap_servers=kafka.bootstrap, **(SOON | usual | configs))


def read(client: KafkaConsumer, count: int) -> list[bytes]:
    """So many values of kafka-python's consumer."""
    values: list[bytes] = []
    deadline = Deadline(f"{count} records")
    while len(values) < count:
        values += [record.value for records in client.poll(timeout_ms=1000).values() for record in records]
        deadline.check(f"(there are {values})")
    return values


def librd(kafka: Broker, **configs: Any) -> dict[str, Any]:
    """Settings of librdkafka; dots for underscores."""
    usual = {
        "bootstrap.servers": kafka.bootstrap,
        "retry.backoff.ms": 10,
        "reconnect.backoff.ms": 10,
        "reconnect.backoff.max.ms": 50,
        "topic.metadata.refresh.fast.interval.ms": 20,
        "log_level": 0,
    }
    return usual | {name.replace("_", "."): value for name, value in configs.items()}


def send(client: Producer, topic: str, *values: bytes, partition: int = 0) -> list[KafkaError | None]:
    """Errors of the deliveries, in their order."""
    told: list[KafkaError | None] = []
    for value in values:
        client.produce(topic, value, partition=partition, on_delivery=lambda error, _: told.append(error))
    assert client.flush(60) == 0, "what was sent is still on its way"
    return told


def reader(kafka: Broker, *topics: str, **configs: Any) -> Consumer:
    """librdkafka's, from the beginning, in a group."""
    usual = {"group_id": "g", "auto_offset_reset": "earliest", "heartbeat_interval_ms": 100}
    if configs.get("group_protocol") == "consumer":
        del usual["heartbeat_interval_ms"]  # the broker says it
    client = Consumer(librd(kafka, **(usual | configs)))
    client.subscribe(list(topics))
    return client


def take(client: Consumer, count: int) -> list[bytes]:
    """So many values of librdkafka's consumer, whatever errors it tells of meanwhile."""
    values: list[bytes] = []
    deadline = Deadline(f"{count} records")
    while len(values) < count:
        message = client.poll(0.2)
        if message is not None and message.error() is None:
            values.append(message.value())
        deadline.check(f"(there are {values})")
    return values
