"""Things that are hard to test against Kafka, each as short as it is with a test broker. Read them as documentation:
`kafka` is a broker for one test, from the pytest plugin; the clients are kafka-python's own.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CommitFailedError, CorruptRecordError, KafkaError, KafkaStorageError, KafkaTimeoutError

from kbroker.testing import Broker, Cluster


def producer(kafka: Broker, **configs: Any) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=kafka.bootstrap, retry_backoff_ms=10, reconnect_backoff_ms=10, **configs)


def consumer(kafka: Broker, *topics: str, **configs: Any) -> KafkaConsumer:
    usual = {"auto_offset_reset": "earliest", "reconnect_backoff_ms": 10, "retry_backoff_ms": 10}
    return KafkaConsumer(*topics, bootstrap_servers=kafka.bootstrap, **(usual | configs))


def read(client: KafkaConsumer, count: int) -> list[bytes]:
    """So many values, in the order in which they come."""
    values: list[bytes] = []
    while len(values) < count:
        values += [record.value for records in client.poll(timeout_ms=5000).values() for record in records]
    return values


def join(client: KafkaConsumer) -> None:
    """Poll, which is how a member joins its group, until it has partitions. Metadata first: without any, kafka-python
    as a group's leader may give nobody anything, and not join again."""
    for topic in client.subscription() or ():
        client.partitions_for_topic(topic)
    while not client.assignment():
        client.poll(timeout_ms=100)


def test_a_retry_after_a_lost_answer_makes_no_duplicate(kafka: Broker) -> None:
    """The batch is written, and the connection breaks before the answer: the producer must send it again, and Kafka
    must not write it again."""
    kafka.faults.disconnect("Produce", after=True, times=1)
    with producer(kafka, enable_idempotence=True) as client:
        client.send("orders", b"only once").get(30)
    assert [record.value for record in kafka.records("orders")] == [b"only once"]
    assert len(kafka.requests("Produce")) == 2


def test_a_retry_after_an_error_keeps_the_order(kafka: Broker) -> None:
    kafka.create_topic("orders")
    kafka.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", topic="orders")
    with producer(kafka, enable_idempotence=True, linger_ms=0) as client:
        for number in range(10):
            client.send("orders", b"%d" % number)
        client.flush()
    assert [record.value for record in kafka.records("orders")] == [b"%d" % number for number in range(10)]


def test_who_works_too_long_may_not_commit(kafka: Broker) -> None:
    """A consumer loses its partitions in the middle of its work: what it commits then must fail."""
    kafka.create_topic("orders")
    kafka.produce("orders", "slow work")
    kafka.clock.freeze()
    with consumer(kafka, "orders", group_id="workers", enable_auto_commit=False) as client:
        kafka.faults.install("Heartbeat", hold=True)  # as if the process stood still
        assert read(client, 1) == [b"slow work"]
        kafka.clock.advance("46s")
        assert kafka.wait_empty("workers").members == []
        with pytest.raises(CommitFailedError):
            client.commit()
        kafka.faults.clear()
    assert kafka.group("workers").offsets == []


def test_a_rebalance_in_the_middle_of_the_work_gives_it_to_somebody_else(kafka: Broker) -> None:
    """A second worker comes while the first one is busy and does not poll. The group waits for it as long as it may
    take between two polls, and goes on without it: its work is done again, and its commit must fail."""
    kafka.create_topic("orders")
    kafka.produce("orders", "slow work")
    kafka.clock.freeze()
    usual = {"group_id": "workers", "enable_auto_commit": False, "max_poll_interval_ms": 60_000}
    with consumer(kafka, "orders", **usual) as first, consumer(kafka, "orders", **usual) as second:
        assert read(first, 1) == [b"slow work"]
        with ThreadPoolExecutor(1) as other:
            again = other.submit(read, second, 1)
            while kafka.group("workers").state != "PreparingRebalance":
                continue
            kafka.clock.advance("61s", keep_members=True)
            assert again.result(30) == [b"slow work"]
        with pytest.raises(CommitFailedError):
            first.commit()
        second.commit()
    assert [offset.offset for offset in kafka.group("workers").offsets] == [1]


