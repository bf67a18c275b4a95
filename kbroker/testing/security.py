"""TLS, logins and access rules of a test's broker, and what each client library calls them.

    Broker(tls=True, sasl="SCRAM-SHA-512", users={"alice": "secret"}, acls=[("User:alice", "READ", "TOPIC", "orders")])
    KafkaProducer(**broker.client_config("kafka-python", user="alice"))

The authority and its certificates are made on the spot, in a folder that goes with the broker (kbroker[tls]).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
CLIENTS = ("kafka-python", "aiokafka", "confluent", "librdkafka", "java", "kafkajs")

Rule = tuple[str, str, str, str]
"""Principal, operation, type of resource, name: ("User:alice", "READ", "TOPIC", "orders"). A name that ends with * is a
prefix, and * alone is every name."""


class Security(NamedTuple):
    """What was asked for. `folder` has the certificates, if there are any."""

    tls: bool
    sasl: str | None
    users: Mapping[str, str]
    acls: Sequence[Rule]
    folder: str

    @classmethod
    def of(cls, tls: bool, sasl: str | None, users: Mapping[str, str], acls: Sequence[Rule]) -> Security:
        if users and sasl is None:
            sasl = "PLAIN"
        if sasl is not None and not users:
            raise ValueError(f'sasl="{sasl}" needs users={{name: password}}')
        return cls(tls, sasl, users, acls, tempfile.mkdtemp(prefix="kbroker-certs-") if tls else "")

    @property
    def protocol(self) -> str:
        if self.sasl is not None:
            return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"
        return "SSL" if self.tls else "PLAINTEXT"

    @property
    def authority(self) -> str:
        """The file of the authority that clients trust."""
        return str(Path(self.folder) / "ca.pem")

    def configs(self) -> dict[str, str]:
        """The broker's."""
        found: dict[str, str] = {}
        if self.tls:
            found["ssl.keystore.location"] = str(Path(self.folder) / "server.pem")
            found["ssl.truststore.location"] = self.authority
        if self.sasl is not None:
            found["kbroker.sasl.users"] = ",".join(f"{name}:{password}" for name, password in self.users.items())
            found["sasl.enabled.mechanisms"] = self.sasl
        if self.acls:
            found["authorizer.class.name"] = AUTHORIZER
        return found

    def close(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def client_config(client: str, bootstrap: str, security: Security, user: str | None) -> dict[str, Any]:
    """What that client takes, by its own names."""
    if client not in CLIENTS:
        raise ValueError(f"there is no client {client}; there are {', '.join(CLIENTS)}")
    login = None
    if security.sasl is not None:
        name = next(iter(security.users)) if user is None else user
        login = (security.sasl, name, security.users[name])
    make = {"kafka-python": _kafka_python, "aiokafka": _aiokafka, "java": _java, "kafkajs": _kafkajs}
    return make.get(client, _librdkafka)(bootstrap, security, login)


Login = tuple[str, str, str] | None  # mechanism, name, password


def _kafka_python(bootstrap: str, security: Security, login: Login) -> dict[str, Any]:
    found: dict[str, Any] = {"bootstrap_servers": bootstrap, "security_protocol": security.protocol}
    if security.tls:
        found["ssl_cafile"] = security.authority
    if login is not None:
        mechanism, name, password = login
        found |= {"sasl_mechanism": mechanism, "sasl_plain_username": name, "sasl_plain_password": password}
    return found


def _aiokafka(bootstrap: str, security: Security, login: Login) -> dict[str, Any]:
    found = _kafka_python(bootstrap, security, login)
    if security.tls:
        import ssl

        del found["ssl_cafile"]
        found["ssl_context"] = ssl.create_default_context(cafile=security.authority)
    return found


def _librdkafka(bootstrap: str, security: Security, login: Login) -> dict[str, Any]:
    found = {"bootstrap.servers": bootstrap, "security.protocol": security.protocol}
    if security.tls:
        found["ssl.ca.location"] = security.authority
    if login is not None:
        found |= {"sasl.mechanisms": login[0], "sasl.username": login[1], "sasl.password": login[2]}
    return found


def _java(bootstrap: str, security: Security, login: Login) -> dict[str, Any]:
    found = {"bootstrap.servers": bootstrap, "security.protocol": security.protocol}
    if security.tls:
        found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": security.authority}
    if login is not None:
        mechanism, name, password = login
        module = "scram.ScramLoginModule" if mechanism.startswith("SCRAM") else "plain.PlainLoginModule"
        found["sasl.mechanism"] = mechanism
        found["sasl.jaas.config"] = (
            f'org.apache.kafka.common.security.{module} required username="{name}" password="{password}";'
        )
    return found


def _kafkajs(bootstrap: str, security: Security, login: Login) -> dict[str, Any]:
    found: dict[str, Any] = {"brokers": bootstrap.split(",")}
    if security.tls:
        found["ssl"] = {"ca": [Path(security.authority).read_text()]}
    if login is not None:
        found["sasl"] = {"mechanism": login[0].lower(), "username": login[1], "password": login[2]}
    return found
