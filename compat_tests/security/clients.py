"""Three libraries that log in: each writes a record and reads it back, or says why it was refused.

A `Login` is what a user would configure. `exchange` returns the value read; `Refused` has the client's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from compat_tests.tools import DEADLINE_S, need_module


class Login(NamedTuple):
    """How a client connects. Without a mechanism it does not log in; without `ca` nothing is encrypted."""

    mechanism: str | None = None
    name: str = ""
    password: str = ""
    token: str = ""
    ca: Path | None = None
    certificate: Path | None = None

    @property
    def protocol(self) -> str:
        return ("SASL_" if self.mechanism else "") + ("SSL" if self.ca else "PLAINTEXT")


class Refused(Exception):
    """The client was not let in, or does not trust the broker."""


def librdkafka_settings(bootstrap: str, login: Login) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "security.protocol": login.protocol,
        "broker.address.family": "v4",
        "log_level": 0,
    }
    if login.ca:
        settings["ssl.ca.location"] = str(login.ca)
    if login.certificate:
        settings |= {"ssl.certificate.location": str(login.certificate), "ssl.key.location": str(login.certificate)}
    if login.mechanism:
        settings["sasl.mechanism"] = login.mechanism
    if login.token:
        settings["oauth_cb"] = lambda config: (login.token, 4e9)
    elif login.mechanism:
        settings |= {"sasl.username": login.name, "sasl.password": login.password}
    return settings


def librdkafka(bootstrap: str, login: Login, topic: str) -> bytes:
    need_module("confluent_kafka")
    from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

    refused: list[str] = []

    def error(event: Any) -> None:
        if event.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._ALL_BROKERS_DOWN):
            refused.append(event.str())

    producer = Producer(librdkafka_settings(bootstrap, login) | {"error_cb": error})
    delivered: list[Any] = []
    producer.produce(topic, b"hello", on_delivery=lambda failure, message: delivered.append(failure or message))
    for _ in range(int(DEADLINE_S * 10)):
        producer.poll(0.1)
        if delivered or refused:
            break
    if refused:
        producer.purge()
        raise Refused(refused[0])
    if isinstance(delivered[0], KafkaError):
        raise RuntimeError(delivered[0].str())
    consumer = Consumer(librdkafka_settings(bootstrap, login) | {"group.id": topic})
    consumer.assign([TopicPartition(topic, 0, 0)])
    message = consumer.poll(DEADLINE_S)
    consumer.close()
    assert message is not None and message.error() is None
    return bytes(message.value())


def kafka_python_settings(bootstrap: str, login: Login) -> dict[str, Any]:
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        def token(self) -> str:
            return login.token

    settings: dict[str, Any] = {"bootstrap_servers": bootstrap, "security_protocol": login.protocol}
    if login.ca:
        settings["ssl_cafile"] = str(login.ca)
    if login.certificate:
        settings |= {"ssl_certfile": str(login.certificate), "ssl_keyfile": str(login.certificate)}
    if login.mechanism:
        settings["sasl_mechanism"] = login.mechanism
    if login.token:
        settings["sasl_oauth_token_provider"] = Provider()
    elif login.mechanism:
        settings |= {"sasl_plain_username": login.name, "sasl_plain_password": login.password}
    return settings


def kafka_python(bootstrap: str, login: Login, topic: str) -> bytes:
    need_module("kafka")
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.errors import KafkaError

    settings = kafka_python_settings(bootstrap, login)
    try:
        producer = KafkaProducer(**settings, bootstrap_timeout_ms=1500)
    except KafkaError as error:
        raise Refused(repr(error)) from None
    try:
        producer.send(topic, b"hello").get(DEADLINE_S)
    finally:
        producer.close()
    consumer = KafkaConsumer(**settings, auto_offset_reset="earliest", consumer_timeout_ms=DEADLINE_S * 1000)
    consumer.assign([TopicPartition(topic, 0)])
    try:
        return bytes(next(consumer).value)
    finally:
        consumer.close()


def aiokafka(bootstrap: str, login: Login, topic: str) -> bytes:
    need_module("aiokafka")
    return asyncio.run(_aiokafka(bootstrap, login, topic))


async def _aiokafka(bootstrap: str, login: Login, topic: str) -> bytes:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.abc import AbstractTokenProvider
    from aiokafka.errors import KafkaError
    from aiokafka.helpers import create_ssl_context

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        async def token(self) -> str:
            return login.token

    # A refused token it takes for a login, and waits for answers that do not come.
    settings: dict[str, Any] = {
        "bootstrap_servers": bootstrap, "security_protocol": login.protocol, "request_timeout_ms": 3000,
    }  # fmt: skip
    if login.ca:
        shown = str(login.certificate) if login.certificate else None
        settings["ssl_context"] = create_ssl_context(cafile=str(login.ca), certfile=shown, keyfile=shown)
    if login.mechanism:
        settings["sasl_mechanism"] = login.mechanism
    if login.token:
        settings["sasl_oauth_token_provider"] = Provider()
    elif login.mechanism:
        settings |= {"sasl_plain_username": login.name, "sasl_plain_password": login.password}
    producer = AIOKafkaProducer(**settings)
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"hello")
    except KafkaError as error:
        raise Refused(repr(error)) from None
    finally:
        await producer.stop()
    async with AIOKafkaConsumer(topic, **settings, auto_offset_reset="earliest") as consumer:
        return bytes((await asyncio.wait_for(consumer.getone(), DEADLINE_S)).value)


CLIENTS: dict[str, Callable[[str, Login, str], bytes]] = {
    "librdkafka": librdkafka,
    "kafka-python": kafka_python,
    "aiokafka": aiokafka,
}
