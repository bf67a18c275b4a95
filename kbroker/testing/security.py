"""TLS, logins and access rules of a test's broker.

    Broker(tls=True, sasl="SCRAM-SHA-512", users={"alice": "secret"}, acls=[("User:alice", "READ", "TOPIC", "orders")])
    KafkaProducer(**broker.client_config("kafka-python", user="alice"))

The authority and its certificates are made on the spot, in a folder that goes with the broker (kbroker[tls]).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kbroker.testing.clients import Access

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"

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

    def access(self, bootstrap: str, user: str | None) -> Access:
        """The way in of that user, or of the first one."""
        if self.sasl is None:
            return Access(bootstrap, self.tls, self.authority)
        name = next(iter(self.users)) if user is None else user
        return Access(bootstrap, self.tls, self.authority, "", self.sasl, name, self.users[name])

    def close(self) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
