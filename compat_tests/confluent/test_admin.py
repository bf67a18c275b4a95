"""confluent-kafka's AdminClient: one future per thing asked, in Kafka's error codes."""

from __future__ import annotations

from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.tools import DEADLINE_S, need_module, unique, until

need_module("confluent_kafka")

from confluent_kafka import (  # noqa: E402
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # noqa: E402
    AdminClient,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

Broker = Process | Outside


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap})


def make(admin: AdminClient, partitions: int = 1, **configs: str) -> str:
    name = unique("admin")
    admin.create_topics([NewTopic(name, partitions, 1, config=configs)])[name].result(DEADLINE_S)
    until("the topic", lambda: name in admin.list_topics(timeout=DEADLINE_S).topics)
    return name


def fill(broker: Broker, name: str, partitions: int, each: int) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(partitions * each):
        producer.produce(name, b"%d" % number, partition=number % partitions)
    assert producer.flush(DEADLINE_S) == 0


def refused(future: Any) -> int:
    with pytest.raises(KafkaException) as raised:
        future.result(DEADLINE_S)
    return int(raised.value.args[0].code())


def test_metadata_is_whole(admin: AdminClient, broker: Broker) -> None:
    name = make(admin, 3)
    metadata = admin.list_topics(timeout=DEADLINE_S)
    assert metadata.controller_id in metadata.brokers
    assert metadata.cluster_id
    assert [(node.host, node.port) for node in metadata.brokers.values()] == [(broker.host, broker.port)]
    partitions = metadata.topics[name].partitions
    assert sorted(partitions) == [0, 1, 2]
    for partition in partitions.values():
        assert partition.error is None
        assert partition.leader in partition.replicas and partition.isrs == partition.replicas != []


def test_the_cluster_and_a_topic_are_described(admin: AdminClient) -> None:
    name = make(admin, 2)
    cluster = admin.describe_cluster(include_authorized_operations=True).result(DEADLINE_S)
    assert cluster.cluster_id and cluster.controller.id in [node.id for node in cluster.nodes]
    assert cluster.authorized_operations
    topic = admin.describe_topics(TopicCollection([name]), include_authorized_operations=True)[name].result(DEADLINE_S)
    assert (topic.name, topic.is_internal, len(topic.partitions)) == (name, False, 2)
    assert topic.authorized_operations
    never = unique("never")
    assert refused(admin.describe_topics(TopicCollection([never]))[never]) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_topics_are_created_refused_and_deleted(admin: AdminClient) -> None:
    name = make(admin)
    wrong = {
        name: (NewTopic(name, 1, 1), KafkaError.TOPIC_ALREADY_EXISTS),
        "not a name!": (NewTopic("not a name!", 1, 1), KafkaError.TOPIC_EXCEPTION),
    }
    factor, config = unique("admin"), unique("admin")
    wrong[factor] = (NewTopic(factor, 1, 3), KafkaError.INVALID_REPLICATION_FACTOR)
    wrong[config] = (NewTopic(config, 1, 1, config={"no.such.config": "1"}), KafkaError.INVALID_CONFIG)
    futures = admin.create_topics([topic for topic, _ in wrong.values()])
    assert {key: refused(future) for key, future in futures.items()} == {key: code for key, (_, code) in wrong.items()}
    valid = unique("admin")
    admin.create_topics([NewTopic(valid, 1, 1)], validate_only=True)[valid].result(DEADLINE_S)
    assert valid not in admin.list_topics(timeout=DEADLINE_S).topics
    assert refused(admin.delete_topics([valid])[valid]) == KafkaError.UNKNOWN_TOPIC_OR_PART
    admin.delete_topics([name])[name].result(DEADLINE_S)
    until("the topic is gone", lambda: name not in admin.list_topics(timeout=DEADLINE_S).topics)


def test_partitions_are_added_and_never_taken_away(admin: AdminClient) -> None:
    name = make(admin, 2)
    admin.create_partitions([NewPartitions(name, 5)])[name].result(DEADLINE_S)
    until("five", lambda: len(admin.list_topics(timeout=DEADLINE_S).topics[name].partitions) == 5)
    assert refused(admin.create_partitions([NewPartitions(name, 5)])[name]) == KafkaError.INVALID_PARTITIONS


def test_a_group_meets_partitions_that_were_added(admin: AdminClient, broker: Broker) -> None:
    """The members see the growth in their metadata and share the new partitions out by themselves."""
    name = make(admin, 1)
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": unique("group"),
            "auto.offset.reset": "earliest",
            "topic.metadata.refresh.interval.ms": 300,
        }
    )
    consumer.subscribe([name])
    until("the one partition", lambda: consumer.poll(0.2) or len(consumer.assignment()) == 1)
    admin.create_partitions([NewPartitions(name, 3)])[name].result(DEADLINE_S)
    until("all three", lambda: consumer.poll(0.2) or len(consumer.assignment()) == 3)
    consumer.close()