def test_leaders_move_under_load_and_nothing_is_lost(kafka_cluster: Cluster) -> None:
    """Leaders move and a broker dies while a producer writes: it finds the new leaders, in order and without a gap."""
    kafka_cluster.create_topic("orders", 3)
    count = 300
    with producer(kafka_cluster, acks="all", enable_idempotence=True, batch_size=500) as client:
        for number in range(count):
            client.send("orders", b"%d" % number, partition=number % 3)
            if number % 100 == 50:
                kafka_cluster.wait_records("orders", number // 2)
                kafka_cluster.shuffle_leaders(seed=number)
            if number == 200:
                kafka_cluster[2].kill()
        client.flush(60)
        kafka_cluster[2].start()
    for partition in range(3):
        found = [int(record.value) for record in kafka_cluster.records("orders", partition=partition)]
        assert found == list(range(partition, count, 3))
    assert kafka_cluster.requests("Produce", failed=True), "it has met brokers that do not lead any more"


def test_a_session_ends_without_waiting_for_it(kafka: Broker) -> None:
    """The network swallows a member's heartbeats. Its session ends, and it finds its way back."""
    kafka.create_topic("orders", partitions=2)
    kafka.clock.freeze()
    with consumer(kafka, "orders", group_id="workers", client_id="app", heartbeat_interval_ms=100) as client:
        join(client)
        assert len(kafka.wait_assigned("workers").members[0].assigned) == 2
        with kafka.faults.blackhole("app"):
            fired = kafka.clock.advance("46s").fired
            assert [event for event in fired if event.what.startswith("SessionExpired") and "app" in event.what]
            assert kafka.wait_empty("workers").members == []
        kafka.produce("orders", "after all", partition=1)
        assert read(client, 1) == [b"after all"]


def test_a_transaction_is_fenced_between_send_and_commit(kafka: Broker) -> None:
    """Another process takes over the transactional id: the first one's transaction must come to nothing."""
    first = producer(kafka, transactional_id="payments")
    first.init_transactions()
    first.begin_transaction()
    first.send("payments", b"of the zombie").get(30)
    second = producer(kafka, transactional_id="payments")
    second.init_transactions()
    with pytest.raises(KafkaError):
        first.commit_transaction()
    second.begin_transaction()
    second.send("payments", b"of the new one").get(30)
    second.commit_transaction()
    assert [record.value for record in kafka.records("payments")] == [b"of the new one"]
    assert b"of the zombie" in [record.value for record in kafka.records("payments", read_committed=False)]
    first.close(timeout=0)
    second.close()


def test_a_forgotten_transaction_holds_up_readers_until_its_time_is_over(kafka: Broker) -> None:
    kafka.clock.freeze()
    forgetful = producer(kafka, transactional_id="forgetful", transaction_timeout_ms=60_000)
    forgetful.init_transactions()
    forgetful.begin_transaction()
    forgetful.send("payments", b"never decided").get(30)
    kafka.produce("payments", "behind it")
    assert kafka.records("payments") == [], "a reader of committed records sees nothing behind an open transaction"
    kafka.clock.advance("61s")
    kafka.wait_transaction("forgetful", "CompleteAbort")
    assert [record.value for record in kafka.records("payments")] == [b"behind it"]
    forgetful.close(timeout=0)


def test_a_poison_record_is_put_aside(kafka: Broker) -> None:
    """What cannot be read goes to a topic of its own, and the consumer goes on."""
    kafka.produce("numbers", "1", b"\xff", "3")
    total, poison = 0, kafka.name("numbers.poison")
    with consumer(kafka, "numbers", group_id="sum") as client, producer(kafka) as aside:
        for value in read(client, 3):
            try:
                total += int(value)
            except ValueError:
                aside.send(poison, value).get(30)
        client.commit()
    assert total == 4
    assert [record.value for record in kafka.wait_records(poison)] == [b"\xff"]
    kafka.wait_consumed("sum", "numbers")


def test_a_full_disk_is_an_error_of_the_producer_and_heals(kafka: Broker) -> None:
    kafka.create_topic("orders")
    with producer(kafka, enable_idempotence=False, retries=2) as client:
        client.send("orders", b"before").get(30)
        kafka.disk_full()
        with pytest.raises((KafkaStorageError, KafkaTimeoutError)):
            client.send("orders", b"lost").get(30)
        kafka.disk_full(False)
        client.send("orders", b"after").get(30)
    assert [record.value for record in kafka.records("orders")] == [b"before", b"after"]


def test_a_client_lives_with_an_older_broker(kafka: Broker) -> None:
    kafka.emulate("2.8")
    with producer(kafka) as client:
        client.send("orders", b"old").get(30)
    with consumer(kafka, "orders", group_id="g") as client:
        assert read(client, 1) == [b"old"]
    assert max(request.version for request in kafka.requests("Fetch")) <= 12


def test_a_broken_checksum_is_noticed(kafka: Broker) -> None:
    kafka.produce("orders", "1")
    with consumer(kafka, check_crcs=True) as client:
        client.assign([TopicPartition("orders", 0)])
        kafka.faults.install("Fetch", bad_crc=True)
        with pytest.raises(CorruptRecordError):
            read(client, 1)


def test_what_the_client_really_sends(kafka: Broker) -> None:
    with producer(kafka, client_id="shop", acks=1, compression_type="gzip") as client:
        client.send("orders", b"x" * 1000).get(30)
    (request,) = kafka.requests("Produce", client_id="shop")
    assert request.request["acks"] == 1
    assert len(request.request["topicData"][0]["partitionData"][0]["records"]) < 300


def test_a_producer_stays_open_through_a_reset(kafka: Broker) -> None:
    with producer(kafka, enable_idempotence=True) as client:
        client.send("orders", b"of the first test").get(30)
        kafka.reset()
        assert kafka.topics() == []
        kafka.create_topic("orders")
        client.send("orders", b"of the second test").get(30)
    assert [record.value for record in kafka.records("orders")] == [b"of the second test"]


def test_a_state_is_kept_and_brought_back(kafka: Broker) -> None:
    """Set up once what takes long; each case begins from there."""
    kafka.produce("orders", "1", "2", "3")
    prepared = kafka.snapshot()
    for case in ("a", "b"):
        kafka.produce("orders", case)
        assert [record.value for record in kafka.records("orders")] == [b"1", b"2", b"3", case.encode()]
        kafka.restore(prepared)
    assert [record.value for record in kafka.records("orders")] == [b"1", b"2", b"3"]


def test_a_week_of_retention_in_a_moment(kafka: Broker) -> None:
    kafka.create_topic("orders", configs={"retention.ms": 7 * 24 * 3600 * 1000, "segment.ms": 24 * 3600 * 1000})
    kafka.clock.freeze()
    kafka.produce("orders", "old")
    kafka.clock.advance("6d")
    kafka.produce("orders", "young")
    kafka.clock.advance("2d")
    assert [record.value for record in kafka.records("orders")] == [b"young"]
    with consumer(kafka, "orders", group_id="g") as client:
        assert read(client, 1) == [b"young"]


def test_a_changelog_is_compacted(kafka: Broker) -> None:
    kafka.create_topic("prices", configs={"cleanup.policy": "compact"})
    for price in ("1", "2", "3"):
        kafka.produce("prices", price, key="tea")
    kafka.produce("prices", None, key="coffee")
    kafka.compact("prices")
    assert {record.key: record.value for record in kafka.records("prices")} == {b"tea": b"3", b"coffee": None}
    assert len(kafka.records("prices")) == 2


def test_a_function_of_the_test_decides(kafka: Broker) -> None:
    seen = []

    @kafka.faults.on("Produce", times=1)
    def first_time(request: Any) -> str:
        seen.append(request.client_id)
        return "NOT_ENOUGH_REPLICAS"

    with producer(kafka, client_id="shop") as client:
        client.send("orders", b"1").get(30)
    assert seen == ["shop"]
    assert (first_time.problems, len(first_time.hits)) == ([], 1)
    assert [request.errors for request in kafka.requests("Produce")] == [["NOT_ENOUGH_REPLICAS"], []]


async def _race(kafka: Broker) -> list[bytes | None]:
    waiting = kafka.wait_records.aio("orders", 1)
    await kafka.produce.aio("orders", "1")
    return [record.value for record in await waiting]


def test_everything_can_be_awaited(kafka: Broker) -> None:
    import asyncio

    assert asyncio.run(_race(kafka)) == [b"1"]
    assert [record.value for record in kafka.records("orders")] == [b"1"], "and asked without a loop it is the same"


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_doubled_in_chaos(kafka: Broker, seed: int) -> None:
    """An idempotent producer and a consumer, while a tenth of all requests meets something."""
    kafka.create_topic("orders")
    kafka.faults.chaos(seed, level=2)
    sent = [b"%d" % number for number in range(200)]
    with producer(kafka, enable_idempotence=True, batch_size=200) as client:
        for value in sent:
            client.send("orders", value)
        client.flush(60)
    with consumer(kafka, "orders", group_id="g") as client:
        assert read(client, len(sent)) == sent
    assert [record.value for record in kafka.records("orders")] == sent
    assert sum(len(fault.hits) for fault in kafka.faults.list()) > 0


def test_a_member_is_put_out_and_comes_back(kafka: Broker) -> None:
    kafka.create_topic("orders")
    with consumer(kafka, "orders", group_id="workers", heartbeat_interval_ms=100, client_id="app") as client:
        join(client)
        before = kafka.wait_assigned("workers")
        assert kafka.evict("workers", "app").members == []
        while not kafka.group("workers").members:
            client.poll(timeout_ms=100)
        kafka.produce("orders", "after all")
        assert read(client, 1) == [b"after all"]
        after = kafka.wait_assigned("workers")
        assert (after.epoch > before.epoch, after.members[0].id != before.members[0].id) == (True, True)
