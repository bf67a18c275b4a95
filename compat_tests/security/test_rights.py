"""What stock clients see of access rules, quotas and subscriptions for their metrics: the right exceptions, admin
clients that make and list rules, a producer that is slowed down, and metrics that arrive.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from compat_tests.broker import REPOSITORY, Process
from compat_tests.security.clients import Login, kafka_python_settings, librdkafka_settings
from compat_tests.tools import DEADLINE_S, need_module, unique

pytestmark = pytest.mark.kbroker_only("users are made by a config of ours")

ADMIN, ALICE = Login("PLAIN", "admin", "admin-secret"), Login("PLAIN", "alice", "alice-secret")
LOCKED = (
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users=User:admin",
    "listeners=SASL_PLAINTEXT://127.0.0.1:0",
    "sasl.enabled.mechanisms=PLAIN",
    "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
    'user_admin="admin-secret" user_alice="alice-secret";',
)


@pytest.fixture
def locked(new_broker: Callable[..., Process]) -> Process:
    return new_broker(*LOCKED, listen="", memory=True)


def librdkafka_admin(bootstrap: str, login: Login) -> Any:
    need_module("confluent_kafka")
    from confluent_kafka.admin import AdminClient

    return AdminClient(librdkafka_settings(bootstrap, login))


def allow(admin: Any, kind: str, name: str, operation: str, *, prefixed: bool = False) -> Any:
    from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

    pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
    rule = AclBinding(
        ResourceType[kind], name, pattern, "User:alice", "*", AclOperation[operation], AclPermissionType.ALLOW
    )
    admin.create_acls([rule])[rule].result(DEADLINE_S)
    return rule


def produce(bootstrap: str, topic: str) -> int:
    """The error code of one record of alice's."""
    from confluent_kafka import Producer

    producer, told = Producer(librdkafka_settings(bootstrap, ALICE)), []
    producer.produce(topic, b"v", on_delivery=lambda error, message: told.append(error.code() if error else 0))
    assert producer.flush(DEADLINE_S) == 0
    return int(told[0])


def consume(bootstrap: str, topic: str, group: str) -> set[int]:
    """The error codes that a consumer of alice's hears until its first record, or its first two errors."""
    from confluent_kafka import Consumer, KafkaException

    consumer = Consumer({**librdkafka_settings(bootstrap, ALICE), "group.id": group, "auto.offset.reset": "earliest"})
    heard: set[int] = set()
    try:
        consumer.subscribe([topic])
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and not heard:
            message = consumer.poll(1.0)
            if message is not None:
                heard.add(message.error().code() if message.error() else 0)
    except KafkaException as error:
        heard.add(error.args[0].code())
    finally:
        consumer.close()
    return heard


def test_librdkafka_hears_what_it_may_not_do_and_does_what_it_may(locked: Process) -> None:
    from confluent_kafka.admin import AclBindingFilter, AclOperation, AclPermissionType, NewTopic, ResourceType
    from confluent_kafka.admin import ResourcePatternType as Pattern

    admin, topic, group = librdkafka_admin(locked.bootstrap, ADMIN), unique("t"), unique("g")
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(DEADLINE_S)
    assert produce(locked.bootstrap, topic) == 29
    allow(admin, "TOPIC", topic[:-3], "WRITE", prefixed=True)
    assert produce(locked.bootstrap, topic) == 0
    allow(admin, "TOPIC", topic, "READ")
    assert consume(locked.bootstrap, topic, group) == {30}
    allow(admin, "GROUP", "*", "READ")
    assert consume(locked.bootstrap, topic, group) == {0}
    everything = AclBindingFilter(
        ResourceType.ANY, None, Pattern.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    assert len(admin.describe_acls(everything).result(DEADLINE_S)) == 3
    assert len(admin.delete_acls([everything])[everything].result(DEADLINE_S)) == 3
    assert produce(locked.bootstrap, topic) == 29


def test_librdkafka_may_not_administer(locked: Process) -> None:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import NewTopic

    admin = librdkafka_admin(locked.bootstrap, ALICE)
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic("t", 1, 1)])["t"].result(DEADLINE_S)
    assert refused.value.args[0].code() == 29
    with pytest.raises(KafkaException) as refused:
        allow(admin, "TOPIC", "t", "READ")
    assert refused.value.args[0].code() == 31


def test_kafka_python_hears_what_it_may_not_do(locked: Process) -> None:
    need_module("kafka")
    from kafka import KafkaProducer
    from kafka.errors import TopicAuthorizationFailedError

    producer = KafkaProducer(**kafka_python_settings(f"127.0.0.1:{locked.port}", ALICE))
    with pytest.raises(TopicAuthorizationFailedError):
        producer.send("t", b"v").get(DEADLINE_S)
    producer.close()


def quota(broker: Process, *options: str) -> None:
    command = [sys.executable, "-m", "kbroker", "quota", "alter", "--to", broker.bootstrap, *options]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def test_a_producer_is_slowed_down_to_its_quota_and_reports_it(new_broker: Callable[..., Process]) -> None:
    need_module("confluent_kafka")
    from confluent_kafka import Producer

    broker = new_broker("quota.window.num=3", memory=True)
    quota(broker, "--user", "*", "--set", "producer_byte_rate=200000")
    throttles: list[float] = []
    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "batch.size": 20_000,
            "linger.ms": 1,
            "throttle_cb": lambda event: throttles.append(event.throttle_time),
        }
    )
    began = time.monotonic()
    for _ in range(600):
        producer.produce("slow", bytes(2000))
        producer.poll(0)
    assert producer.flush(60) == 0
    seconds = time.monotonic() - began
    # 1.2 MB at 0.2 MB/s, of which two seconds' worth may come at once: four seconds, less a tenth.
    print(f"1200000 bytes at 200000 B/s took {seconds:.1f} s, {len(throttles)} throttled replies")
    assert seconds >= 3.2
    assert max(throttles, default=0) > 0


def test_librdkafka_pushes_its_metrics_when_somebody_wants_them(new_broker: Callable[..., Process]) -> None:
    need_module("confluent_kafka")
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient

    broker = new_broker("kbroker.http=127.0.0.1:0", memory=True)
    command = [
        sys.executable, "-m", "kbroker", "config", "alter", "client-metrics", "all", "--set", "metrics=*",
        "--set", "interval.ms=200", "--to", broker.bootstrap,
    ]  # fmt: skip
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    assert AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=DEADLINE_S)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "client.id": "measured"})
    end = time.monotonic() + DEADLINE_S
    while "client measured" not in broker.stderr_tail() and time.monotonic() < end:
        producer.produce("t", b"v")
        producer.flush(1)
    assert "client measured" in broker.stderr_tail()
    with urllib.request.urlopen(f"http://{broker.ready_line.split('http=')[1].split()[0]}/metrics") as page:
        told = page.read().decode()
    assert re.search(r'(?m)^org_apache_kafka_producer_request_latency_max\{client_id="measured",.*} \d', told)
