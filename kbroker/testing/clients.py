"""What each client library takes to connect, by its own names: values for a test, text for `kbroker client-config`.

Names and forms are those of the libraries' own documentation. Text is in the form in which the library is configured:
a dict of Python, properties, an object of JavaScript, lines of Go (`clients_go.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Access(NamedTuple):
    """A way in. `authority` is the PEM file that is trusted (empty: the system's own), `certificate` a PEM file with
    the client's certificate and its key; both mean something with `tls` alone. No `mechanism`, no login."""

    bootstrap: str
    tls: bool = False
    authority: str = ""
    certificate: str = ""
    mechanism: str = ""
    user: str = ""
    password: str = ""

    @property
    def protocol(self) -> str:
        if self.mechanism:
            return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"
        return "SSL" if self.tls else "PLAINTEXT"

    @property
    def servers(self) -> list[str]:
        return self.bootstrap.split(",")


def client_config(client: str, access: Access) -> dict[str, Any]:
    """What a program hands to that client. ValueError for a client that we do not know, or that takes code."""
    make = _VALUES.get(known(client))
    if make is None:
        raise ValueError(f"{client} is configured by code: kbroker client-config {client} prints it")
    return make(access)


def client_text(client: str, access: Access) -> str:
    """The same to be read, copied, or written to a file."""
    if known(client) in _GO:
        from kbroker.testing.clients_go import go_lines

        return go_lines(client, access)
    return _TEXTS[client](access)


def known(client: str) -> str:
    if client not in CLIENTS:
        raise ValueError(f"there is no client {client}; there are {', '.join(CLIENTS)}")
    return client


# --- Python -----------------------------------------------------------------------------------------------------------


def _kafka_python(access: Access) -> dict[str, Any]:
    found: dict[str, Any] = {"bootstrap_servers": access.bootstrap, "security_protocol": access.protocol}
    if access.tls and access.authority:
        found["ssl_cafile"] = access.authority
    if access.tls and access.certificate:
        found |= {"ssl_certfile": access.certificate, "ssl_keyfile": access.certificate}
    if access.mechanism:
        found |= {
            "sasl_mechanism": access.mechanism,
            "sasl_plain_username": access.user,
            "sasl_plain_password": access.password,
        }
    return found


def _aiokafka(access: Access) -> dict[str, Any]:
    found = {name: value for name, value in _kafka_python(access).items() if not name.startswith("ssl_")}
    if access.tls:
        import ssl

        context = found["ssl_context"] = ssl.create_default_context(cafile=access.authority or None)
        if access.certificate:
            context.load_cert_chain(access.certificate)
    return found


def _kafka_python_text(access: Access) -> str:
    return _python("kafka-python: KafkaProducer(**config), KafkaConsumer(**config)", _kafka_python(access))


def _aiokafka_text(access: Access) -> str:
    plain = _aiokafka(access._replace(tls=False)) | {"security_protocol": access.protocol}
    text = _python("aiokafka: AIOKafkaProducer(**config), AIOKafkaConsumer(**config)", plain)
    if not access.tls:
        return text
    cafile = f"cafile={json.dumps(access.authority)}" * bool(access.authority)
    text = f'import ssl\n\n{text}\nconfig["ssl_context"] = ssl.create_default_context({cafile})'
    if access.certificate:
        text += f'\nconfig["ssl_context"].load_cert_chain({json.dumps(access.certificate)})'
    return text


def _confluent_text(access: Access) -> str:
    return _python("confluent-kafka: Producer(config), Consumer(config | {'group.id': ...})", _librdkafka(access))


def _python(title: str, config: Mapping[str, Any]) -> str:
    return f"# {title}\nconfig = {json.dumps(config, indent=4, ensure_ascii=False)}"


# --- properties -------------------------------------------------------------------------------------------------------


def _librdkafka(access: Access) -> dict[str, Any]:
    found = {"bootstrap.servers": access.bootstrap, "security.protocol": access.protocol}
    if access.tls and access.authority:
        found["ssl.ca.location"] = access.authority
    if access.tls and access.certificate:
        found |= {"ssl.certificate.location": access.certificate, "ssl.key.location": access.certificate}
    if access.mechanism:
        found |= {"sasl.mechanisms": access.mechanism, "sasl.username": access.user, "sasl.password": access.password}
    return found


def _java(access: Access) -> dict[str, Any]:
    found = {"bootstrap.servers": access.bootstrap, "security.protocol": access.protocol}
    if access.tls and access.authority:
        found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": access.authority}
    if access.tls and access.certificate:
        found |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": access.certificate}
    if access.mechanism:
        module = "scram.ScramLoginModule" if access.mechanism.startswith("SCRAM") else "plain.PlainLoginModule"
        user, password = (text.replace("\\", "\\\\").replace('"', '\\"') for text in (access.user, access.password))
        found["sasl.mechanism"] = access.mechanism
        found["sasl.jaas.config"] = (
            f'org.apache.kafka.common.security.{module} required username="{user}" password="{password}";'
        )
    return found


def _spring(access: Access) -> dict[str, Any]:
    """What Spring Boot has a name of its own for, and the rest as properties of the clients."""
    java = _java(access)
    found = {
        "spring.kafka.bootstrap-servers": java.pop("bootstrap.servers"),
        "spring.kafka.security.protocol": java.pop("security.protocol"),
    }
    for own, name in (("trust-store", "truststore"), ("key-store", "keystore")):
        if f"ssl.{name}.location" in java:
            found[f"spring.kafka.ssl.{own}-type"] = java.pop(f"ssl.{name}.type")
            found[f"spring.kafka.ssl.{own}-location"] = f"file:{java.pop(f'ssl.{name}.location')}"
    return found | {f"spring.kafka.properties.{name}": value for name, value in java.items()}


def _properties(title: str, make: Callable[[Access], Mapping[str, str]]) -> Callable[[Access], str]:
    """As java.util.Properties reads them: a backslash is written twice."""

    def text(access: Access) -> str:
        lines = [f"{name}={value.replace(chr(92), chr(92) * 2)}" for name, value in make(access).items()]
        return "\n".join([f"# {title}", *lines])

    return text


def _librdkafka_text(access: Access) -> str:
    """librdkafka's tools take a line as it stands."""
    lines = [f"{name}={value}" for name, value in _librdkafka(access).items()]
    return "\n".join(["# librdkafka: kcat -F FILE, and every client that is made of it", *lines])


# --- JavaScript -------------------------------------------------------------------------------------------------------


def _kafkajs(access: Access) -> dict[str, Any]:
    return _javascript(access, "brokers", "ssl", lambda path: Path(path).read_text()) | (
        {"sasl": _login(access, access.mechanism.lower())} if access.mechanism else {}
    )


def _platformatic(access: Access) -> dict[str, Any]:
    return _javascript(access, "bootstrapBrokers", "tls", lambda path: Path(path).read_text()) | (
        {"sasl": _login(access, access.mechanism)} if access.mechanism else {}
    )


def _javascript(access: Access, brokers: str, tls: str, read: Callable[[str], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {brokers: access.servers}
    if access.tls:
        files = {"ca": access.authority, "cert": access.certificate, "key": access.certificate}
        inside = {name: read(path) for name, path in files.items() if path}
        found[tls] = inside | ({"ca": [inside["ca"]]} if "ca" in inside else {})
    return found


def _login(access: Access, mechanism: str) -> dict[str, str]:
    return {"mechanism": mechanism, "username": access.user, "password": access.password}


def _script(title: str, brokers: str, tls: str, spell: Callable[[str], str]) -> Callable[[Access], str]:
    """An object whose files are read when it is made."""

    def text(access: Access) -> str:
        mark = "\0file:"
        found = _javascript(access, brokers, tls, lambda path: mark + path)
        if access.mechanism:
            found["sasl"] = _login(access, spell(access.mechanism))
        shown = json.dumps(found, indent=2, ensure_ascii=False)
        for path in filter(None, (access.authority, access.certificate)):
            shown = shown.replace(json.dumps(mark + path, ensure_ascii=False), f"readFileSync({json.dumps(path)})")
        imported = "import { readFileSync } from 'node:fs'\n\n" * ("readFileSync(" in shown)
        return f"// {title}\n{imported}const config = {shown}"

    return text


_VALUES: dict[str, Callable[[Access], dict[str, Any]]] = {
    "kafka-python": _kafka_python,
    "aiokafka": _aiokafka,
    "confluent": _librdkafka,
    "librdkafka": _librdkafka,
    "java": _java,
    "spring": _spring,
    "kafkajs": _kafkajs,
    "platformatic": _platformatic,
}
_TEXTS: dict[str, Callable[[Access], str]] = {
    "kafka-python": _kafka_python_text,
    "aiokafka": _aiokafka_text,
    "confluent": _confluent_text,
    "librdkafka": _librdkafka_text,
    "java": _properties("Java clients; Kafka's tools take it as --command-config, and so does kbroker", _java),
    "spring": _properties("Spring Boot: application.properties", _spring),
    "kafkajs": _script("KafkaJS: new Kafka(config)", "brokers", "ssl", str.lower),
    "platformatic": _script(
        "@platformatic/kafka: new Producer({ clientId, ...config })", "bootstrapBrokers", "tls", str
    ),
}
_GO = ("franz-go", "sarama")
CLIENTS = (*_TEXTS, *_GO)
