"""Administration by stock clients, the same against kbroker and against Apache Kafka: configs that are altered one by
one and read again, directories and their sizes, users, quorum, elections. Neither client knows quotas.
"""

from __future__ import annotations

from typing import Any

import pytest

from compat_tests.broker import Outside, Process
from compat_tests.tools import DEADLINE_S, need_module, unique, until

Broker = Process | Outside


def confluent(broker: Broker) -> Any:
    need_module("confluent_kafka")
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": broker.bootstrap})


@pytest.fixture
def python(broker: Broker) -> Any:
    need_module("kafka")
    from kafka.admin import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    yield admin
    admin.close()


def made(broker: Broker) -> str:
    from confluent_kafka.admin import NewTopic

    admin, name = confluent(broker), unique("administered")
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(DEADLINE_S)
    until("the topic", lambda: name in admin.list_topics(timeout=DEADLINE_S).topics)
    return name


def values(admin: Any, kind: Any, name: str, *keys: str) -> dict[str, str | None]:
    from confluent_kafka.admin import ConfigResource

    resource = ConfigResource(kind, name)
    entries = admin.describe_configs([resource])[resource].result(DEADLINE_S)
    return {key: entries[key].value if key in entries else None for key in keys}


def alter(admin: Any, kind: Any, name: str, *changes: tuple[str, Any, str | None]) -> None:
    from confluent_kafka.admin import ConfigEntry, ConfigResource

    entries = [ConfigEntry(key, value, incremental_operation=how) for key, how, value in changes]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result(DEADLINE_S)


def test_librdkafka_sets_appends_subtracts_and_deletes_topic_configs(broker: Broker) -> None:
    admin, name = confluent(broker), made(broker)
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AlterConfigOpType as How
    from confluent_kafka.admin import ResourceType

    topic = ResourceType.TOPIC
    alter(admin, topic, name, ("retention.ms", How.SET, "12345"), ("cleanup.policy", How.APPEND, "compact"))
    wanted = {"retention.ms": "12345", "cleanup.policy": "delete,compact"}
    until("both", lambda: values(admin, topic, name, *wanted) == wanted)
    alter(admin, topic, name, ("retention.ms", How.DELETE, None), ("cleanup.policy", How.SUBTRACT, "delete"))
    wanted = {"retention.ms": "604800000", "cleanup.policy": "compact"}
    until("the default again", lambda: values(admin, topic, name, *wanted) == wanted)
    with pytest.raises(KafkaException) as refused:
        alter(admin, topic, name, ("retention.ms", How.SET, "soon"))
    error = refused.value.args[0]
    assert error.name() == "INVALID_CONFIG"
    assert "Invalid value soon for configuration retention.ms: Not a number of type LONG" in error.str()


def test_librdkafka_changes_a_brokers_config_and_topics_follow(broker: Broker) -> None:
    admin, name = confluent(broker), made(broker)
    from confluent_kafka.admin import AlterConfigOpType as How
    from confluent_kafka.admin import ResourceType

    node = str(next(iter(admin.list_topics(timeout=DEADLINE_S).brokers)))
    alter(admin, ResourceType.BROKER, node, ("log.segment.bytes", How.SET, "2000000"))
    wanted = {"segment.bytes": "2000000"}
    until("the topic", lambda: values(admin, ResourceType.TOPIC, name, *wanted) == wanted)
    alter(admin, ResourceType.BROKER, node, ("log.segment.bytes", How.DELETE, None))
    wanted = {"segment.bytes": "1073741824"}
    until("the default again", lambda: values(admin, ResourceType.TOPIC, name, *wanted) == wanted)


def test_librdkafka_gives_a_user_credentials_and_takes_them_away(broker: Broker) -> None:
    admin, user = confluent(broker), unique("user")
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import (
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialDeletion,
        UserScramCredentialUpsertion,
    )

    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    change = UserScramCredentialUpsertion(user, info, b"secret")
    admin.alter_user_scram_credentials([change])[user].result(DEADLINE_S)

    def infos() -> list[tuple[Any, int]]:
        try:
            found = admin.describe_user_scram_credentials([user])[user].result(DEADLINE_S)
        except KafkaException as error:
            assert error.args[0].name() == "RESOURCE_NOT_FOUND"
            return []
        return [(one.mechanism, one.iterations) for one in found.scram_credential_infos]

    until("the user", lambda: infos() == [(ScramMechanism.SCRAM_SHA_256, 4096)])
    gone = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)
    admin.alter_user_scram_credentials([gone])[user].result(DEADLINE_S)
    until("nobody", lambda: infos() == [])


def test_librdkafka_elects_leaders_where_none_is_needed(broker: Broker) -> None:
    admin, name = confluent(broker), made(broker)
    from confluent_kafka import ElectionType, TopicPartition

    results = admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(name, 0)]).result(DEADLINE_S)
    assert [error.name() for error in results.values()] == ["ELECTION_NOT_NEEDED"]


def test_librdkafka_is_told_that_there_is_no_authorizer(broker: Broker) -> None:
    admin = confluent(broker)
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

    rule = AclBinding(
        ResourceType.TOPIC, "t", ResourcePatternType.LITERAL, "User:a", "*", AclOperation.READ, AclPermissionType.ALLOW
    )
    with pytest.raises(KafkaException) as refused:
        admin.create_acls([rule])[rule].result(DEADLINE_S)
    assert refused.value.args[0].name() == "SECURITY_DISABLED"


def test_kafka_python_alters_configs_and_reads_them_again(broker: Broker, python: Any) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    name = made(broker)
    kind = ConfigResourceType.TOPIC
    python.alter_configs([ConfigResource(kind, name, configs={"retention.ms": "12345"})])

    def found() -> bool:
        return "12345" in str(python.describe_configs([ConfigResource(kind, name)]))

    until("the config", found)


def test_kafka_python_sees_directories_quorum_and_resources(broker: Broker, python: Any) -> None:
    name = made(broker)
    until("the partition", lambda: name in str(python.describe_log_dirs()))
    quorum = str(python.describe_metadata_quorum())
    assert "leader_id" in quorum
    assert name in str(python.list_config_resources())
    assert name not in str(python.list_partition_reassignments())
