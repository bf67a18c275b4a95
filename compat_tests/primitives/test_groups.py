"""Groups, transactions and their coordinators in a test's hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from compat_tests.primitives.clients import consumer, librd, producer, read, reader, send, take
from compat_tests.tools import Deadline
from kbroker.testing import Broker, Cluster

BOTH = pytest.mark.parametrize("protocol", ["classic", "consumer"])


def polled(until: Callable[[], Any], *clients: Consumer) -> Any:
    """Poll all of them until something is true."""
    deadline = Deadline("what the clients were polled for")
    while not (found := until()):
        for client in clients:
            client.poll(0.05)
        deadline.check()
    return found


def given(client: Consumer) -> list[tuple[str, int]]:
    return sorted((place.topic, place.partition) for place in client.assignment())


@BOTH
def test_an_assignment_is_forced(kafka: Broker, protocol: str) -> None:
    kafka.create_topic("orders", 4)
    one = reader(kafka, "orders", group_protocol=protocol, client_id="one")
    two = reader(kafka, "orders", group_protocol=protocol, client_id="two")
    polled(lambda: len(given(one)) == len(given(two)) == 2, one, two)
    kafka.assign("g", {"one": {"orders": [0, 1, 3]}, "two": {"orders": [2]}})
    polled(lambda: (len(given(one)), len(given(two))) == (3, 1), one, two)
    assert given(one) == [("orders", 0), ("orders", 1), ("orders", 3)]
    assert given(two) == [("orders", 2)]
    for number in range(4):
        kafka.produce("orders", f"{number}", partition=number)
    assert sorted(take(one, 3)) == [b"0", b"1", b"3"], "and each reads what it was given"
    assert take(two, 1) == [b"2"]
    one.close()
    two.close()


@BOTH
def test_a_group_rebalances_now(kafka: Broker, protocol: str) -> None:
    kafka.create_topic("orders", 2)
    client = reader(kafka, "orders", group_protocol=protocol, client_id="one")
    polled(lambda: len(given(client)) == 2, client)
    before = kafka.wait_assigned("g")
    kafka.rebalance("g")

    def again() -> bool:
        group = kafka.group("g")
        return group.state == "Stable" and group.epoch > before.epoch and group.members[0].epoch == group.epoch

    polled(again, client)
    assert len(given(client)) == 2
    client.close()


@BOTH
def test_a_member_is_put_out_and_comes_back(kafka: Broker, protocol: str) -> None:
    kafka.create_topic("orders")
    client = reader(kafka, "orders", group_protocol=protocol, client_id="one")
    polled(lambda: given(client), client)
    before = kafka.wait_assigned("g")
    assert kafka.evict("g", "one").members == []
    polled(lambda: (group := kafka.group("g")).members and group.state == "Stable", client)
    assert kafka.group("g").epoch > before.epoch
    client.close()


def test_a_coordinator_moves_and_the_group_goes_on(cluster: Cluster) -> None:
    cluster.create_topic("orders")
    client = reader(cluster, "orders", enable_auto_commit=False)
    cluster.produce("orders", "1")
    assert take(client, 1) == [b"1"]
    before = cluster.coordinator(group="g").leader
    after = cluster.move_coordinator(group="g").leader
    assert before != after
    cluster.produce("orders", "2")
    assert take(client, 1) == [b"2"]
    polled(lambda: _committed(client), client)
    assert cluster.group("g").coordinator == after
    assert "NOT_COORDINATOR" in {name for each in cluster.requests(failed=True) for name in each.errors}
    client.close()


def _committed(client: Consumer) -> bool:
    try:
        client.commit(asynchronous=False)
    except KafkaException:
        return False
    return True


def test_the_only_broker_loses_a_coordinator_and_has_it_again(kafka: Broker) -> None:
    kafka.create_topic("orders")
    client = Producer(librd(kafka, transactional_id="tx"))
    client.init_transactions(30)
    kafka.lose_coordinator(transactional_id="tx")
    kafka.move_coordinator(transactional_id="tx")
    client.begin_transaction()
    send(client, "orders", b"1")
    client.commit_transaction(30)
    assert kafka.transaction("tx").state == "CompleteCommit"


@pytest.mark.parametrize("error", ["COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE"])
def test_a_coordinator_is_loading(kafka: Broker, error: str) -> None:
    kafka.create_topic("orders")
    kafka.produce("orders", "1")
    fault = kafka.faults.loading(group="g", error=error, for_ms=200)
    client = consumer(kafka, "orders", group_id="g")
    assert read(client, 1) == [b"1"]
    client.close()
    assert fault.hits[0].done == f"error {error}"


def test_offsets_are_unstable(kafka: Broker) -> None:
    """The reader of committed records waits for the transaction that may move its offset."""
    kafka.create_topic("orders")
    kafka.produce("orders", "1", "2")
    first = reader(kafka, "orders", enable_auto_commit=False)
    assert take(first, 1) == [b"1"]
    first.commit(offsets=[TopicPartition("orders", 0, 1)], asynchronous=False)
    first.close()
    fault = kafka.faults.unstable_offsets("g", "orders", times=2)
    second = reader(kafka, "orders", isolation_level="read_committed")
    assert take(second, 1) == [b"2"]
    second.close()
    assert [hit.done for hit in fault.hits] == ["error UNSTABLE_OFFSET_COMMIT"] * 2


def test_epochs_are_used_up_and_another_producer_id_comes(kafka: Broker) -> None:
    kafka.create_topic("orders")
    last = kafka.use_up_epochs("tx", left=1)
    for number in range(3):
        client = Producer(librd(kafka, transactional_id="tx"))
        client.init_transactions(30)
        client.begin_transaction()
        send(client, "orders", b"%d" % number)
        client.commit_transaction(30)
    now = kafka.transaction("tx")
    assert (now.producer_id != last.producer_id, now.epoch < 10) == (True, True)
    assert [record.value for record in kafka.records("orders")] == [b"0", b"1", b"2"]


def test_group_timings_are_configs(house: Broker) -> None:
    configs = {"group.consumer.heartbeat.interval.ms": 234, "group.initial.rebalance.delay.ms": 50}
    kafka = house.another(configs)
    kafka.create_topic("orders")
    client = reader(kafka, "orders", group_protocol="consumer")
    polled(lambda: given(client), client)
    (told, *_) = kafka.requests("ConsumerGroupHeartbeat")
    assert told.response is not None
    assert told.response["heartbeatIntervalMs"] == 234
    kafka.configure_group("g", {"consumer.heartbeat.interval.ms": 345})
    mark = kafka.mark()
    polled(
        lambda: [
            each
            for each in kafka.requests("ConsumerGroupHeartbeat", since=mark)
            if each.response and each.response["heartbeatIntervalMs"] == 345
        ],
        client,
    )
    client.close()
    kafka.close()


def test_share_groups_have_their_knobs(kafka: Broker) -> None:
    """A record whose lock has run out goes to another member."""
    confluent = pytest.importorskip("confluent_kafka")
    if not hasattr(confluent, "ShareConsumer"):
        pytest.skip("this confluent-kafka has no share consumer")
    kafka.create_topic("orders")
    kafka.configure_group("s", {"share.auto.offset.reset": "earliest", "share.record.lock.duration.ms": 15_000})
    kafka.produce("orders", "1")
    settings = librd(kafka, group_id="s", share_acknowledgement_mode="explicit")

    def member(name: str) -> Any:
        one = confluent.ShareConsumer(settings | {"client.id": name})
        one.subscribe(["orders"])
        return one

    def taken(one: Any) -> list[bytes]:
        deadline = Deadline("a record for the share group")
        while not (found := [each.value() for each in one.poll(0.2) if each.error() is None]):
            deadline.check()
        return found

    kafka.clock.freeze()
    slow = member("slow")
    assert taken(slow) == [b"1"]
    assert [each.client_id for each in kafka.group("s").members] == ["slow"]
    quick = member("quick")
    waiting = threading.Thread(target=lambda: found.extend(taken(quick)), daemon=True)
    found: list[bytes] = []
    waiting.start()
    kafka.wait_requests("ShareFetch", 1, client_id="quick")
    kafka.clock.advance("16s", keep_members=True)
    waiting.join(60)
    assert found == [b"1"]
    kafka.clock.auto()
    quick.close()
    slow.close()


def test_waiting_says_what_was_seen(kafka: Broker) -> None:
    kafka.create_topic("orders", 2)
    kafka.produce("orders", "1")
    client = consumer(kafka, "orders", group_id="g", client_id="one")
    assert read(client, 1) == [b"1"]
    client.commit()
    assert kafka.wait_assigned("g").members[0].client_id == "one"
    assert [each.lag for each in kafka.wait_consumed("g", "orders")] == [0, 0]
    client.close()
    assert kafka.wait_empty("g").members == []
    with producer(kafka) as other:
        other.send("orders", b"2")
        assert len(kafka.wait_records("orders", 2)) == 2
