"""KafkaAdminClient: topics, partitions, configs, records, groups and offsets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.tools import need_module, unique, until

need_module("kafka")

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402
from kafka.admin import ConfigResource, ConfigResourceType, MemberToRemove, NewTopic, OffsetSpec  # noqa: E402
from kafka.errors import (  # noqa: E402
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    NoError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)
from kafka.structs import OffsetAndMetadata  # noqa: E402

from compat_tests.drivers.kafka_python import know_partitions  # noqa: E402

Broker = Process | Outside


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    yield client
    client.close()


def make(admin: KafkaAdminClient, partitions: int = 1, **configs: str) -> str:
    name = unique("admin")
    admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
    admin.wait_for_topics([name])
    return name


def fill(broker: Broker, name: str, partitions: int, each: int) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for number in range(partitions * each):
        producer.send(name, b"%d" % number, partition=number % partitions)
    producer.flush()
    producer.close()


def test_the_cluster_has_one_broker_that_is_its_controller(admin: KafkaAdminClient, broker: Broker) -> None:
    cluster = admin.describe_cluster()
    assert cluster["cluster_id"]
    assert cluster["controller_id"] in [node["broker_id"] for node in cluster["brokers"]]
    assert [(node["host"], node["port"]) for node in cluster["brokers"]] == [(broker.host, broker.port)]
    assert "CREATE" in cluster["authorized_operations"]


def test_a_topic_is_created_described_and_deleted(admin: KafkaAdminClient) -> None:
    name = make(admin, 3)
    assert name in admin.list_topics()
    (topic,) = admin.describe_topics([name])
    assert topic["name"] == name and not topic["is_internal"]
    assert [partition["partition_index"] for partition in topic["partitions"]] == [0, 1, 2]
    for partition in topic["partitions"]:
        assert partition["leader_id"] in partition["replica_nodes"]
        assert partition["isr_nodes"] == partition["replica_nodes"] != []
    described = admin.describe_topic_partitions([name])["topics"][0]
    assert len(described["partitions"]) == 3 and str(described["topic_id"]) == str(topic["topic_id"])
    admin.delete_topics([name])
    until("the topic is gone", lambda: name not in admin.list_topics())


def test_creation_refuses_what_kafka_refuses(admin: KafkaAdminClient) -> None:
    name = make(admin)
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(name, 1, 1)])
    with pytest.raises(InvalidTopicError):
        admin.create_topics([NewTopic("not a name!", 1, 1)])
    with pytest.raises(InvalidReplicationFactorError):
        admin.create_topics([NewTopic(unique("admin"), 1, 3)])
    with pytest.raises(InvalidPartitionsError):
        admin.create_topics([NewTopic(unique("admin"), 0, 1)])
    with pytest.raises(InvalidConfigurationError):
        admin.create_topics([NewTopic(unique("admin"), 1, 1, topic_configs={"no.such.config": "1"})])
    with pytest.raises(InvalidConfigurationError):
        admin.create_topics([NewTopic(unique("admin"), 1, 1, topic_configs={"retention.ms": "soon"})])
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([unique("never")])


def test_validate_only_creates_nothing(admin: KafkaAdminClient) -> None:
    name = unique("admin")
    admin.create_topics([NewTopic(name, 1, 1)], validate_only=True)
    assert name not in admin.list_topics()


def test_partitions_are_added_and_never_taken_away(admin: KafkaAdminClient, broker: Broker) -> None:
    name = make(admin, 2)
    admin.create_partitions({name: 5})
    until("five partitions", lambda: len(admin.describe_topics([name])[0]["partitions"]) == 5)
    with pytest.raises(InvalidPartitionsError):
        admin.create_partitions({name: 5})
    with pytest.raises(InvalidPartitionsError):
        admin.create_partitions({name: 3})
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.create_partitions({unique("never"): 3})
    fill(broker, name, 5, 1)


def configs(admin: KafkaAdminClient, kind: Any, name: str, which: str = "all") -> dict[str, Any]:
    answer = admin.describe_configs([ConfigResource(kind, name)], config_filter=which, include_synonyms=True)
    (by_name,) = answer.values()
    found: dict[str, Any] = by_name[name]
    return found


def test_configs_show_what_was_set_and_what_is_default(admin: KafkaAdminClient) -> None:
    name = make(admin, **{"retention.ms": "123456", "cleanup.policy": "compact,delete"})
    modified = configs(admin, ConfigResourceType.TOPIC, name, "modified")
    assert {key: entry["value"] for key, entry in modified.items()} == {
        "retention.ms": "123456",
        "cleanup.policy": "compact,delete",
    }
    everything = configs(admin, ConfigResourceType.TOPIC, name)
    assert everything["retention.ms"]["config_source"] == "DYNAMIC_TOPIC_CONFIG"
    assert everything["max.message.bytes"]["value"] == "1048588"
    assert everything["max.message.bytes"]["config_source"] == "DEFAULT_CONFIG"
    assert len(everything) == 37


def test_the_brokers_own_configs_are_readable(admin: KafkaAdminClient) -> None:
    node = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    entries = configs(admin, ConfigResourceType.BROKER, node)
    assert entries["node.id"]["value"] == node
    assert entries["offsets.topic.num.partitions"]["value"] == "50"
    assert len(entries) > 300


def test_records_are_deleted_up_to_an_offset(admin: KafkaAdminClient, broker: Broker) -> None:
    name = make(admin)
    fill(broker, name, 1, 10)
    place = TopicPartition(name, 0)
    assert admin.delete_records({place: 4})[place]["low_watermark"] == 4
    assert admin.delete_records({place: 2})[place]["low_watermark"] == 4, "the start never moves back"
    with pytest.raises(OffsetOutOfRangeError):
        admin.delete_records({place: 11})
    assert admin.delete_records({place: -1})[place]["low_watermark"] == 10, "-1 is the high watermark"


def test_offsets_of_partitions_are_listed_by_every_spec(admin: KafkaAdminClient, broker: Broker) -> None:
    name = make(admin)
    fill(broker, name, 1, 10)
    place = TopicPartition(name, 0)

    def offset(spec: Any) -> int:
        return int(admin.list_partition_offsets({place: spec})[place].offset)

    assert offset(OffsetSpec.EARLIEST) == 0
    assert offset(OffsetSpec.LATEST) == 10
    assert 0 <= offset(OffsetSpec.MAX_TIMESTAMP) < 10


def group_with_member(broker: Broker, name: str) -> tuple[str, KafkaConsumer]:
    group = unique("group")
    consumer = KafkaConsumer(
        name, bootstrap_servers=broker.bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    know_partitions(consumer, name)
    until("the member reads", lambda: consumer.poll(200))
    consumer.commit({TopicPartition(name, 0): OffsetAndMetadata(3, "note", -1)})
    return group, consumer


def test_a_group_is_listed_described_and_deleted_when_it_is_empty(admin: KafkaAdminClient, broker: Broker) -> None:
    name = make(admin, 2)
    fill(broker, name, 2, 10)
    group, consumer = group_with_member(broker, name)
    (listed,) = [entry for entry in admin.list_groups() if entry["group_id"] == group]
    assert listed["group_state"] == "Stable"
    assert (listed["group_type"], listed["protocol_type"]) == ("classic", "consumer")
    described = admin.describe_groups([group])[group]
    (member,) = described["members"]
    assert described["group_state"] == "Stable"
    assert member["client_id"].startswith("kafka-python")
    assert member["member_metadata"]["topics"] == [name]
    assert member["member_assignment"]["assigned_partitions"] == [{"topic": name, "partitions": [0, 1]}]
    assert admin.delete_groups([group]) == {group: "NonEmptyGroupError"}
    consumer.close(autocommit=False)
    assert admin.describe_groups([group])[group]["group_state"] == "Empty"
    assert admin.delete_groups([group]) == {group: "OK"}
    assert admin.delete_groups([group]) == {group: "GroupIdNotFoundError"}
    assert group not in [entry["group_id"] for entry in admin.list_groups()]


def test_the_offsets_of_a_group_are_listed_altered_reset_and_deleted(admin: KafkaAdminClient, broker: Broker) -> None:
    name = make(admin, 2)
    fill(broker, name, 2, 10)
    group, consumer = group_with_member(broker, name)
    first, second = TopicPartition(name, 0), TopicPartition(name, 1)
    offsets = admin.list_group_offsets([group])[group]
    assert (offsets[first].offset, offsets[first].metadata) == (3, "note")
    refused = admin.delete_group_offsets(group, [first])
    assert refused[first].__name__ == "GroupSubscribedToTopicError", "it is in use"
    consumer.close(autocommit=False)
    assert admin.alter_group_offsets(group, {first: OffsetAndMetadata(7, "by hand", -1)}) == {first: NoError}
    assert admin.reset_group_offsets(group, {second: OffsetSpec.LATEST})[second] == {"error": NoError, "offset": 10}
    offsets = admin.list_group_offsets([group])[group]
    assert {place: offset.offset for place, offset in offsets.items()} == {first: 7, second: 10}
    assert admin.delete_group_offsets(group, [first]) == {first: NoError}
    assert set(admin.list_group_offsets([group])[group]) == {second}


def test_a_members_removal_makes_it_join_again(admin: KafkaAdminClient, broker: Broker) -> None:
    name = make(admin)
    fill(broker, name, 1, 10)
    group, consumer = group_with_member(broker, name)
    before = admin.describe_groups([group])[group]["members"][0]["member_id"]
    admin.remove_group_members(group, [MemberToRemove(member_id=before)])

    def replaced() -> bool:
        consumer.poll(200)
        members = admin.describe_groups([group])[group]["members"]
        return bool(members) and members[0]["member_id"] != before

    until("it is back under a new id", replaced)
    consumer.close(autocommit=False)
