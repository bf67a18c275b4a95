"""Delegation tokens with Kafka's own tools: made, renewed and ended by their people, logged in with by a producer.

The tokens of `transcripts/` are refused ones: here is a listener at which people log in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compat_tests.broker import Process
from compat_tests.java.tools.machine import Machine
from compat_tests.tools import unique

pytestmark = pytest.mark.kbroker_only("users are made by a config of ours")

LOCKED = (
    "listeners=SASL_PLAINTEXT://127.0.0.1:0",
    "kbroker.sasl.users=alice:alice-secret,bob:bob-secret",
    "delegation.token.secret.key=a-key-that-makes-secrets",
)
TOKENS, PRODUCER = "org.apache.kafka.tools.DelegationTokenCommand", "org.apache.kafka.tools.ConsoleProducer"
REFUSED = "Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels"


@pytest.fixture
def machine() -> Iterator[Machine]:
    one = Machine()
    yield one
    one.close()


def test_a_token_is_made_renewed_used_and_ended(
    machine: Machine, new_broker: Callable[..., Process], tmp_path: Path
) -> None:
    broker = new_broker(*LOCKED, listen="", memory=True)

    def says(tool: str, name: str, password: str, *words: str, by_token: bool = False, lines: str = "") -> str:
        module = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        options = f'username="{name}" password="{password}"' + (' tokenauth="true"' if by_token else "")
        file = tmp_path / "client.properties"
        file.write_text(
            f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config={module} {options};\n"
        )
        told = ["--bootstrap-server", broker.bootstrap, "--command-config", str(file), *words]
        return str(machine.ask(tool=tool, words=told, input=lines)["said"])

    alice, bob = ("alice", "alice-secret"), ("bob", "bob-secret")
    made = says(TOKENS, *alice, "--create", "--max-life-time-period", "-1", "--renewer-principal", "User:bob")
    (row,) = re.findall(r"([\w-]{22})\s+([A-Za-z0-9+/]{86}==)\s+User:alice\s+User:alice\s+\[User:bob\]", made)
    token_id, hmac = row
    assert hmac in says(TOKENS, *bob, "--describe", "--owner-principal", "User:alice")
    assert "Completed renew" in says(TOKENS, *bob, "--renew", "--renew-time-period", "-1", "--hmac", hmac)
    assert REFUSED in says(TOKENS, token_id, hmac, "--describe", by_token=True)
    topic = unique("tokens")
    assert "Exception" not in says(PRODUCER, token_id, hmac, "--topic", topic, by_token=True, lines="hello\n")
    assert "Completed expire" in says(TOKENS, *alice, "--expire", "--expiry-time-period", "-1", "--hmac", hmac)
    assert "SaslAuthenticationException" in says(TOKENS, token_id, hmac, "--describe", by_token=True)