def test_configs_show_what_was_set_and_what_is_default(admin: AdminClient) -> None:
    name = make(admin, **{"retention.ms": "123456", "cleanup.policy": "compact"})
    resource = ConfigResource(ResourceType.TOPIC, name)
    entries = admin.describe_configs([resource])[resource].result(DEADLINE_S)
    of_topic = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    assert {key: entry.value for key, entry in entries.items() if entry.source == of_topic} == {
        "retention.ms": "123456",
        "cleanup.policy": "compact",
    }
    assert (entries["max.message.bytes"].value, len(entries)) == ("1048588", 37)
    node = str(next(iter(admin.list_topics(timeout=DEADLINE_S).brokers)))
    resource = ConfigResource(ResourceType.BROKER, node)
    entries = admin.describe_configs([resource])[resource].result(DEADLINE_S)
    assert entries["node.id"].value == node and entries["node.id"].is_read_only
    resource = ConfigResource(ResourceType.TOPIC, unique("never"))
    assert refused(admin.describe_configs([resource])[resource]) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_records_are_deleted_and_offsets_listed(admin: AdminClient, broker: Broker) -> None:
    name = make(admin)
    fill(broker, name, 1, 10)
    place = TopicPartition(name, 0)

    def offset(spec: Any) -> int:
        (future,) = admin.list_offsets({place: spec}).values()
        return int(future.result(DEADLINE_S).offset)

    assert (offset(OffsetSpec.earliest()), offset(OffsetSpec.latest())) == (0, 10)
    assert 0 <= offset(OffsetSpec.max_timestamp()) < 10
    assert offset(OffsetSpec.for_timestamp(1)) == 0
    (future,) = admin.delete_records([TopicPartition(name, 0, 4)]).values()
    assert future.result(DEADLINE_S).low_watermark == 4
    assert offset(OffsetSpec.earliest()) == 4
    (future,) = admin.delete_records([TopicPartition(name, 0, 11)]).values()
    assert refused(future) == KafkaError.OFFSET_OUT_OF_RANGE


def member(broker: Broker, name: str) -> tuple[str, Consumer]:
    group = unique("group")
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "client.id": "a-client",
        }
    )
    consumer.subscribe([name])
    until("the member reads", lambda: consumer.poll(0.5))
    consumer.commit(offsets=[TopicPartition(name, 0, 3)], asynchronous=False)
    return group, consumer


def test_groups_are_listed_described_and_deleted(admin: AdminClient, broker: Broker) -> None:
    name = make(admin, 2)
    fill(broker, name, 2, 5)
    group, consumer = member(broker, name)
    listed = {entry.group_id: entry for entry in admin.list_consumer_groups().result(DEADLINE_S).valid}
    assert listed[group].state == ConsumerGroupState.STABLE
    only_empty = admin.list_consumer_groups(states={ConsumerGroupState.EMPTY}).result(DEADLINE_S).valid
    assert group not in [entry.group_id for entry in only_empty]
    described = admin.describe_consumer_groups([group], include_authorized_operations=True)[group].result(DEADLINE_S)
    assert (described.state, described.partition_assignor) == (ConsumerGroupState.STABLE, "range")
    assert described.authorized_operations
    (shown,) = described.members
    assert shown.client_id == "a-client"
    assert {(place.topic, place.partition) for place in shown.assignment.topic_partitions} == {(name, 0), (name, 1)}
    assert refused(admin.delete_consumer_groups([group])[group]) == KafkaError.NON_EMPTY_GROUP
    consumer.close()
    assert admin.describe_consumer_groups([group])[group].result(DEADLINE_S).state == ConsumerGroupState.EMPTY
    admin.delete_consumer_groups([group])[group].result(DEADLINE_S)
    assert refused(admin.delete_consumer_groups([group])[group]) == KafkaError.GROUP_ID_NOT_FOUND


def test_the_offsets_of_a_group_are_listed_and_altered(admin: AdminClient, broker: Broker) -> None:
    name = make(admin, 2)
    fill(broker, name, 2, 5)
    group, consumer = member(broker, name)

    def offsets() -> dict[int, int]:
        asked = ConsumerGroupTopicPartitions(group)
        answer = admin.list_consumer_group_offsets([asked])[group].result(DEADLINE_S)
        return {place.partition: place.offset for place in answer.topic_partitions}

    assert offsets() == {0: 3}
    change = ConsumerGroupTopicPartitions(group, [TopicPartition(name, 0, 1), TopicPartition(name, 1, 2)])
    with pytest.raises(KafkaException):  # the group has a member
        answer = admin.alter_consumer_group_offsets([change])[group].result(DEADLINE_S)
        for place in answer.topic_partitions:
            if place.error is not None:
                raise KafkaException(place.error)
    consumer.close()
    admin.alter_consumer_group_offsets([change])[group].result(DEADLINE_S)
    assert offsets() == {0: 1, 1: 2}
