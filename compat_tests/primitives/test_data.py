"""Topics, records, disks, time, and beginning anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from compat_tests.primitives.clients import consumer, librd, read, reader, send, take
from compat_tests.tools import Deadline, need_module
from kbroker.testing import Broker


def test_topics_and_records_are_made_behind_the_wire(kafka: Broker) -> None:
    kafka.create_topic("orders", 1, configs={"retention.ms": 1000})
    kafka.produce("orders", "0", "1", "2")
    kafka.delete_records("orders", 0, before=2)
    with consumer(kafka, "orders") as client:
        assert read(client, 1) == [b"2"]
    kafka.grow_topic("orders", 3)
    kafka.configure_topic("orders", {"max.message.bytes": 100})
    admin = AdminClient(librd(kafka))
    assert len(admin.list_topics("orders", timeout=30).topics["orders"].partitions) == 3
    (error,) = send(Producer(librd(kafka)), "orders", b"x" * 1000)
    assert error is not None
    assert error.name() == "MSG_SIZE_TOO_LARGE"
    kafka.delete_topic("orders")
    assert "orders" not in admin.list_topics(timeout=30).topics


def test_a_topic_is_compacted_now(kafka: Broker) -> None:
    kafka.create_topic("state", configs={"cleanup.policy": "compact"})
    for value in ("1", "2", "3"):
        kafka.produce("state", value, key="k")
    kafka.compact("state")
    with consumer(kafka, "state") as client:
        assert read(client, 1) == [b"3"]


def test_retention_is_applied_now(kafka: Broker) -> None:
    kafka.create_topic("orders", configs={"retention.ms": 60_000})
    kafka.produce("orders", "old")
    kafka.clock.freeze()
    kafka.clock.advance("2m")
    kafka.apply_retention("orders")
    kafka.produce("orders", "new")
    with consumer(kafka, "orders") as client:
        assert read(client, 1) == [b"new"]


def test_everything_can_be_looked_at(kafka: Broker) -> None:
    kafka.create_topic("orders")
    client = Producer(librd(kafka, transactional_id="tx", client_id="shop"))
    client.init_transactions(30)
    client.begin_transaction()
    send(client, "orders", b"1")
    state = kafka.state()
    (partition,) = state.topics[0].partitions
    assert (partition.high_watermark, partition.last_stable_offset, partition.open_transactions) == (1, 0, 1)
    assert (state.transactions[0].state, "rdkafka" in state.connections[0].software) == ("Ongoing", True)
    client.abort_transaction(30)
    assert kafka.transaction("tx").state == "CompleteAbort"
    assert (kafka.records("orders"), len(kafka.records("orders", read_committed=False))) == ([], 1)


def test_a_disk_is_full(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.disk_full()
    (error,) = send(Producer(librd(kafka, message_timeout_ms=300)), "orders", b"1")
    assert error is not None
    kafka.disk_full(False)
    assert send(Producer(librd(kafka)), "orders", b"2") == [None]
    assert kafka.requests("Produce", failed=True)[0].errors == ["KAFKA_STORAGE_ERROR"]


def test_a_disk_is_slow(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.slow_disk(50)
    assert send(Producer(librd(kafka)), "orders", b"1") == [None]
    assert kafka.requests("Produce")[0].took_ms >= 50


@pytest.mark.parametrize("fsync", [False, True])
def test_a_crash_loses_what_was_not_synced(tmp_path: Path, fsync: bool) -> None:
    with Broker(data=tmp_path, kbroker_fsync=fsync, topics=["orders"]) as kafka:
        client = Producer(librd(kafka))
        assert send(client, "orders", b"1") == [None]
        lost = kafka.crash()
        kept = [record.value for topic in kafka.topics() for record in kafka.records(topic.name)]
        assert (kept, lost > 0) == (([b"1"], False) if fsync else ([], True))
        bootstrap = kafka.bootstrap
        kafka.create_topic("after")
        assert send(client, "after", b"2") == [None]
        assert kafka.bootstrap == bootstrap


def test_time_is_moved(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.clock.freeze()
    client = reader(kafka, "orders", session_timeout_ms=45_000, client_id="slow")
    kafka.produce("orders", "1")
    assert take(client, 1) == [b"1"]
    with kafka.faults.blackhole("slow"):
        done = kafka.clock.advance("46s")
    assert any("SessionExpired" in event.what for event in done.fired)
    assert kafka.wait_empty("g").members == []
    kafka.clock.auto(pace=60)
    client.close()


def test_a_producer_id_expires(house: Broker) -> None:
    kafka = house.another({"producer.id.expiration.ms": 60_000, "producer.id.expiration.check.interval.ms": 10_000})
    kafka.create_topic("orders")
    client = Producer(librd(kafka, enable_idempotence=True))
    assert send(client, "orders", b"1") == [None]
    assert kafka.partition("orders").look().producers == 1
    kafka.clock.freeze()
    kafka.clock.advance("1h")
    assert send(client, "orders", b"2") == [None]
    assert [record.value for record in kafka.records("orders")] == [b"1", b"2"]
    kafka.close()


def test_brokers_come_and_go(house: Broker) -> None:
    one, two = house.another(), house.another()
    assert send(Producer(librd(one)), "orders", b"1") == [None]
    assert (len(one.topics()), len(two.topics()), one.cluster_id != two.cluster_id) == (1, 0, True)
    one.close()
    (error,) = send(Producer(librd(one, message_timeout_ms=300)), "orders", b"2")
    assert error is not None
    two.close()


def test_everything_is_forgotten(kafka: Broker) -> None:
    client = Producer(librd(kafka))
    assert send(client, "orders", b"1") == [None]
    bootstrap = kafka.bootstrap
    kafka.reset()
    assert (kafka.topics(), kafka.bootstrap) == ([], bootstrap)
    kafka.create_topic("orders")
    assert send(client, "orders", b"2") == [None]
    assert [record.value for record in kafka.records("orders")] == [b"2"]


def test_what_was_kept_comes_back(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.produce("orders", "1", "2")
    client = reader(kafka, "orders", enable_auto_commit=False)
    assert take(client, 1) == [b"1"]
    client.commit(offsets=[TopicPartition("orders", 0, 1)], asynchronous=False)
    client.close()
    kept = kafka.snapshot()
    kafka.produce("orders", "3")
    kafka.restore(kept)
    again = reader(kafka, "orders")
    assert take(again, 1) == [b"2"]
    again.close()
    kafka.forget_snapshot(kept)


def test_users_and_rights_are_arguments() -> None:
    need_module("kbroker")
    users, acls = {"alice": "secret", "bob": "secret"}, [("User:alice", "ALL", "TOPIC", "orders*")]
    with Broker(sasl="SCRAM-SHA-512", users=users, acls=acls) as kafka:
        alice = Producer(kafka.client_config("confluent", user="alice"))
        assert send(alice, "orders", b"1") == [None]
        (error,) = send(Producer(kafka.client_config("confluent", user="bob")), "orders", b"2")
        assert error is not None
        assert error.name() == "TOPIC_AUTHORIZATION_FAILED"
        kafka.allow("User:bob", "WRITE", "TOPIC", "orders")
        deadline = Deadline("bob may write")
        while send(Producer(kafka.client_config("confluent", user="bob")), "orders", b"3") != [None]:
            deadline.check()
