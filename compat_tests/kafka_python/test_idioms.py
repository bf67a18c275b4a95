"""The README of kafka-python, in tests: iteration, serializers, listeners, partitioning by key, and its own errors."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.tools import T0, Deadline, need_module, unique, until

need_module("kafka")

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402
from kafka.admin import NewTopic  # noqa: E402
from kafka.errors import (  # noqa: E402
    FencedInstanceIdError,
    MessageSizeTooLargeError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)

from compat_tests.drivers.kafka_python import know_partitions  # noqa: E402

Broker = Process | Outside


def test_produce_and_iterate_with_the_defaults(broker: Broker) -> None:
    """The defaults are idempotent with acks=all: InitProducerId comes first, then an auto-created topic."""
    name = unique("readme")
    with_defaults = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(100):
        with_defaults.send(name, b"some_message_bytes %d" % number)
    with_defaults.flush()
    consumer = KafkaConsumer(
        name, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    seen = []
    for message in consumer:
        seen.append(message.value)
        if len(seen) == 100:
            break
    assert seen == [b"some_message_bytes %d" % number for number in range(100)]
    with_defaults.close()
    consumer.close()


def test_the_broker_looks_like_a_real_release(broker: Broker) -> None:
    """kafka-python infers a broker version from the advertised APIs; what it infers must be a release of today."""
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    version = admin.get_broker_version_data(admin.describe_cluster()["brokers"][0]["broker_id"])
    assert version.broker_version >= (4, 0), version
    admin.close()


def test_serializers_and_keys_choose_partitions_as_on_any_kafka(broker: Broker) -> None:
    name = unique("keys")
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic(name, 5, 1)])
    admin.wait_for_topics([name])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    futures = [
        producer.send(name, json.dumps({"n": number}).encode(), key=b"user-%d" % (number % 7)) for number in range(70)
    ]
    places = {}
    for number, future in enumerate(futures):
        places.setdefault(b"user-%d" % (number % 7), set()).add(future.get(timeout=30).partition)
    assert all(len(partitions) == 1 for partitions in places.values()), "one key, one partition"
    assert producer.partitions_for(name) == {0, 1, 2, 3, 4}
    producer.close()


def test_record_metadata_tells_where_a_record_is(broker: Broker) -> None:
    name = unique("metadata")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=0)
    producer.send(name, b"first").get(timeout=30)
    metadata = producer.send(name, b"second", key=b"k", timestamp_ms=T0 + 123).get(timeout=30)
    assert (metadata.topic, metadata.partition, metadata.offset) == (name, 0, 1)
    assert metadata.timestamp == T0 + 123
    assert (metadata.serialized_key_size, metadata.serialized_value_size) == (1, 6)
    producer.close()


def test_a_message_over_the_brokers_limit_has_the_clients_own_error(broker: Broker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=8 << 20)
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(unique("big"), b"x" * (2 << 20)).get(timeout=30)
    producer.close()


def test_a_topic_that_may_not_be_created_is_an_unknown_topic(broker: Broker) -> None:
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, allow_auto_create_topics=False)
    name = unique("never")
    assert name not in consumer.topics()
    assert not consumer.partitions_for_topic(name)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([name])
    admin.close()
    consumer.close()


def test_without_a_reset_policy_a_bad_offset_is_an_error(broker: Broker) -> None:
    name = unique("range")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(name, b"x").get(timeout=30)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="none", group_id=unique("group"))
    consumer.assign([TopicPartition(name, 0)])
    with pytest.raises(NoOffsetForPartitionError):
        until("the error", lambda: consumer.poll(500))
    consumer.seek(TopicPartition(name, 0), 99)
    with pytest.raises(OffsetOutOfRangeError):
        until("the error", lambda: consumer.poll(500))
    consumer.close(autocommit=False)


def test_auto_commit_and_a_pattern_subscription(broker: Broker) -> None:
    stem, group = unique("pattern"), unique("group")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for suffix in ("a", "b"):
        for number in range(5):
            producer.send(f"{stem}-{suffix}", b"%d" % number)
    producer.flush()
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap, group_id=group, auto_offset_reset="earliest", auto_commit_interval_ms=100
    )
    consumer.subscribe(pattern=f"^{stem}-.*")
    seen: list[Any] = []
    deadline = Deadline("ten records of two topics")
    while len(seen) < 10:
        seen += [record for records in consumer.poll(200).values() for record in records]
        deadline.check()
    assert {record.topic for record in seen} == {f"{stem}-a", f"{stem}-b"}
    consumer.close()  # commits
    again = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group)
    assert [again.committed(TopicPartition(f"{stem}-{suffix}", 0)) for suffix in ("a", "b")] == [5, 5]
    again.close()
    producer.close()


def test_a_second_member_with_the_same_instance_id_fences_the_first(broker: Broker) -> None:
    name, group = unique("static"), unique("group")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(name, b"x").get(timeout=30)
    producer.close()

    def member() -> KafkaConsumer:
        consumer = KafkaConsumer(
            name,
            bootstrap_servers=broker.bootstrap,
            group_id=group,
            group_instance_id="me",
            auto_offset_reset="earliest",
            heartbeat_interval_ms=200,
        )
        know_partitions(consumer, name)
        return consumer

    first = member()
    until("the first has its record", lambda: first.poll(200))
    second = member()
    until("the second has its record", lambda: second.poll(200))
    with pytest.raises(FencedInstanceIdError):
        deadline = Deadline("the first being fenced")
        while True:
            first.poll(200)
            deadline.check()
    second.close(autocommit=False)
    first.close(autocommit=False)


DYING = """
import sys
from kafka import KafkaConsumer
consumer = KafkaConsumer(sys.argv[2], bootstrap_servers=sys.argv[1], group_id=sys.argv[3], session_timeout_ms=6000,
                         heartbeat_interval_ms=500)
consumer.partitions_for_topic(sys.argv[2])
while True:
    consumer.poll(200)
    if consumer.assignment():
        print("assigned", flush=True)
"""


def test_a_member_that_dies_is_missed_after_its_session(broker: Broker) -> None:
    """A process that is killed sends no LeaveGroup: its partition is free when the session timeout (6 s) has passed."""
    name, group = unique("dying"), unique("group")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(name, b"x").get(timeout=30)
    producer.close()
    command = [sys.executable, "-c", DYING, broker.bootstrap, name, group]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"assigned\n"
        dying.kill()
    heir = KafkaConsumer(name, bootstrap_servers=broker.bootstrap, group_id=group, auto_offset_reset="earliest")
    know_partitions(heir, name)
    until("the heir has the partition and its record", lambda: heir.poll(200))
    assert heir.assignment() == {TopicPartition(name, 0)}
    heir.close(autocommit=False)


def test_a_producer_brings_a_deleted_topic_back_and_goes_on(broker: Broker) -> None:
    """Producers refresh the metadata of every topic they ever wrote to, with auto-creation on."""
    name = unique("again")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=False, metadata_max_age_ms=300)
    producer.send(name, b"before").get(timeout=30)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    before = admin.describe_topics([name])[0]["topic_id"]
    admin.delete_topics([name])
    assert producer.send(name, b"after").get(timeout=60).offset == 0
    assert admin.describe_topics([name])[0]["topic_id"] != before
    admin.close()
    producer.close()
