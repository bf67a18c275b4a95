"""Clients that log in by Kerberos: kafka-python and aiokafka over the machine's library, Java over its own.

The KDC is the tests' own; without MIT's (krb5kdc, kadmin.local) or the package gssapi they are skipped. librdkafka's
wheels have no GSSAPI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compat_tests.broker import Process
from compat_tests.java.tools.machine import Machine
from compat_tests.java.tools.test_secured import WENT_THROUGH, Door, a_record
from compat_tests.security.clients import Refused
from compat_tests.security.kdc import REALM, Kdc
from compat_tests.security.test_logins import leftovers
from compat_tests.tools import DEADLINE_S, need_module, unique

__all__ = ["leftovers"]

pytestmark = pytest.mark.kbroker_only("the listeners are made by configs of ours")

LOGIN = "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true"
RULES = "RULE:[2:$1.$2](bob.*)s/bob/rob/,DEFAULT"
# who may do everything; who logs in as somebody else may do nothing
MAY = "super.users=User:alice;User:rob.worker"


@pytest.fixture(scope="module")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    need_module("gssapi", "kerberos")
    made = Kdc(tmp_path_factory.mktemp("kdc"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made
    made.close()


class Kerberized:
    """A broker that asks for tickets."""

    def __init__(self, home: Path, keytab: Path) -> None:
        self.process = Process(
            home,
            settings=(
                "listeners=SASL_PLAINTEXT://127.0.0.1:0",
                "sasl.enabled.mechanisms=GSSAPI",
                "sasl.kerberos.service.name=kafka",
                f'sasl.jaas.config={LOGIN} keyTab="{keytab}";',
                f"sasl.kerberos.principal.to.local.rules={RULES}",
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                MAY,
            ),
            listen="",
            memory=True,
        ).start()
        self.at = {"SASL_PLAINTEXT": self.process.ready_line.split(" ready on ")[1].split()[0]}


@pytest.fixture(scope="module")
def kerberized(tmp_path_factory: pytest.TempPathFactory, kdc: Kdc) -> Iterator[Kerberized]:
    made = Kerberized(tmp_path_factory.mktemp("kerberized"), kdc.broker_keytab)
    yield made
    made.process.close()


def settings(address: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": address, "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI",
        "sasl_kerberos_service_name": "kafka", "sasl_kerberos_domain_name": "localhost",
    }  # fmt: skip


def kafka_python(address: str, topic: str) -> bytes:
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.errors import KafkaError

    refusal = ""
    try:
        producer = KafkaProducer(**settings(address), bootstrap_timeout_ms=3000)
    except KafkaError as error:  # which holds what the client has left open
        refusal = repr(error)
    if refusal:
        raise Refused(refusal)
    with producer:
        producer.send(topic, b"hello").get(DEADLINE_S)
    consumer = KafkaConsumer(**settings(address), auto_offset_reset="earliest", consumer_timeout_ms=DEADLINE_S * 1000)
    consumer.assign([TopicPartition(topic, 0)])
    try:
        return bytes(next(consumer).value)
    finally:
        consumer.close()


def aiokafka(address: str, topic: str) -> bytes:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def body() -> bytes:
        async with AIOKafkaProducer(**settings(address)) as producer:
            await producer.send_and_wait(topic, b"hello")
        async with AIOKafkaConsumer(topic, **settings(address), auto_offset_reset="earliest") as consumer:
            return bytes((await asyncio.wait_for(consumer.getone(), DEADLINE_S)).value)

    return asyncio.run(body())


CLIENTS = {"kafka": kafka_python, "aiokafka": aiokafka}


@pytest.mark.parametrize("name", ["alice", "bob/worker"])
@pytest.mark.parametrize("library", list(CLIENTS))
def test_a_ticket_opens_and_names_the_user(
    library: str, name: str, kdc: Kdc, kerberized: Kerberized, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need_module(library)
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(kdc.keytab(name)))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'tickets'}")
    assert CLIENTS[library](kerberized.at["SASL_PLAINTEXT"], unique("opened")) == b"hello"


def test_a_ticket_for_a_key_that_is_no_longer_ours_does_not_open(
    kdc: Kdc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker reads its keytab when a client comes: with another one, the tickets of before are worth nothing."""
    need_module("kafka")
    keytab = tmp_path / "broker.keytab"
    keytab.write_bytes(kdc.broker_keytab.read_bytes())
    broker = Kerberized(tmp_path / "home", keytab)
    try:
        monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(kdc.keytab("alice")))
        assert kafka_python(broker.at["SASL_PLAINTEXT"], unique("opened")) == b"hello"
        keytab.write_bytes(kdc.keytab("alice").read_bytes())
        with pytest.raises(Refused):
            kafka_python(broker.at["SASL_PLAINTEXT"], unique("closed"))
        assert "GSSAPI failed" in broker.process.stderr_tail()
    finally:
        broker.process.close()


@pytest.fixture
def java(kdc: Kdc, kerberized: Kerberized, tmp_path: Path) -> Iterator[Callable[[str], Door]]:
    machine = Machine(f"-Djava.security.krb5.conf={kdc.configuration}", "-Dsun.security.krb5.disableReferrals=true")

    def door(name: str) -> Door:
        client = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "GSSAPI",
            "sasl.kerberos.service.name": "kafka",
            "sasl.jaas.config": f'{LOGIN} keyTab="{kdc.keytab(name)}" principal="{name}@{REALM}";',
        }
        return Door(machine, kerberized, "SASL_PLAINTEXT", tmp_path, client)

    yield door
    machine.close()


def test_java_logs_in_and_is_who_the_rules_say(java: Callable[[str], Door]) -> None:
    assert a_record(java("alice")) == WENT_THROUGH
    assert a_record(java("bob/worker")) == WENT_THROUGH
    stranger = java("kafka/localhost").run("TopicCommand", "--create", "--topic", unique("refused"))
    assert stranger["status"] == 1 and "Authorization failed" in stranger["said"]
