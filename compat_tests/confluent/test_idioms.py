"""The README of confluent-kafka, in tests: poll loops, delivery reports, callbacks, statistics, its own errors."""

from __future__ import annotations

import json
import logging
from typing import Any

from compat_tests.broker import Outside, Process
from compat_tests.tools import DEADLINE_S, Deadline, need_module, unique, until

need_module("confluent_kafka")

from confluent_kafka import (  # noqa: E402
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

Broker = Process | Outside


def consumer(broker: Broker, **settings: Any) -> Consumer:
    named = {key.replace("_", "."): value for key, value in settings.items()}
    return Consumer({"bootstrap.servers": broker.bootstrap, "group.id": unique("group"), **named})


def fill(broker: Broker, name: str, count: int, partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
    failed: list[Any] = []
    for number in range(count):
        producer.produce(
            name, b"%d" % number, partition=partition, on_delivery=lambda error, _: error and failed.append(error)
        )
    assert producer.flush(DEADLINE_S) == 0
    assert not failed


def next_message(reader: Consumer) -> Any:
    return until("a message", lambda: reader.poll(0.5))


def test_produce_and_consume_with_the_defaults(broker: Broker) -> None:
    name = unique("readme")
    reports: list[tuple[Any, int]] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(100):
        producer.poll(0)
        producer.produce(
            name,
            f"data {number}".encode(),
            on_delivery=lambda error, message: reports.append((error, message.offset())),
        )
    assert producer.flush(DEADLINE_S) == 0
    assert reports == [(None, offset) for offset in range(100)]
    reader = consumer(broker, auto_offset_reset="earliest")
    reader.subscribe([name])
    assert [next_message(reader).value() for _ in range(100)] == [b"data %d" % number for number in range(100)]
    reader.close()


def test_librdkafka_finds_every_feature_that_it_wants(broker: Broker) -> None:
    """It picks features by advertised versions, Produce's low ones too (that is why 0 to 2 are advertised)."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger = logging.getLogger(unique("rdkafka"))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(Lines())
    producer = Producer({"bootstrap.servers": broker.bootstrap, "debug": "feature,broker,protocol"}, logger=logger)
    producer.list_topics(timeout=DEADLINE_S)

    def enabled() -> set[str]:
        producer.poll(0.1)
        told = [line.split("protocol features to ")[1] for line in lines if "protocol features to " in line]
        return set(",".join(told).split(",")) - {"", "ApiVersion"}

    found = until("the features", enabled)
    wanted = {"MsgVer1", "MsgVer2", "BrokerBalancedConsumer", "BrokerGroupCoordinator", "ThrottleTime"}
    wanted |= {"LZ4", "ZSTD", "OffsetTime", "IdempotentProducer"}
    assert wanted <= found


def test_a_message_over_the_brokers_limit_has_the_clients_own_error(broker: Broker) -> None:
    reports: list[Any] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "message.max.bytes": 8 << 20})
    producer.produce(unique("big"), b"x" * (2 << 20), on_delivery=lambda error, _: reports.append(error))
    assert producer.flush(DEADLINE_S) == 0
    assert reports[0].code() == KafkaError.MSG_SIZE_TOO_LARGE


def test_the_end_of_a_partition_is_told(broker: Broker) -> None:
    name = unique("eof")
    fill(broker, name, 3)
    reader = consumer(broker, auto_offset_reset="earliest", enable_partition_eof=True)
    reader.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
    seen = [next_message(reader) for _ in range(4)]
    assert [message.error() and message.error().code() for message in seen] == [
        None,
        None,
        None,
        KafkaError._PARTITION_EOF,
    ]
    assert seen[3].offset() == 3
    reader.close()


def test_a_topic_that_may_not_be_created_is_an_unknown_topic(broker: Broker) -> None:
    reader = consumer(broker, allow_auto_create_topics=False, topic_metadata_propagation_max_ms=0)
    name = unique("never")
    reader.subscribe([name])
    message = next_message(reader)
    assert message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert name not in reader.list_topics(timeout=DEADLINE_S).topics
    reader.close()


def test_a_consumer_that_may_create_topics_does(broker: Broker) -> None:
    reader = consumer(broker, allow_auto_create_topics=True, auto_offset_reset="earliest")
    name = unique("made")
    reader.subscribe([name])
    until("the topic", lambda: reader.poll(0.2) or name in reader.list_topics(timeout=DEADLINE_S).topics)
    reader.close()


def test_without_a_reset_policy_a_bad_offset_is_an_error(broker: Broker) -> None:
    name = unique("range")
    fill(broker, name, 3)
    reader = consumer(broker, auto_offset_reset="error")
    reader.assign([TopicPartition(name, 0, 99)])
    assert next_message(reader).error().code() == KafkaError._AUTO_OFFSET_RESET
    reader.close()


def test_manual_store_and_asynchronous_commit(broker: Broker) -> None:
    name = unique("store")
    fill(broker, name, 10)
    committed: list[Any] = []
    reader = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": unique("group"),
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
            "enable.auto.commit": False,
            "on_commit": lambda error, places: committed.append((error, [place.offset for place in places])),
        }
    )
    reader.subscribe([name])
    messages = [next_message(reader) for _ in range(5)]
    reader.store_offsets(messages[3])
    reader.commit(asynchronous=True)
    until("the commit's callback", lambda: reader.poll(0.2) is None and committed)
    assert committed == [(None, [4])]
    assert reader.committed([TopicPartition(name, 0)], timeout=DEADLINE_S)[0].offset == 4
    reader.close()


def test_offsets_by_name_and_leader_epochs(broker: Broker) -> None:
    name = unique("end")
    fill(broker, name, 5)
    reader = consumer(broker)
    reader.assign([TopicPartition(name, 0, 2)])
    message = next_message(reader)
    assert message.offset() == 2
    assert message.leader_epoch() is not None and message.leader_epoch() >= 0
    reader.assign([TopicPartition(name, 0, OFFSET_END)])
    # librdkafka resolves "end" at its first fetch: whatever it shows was written after that
    deadline = Deadline("a record behind the end")
    while True:
        fill(broker, name, 1)
        if message := reader.poll(0.2):
            break
        deadline.check()
    assert message.offset() >= 5
    reader.close()


def test_cooperative_rebalancing_moves_only_what_must_move(broker: Broker) -> None:
    name, group = unique("coop"), unique("group")
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, 4, 1)])[name].result(DEADLINE_S)
    settings = {
        "bootstrap.servers": broker.bootstrap,
        "group.id": group,
        "partition.assignment.strategy": "cooperative-sticky",
        "heartbeat.interval.ms": 300,
    }
    revoked: list[int] = []
    lost: list[int] = []
    first, second = Consumer(settings), Consumer(settings)
    first.subscribe(
        [name],
        on_revoke=lambda _, places: revoked.append(len(places)),
        on_lost=lambda _, places: lost.append(len(places)),
    )
    until("the first has all", lambda: first.poll(0.1) or len(first.assignment()) == 4)
    second.subscribe([name])

    def shared() -> bool:
        first.poll(0.1)
        second.poll(0.1)
        return len(first.assignment()) == 2 == len(second.assignment())

    until("two share", shared)
    assert (sum(revoked), lost) == (2, []), "only the two that moved were revoked"
    second.close()
    until("the first has all again", lambda: first.poll(0.1) or len(first.assignment()) == 4)
    first.close()


def test_a_second_member_with_the_same_instance_id_fences_the_first(broker: Broker) -> None:
    name, group = unique("static"), unique("group")
    fill(broker, name, 1)

    def member() -> Consumer:
        settings = {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "group.instance.id": "me",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "heartbeat.interval.ms": 300,
        }
        return Consumer(settings)

    first = member()
    first.subscribe([name])
    assert next_message(first).value() == b"0"
    second = member()
    second.subscribe([name])
    assert next_message(second).value() == b"0"
    told = next_message(first).error()
    assert told is not None and told.code() in (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID), told
    second.close()
    first.close()


def test_statistics_show_one_broker_and_a_consumer_without_lag(broker: Broker) -> None:
    name = unique("stats")
    fill(broker, name, 10)
    figures: list[dict[str, Any]] = []
    reader = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": unique("group"),
            "auto.offset.reset": "earliest",
            "statistics.interval.ms": 100,
            "stats_cb": lambda text: figures.append(json.loads(text)),
        }
    )
    reader.subscribe([name])
    for _ in range(10):
        next_message(reader)

    def no_lag() -> bool:
        reader.poll(0.1)
        partition = figures[-1]["topics"].get(name, {}).get("partitions", {}).get("0") if figures else None
        return bool(partition) and partition["hi_offset"] == 10 and partition["consumer_lag"] == 0

    until("statistics without lag", no_lag)
    reader.close()


def test_idempotence_refuses_nothing_over_many_small_batches(broker: Broker) -> None:
    """Five batches in flight, thousands of sequence numbers, and no error and no hole."""
    name = unique("flight")
    reports: list[tuple[Any, int]] = []
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": True,
            "batch.num.messages": 7,
            "linger.ms": 0,
            "max.in.flight.requests.per.connection": 5,
        }
    )
    for number in range(5000):
        producer.produce(
            name,
            b"%d" % number,
            partition=0,
            on_delivery=lambda error, message: reports.append((error, message.offset())),
        )
        producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0
    assert reports == [(None, offset) for offset in range(5000)]
