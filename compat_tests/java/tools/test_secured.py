"""Kafka's tools log in: TLS, certificates, PLAIN, SCRAM, OAUTHBEARER; with credentials that are good and that are not.

The broker is that of `compat_tests/security`; each tool is given a properties file, as on a command line.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compat_tests.java.tools.machine import Machine
from compat_tests.java.tools.transcript import CLASSES
from compat_tests.security.test_logins import Listening, Mapped, certs, listening, mapped, signer, token
from compat_tests.tools import unique

__all__ = ["certs", "listening", "mapped", "signer"]

pytestmark = pytest.mark.kbroker_only("the listeners and users are made by flags and configs of ours")
MODULES = {"PLAIN": "plain.PlainLoginModule"}
INVALID = "Authentication failed during authentication due to invalid credentials with SASL mechanism"
# as Apache Kafka words it
REFUSED = {
    "PLAIN": "Authentication failed: Invalid username or password",
    "SCRAM-SHA-256": f"{INVALID} SCRAM-SHA-256",
    "SCRAM-SHA-512": f"{INVALID} SCRAM-SHA-512",
}
SCRAM = "scram.ScramLoginModule"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearer"


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Java client finds its token."""
    return tmp_path_factory.mktemp("token") / "token.jwt"


@pytest.fixture(scope="module")
def machine(token_file: Path) -> Iterator[Machine]:
    one = Machine(f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://{token_file}")
    yield one
    one.close()


class Door:
    """A listener and what a client says there; `run` is a tool with that on its command line."""

    def __init__(
        self, machine: Machine, listening: Listening | Mapped, kind: str, home: Path, settings: dict[str, str]
    ) -> None:
        self.machine, self.address, self.file = machine, listening.at[kind], home / "client.properties"
        self.file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def run(self, tool: str, *words: str, lines: str = "") -> dict[str, Any]:
        name = CLASSES.get(tool, f"org.apache.kafka.tools.{tool}")
        common = ["--bootstrap-server", self.address, "--command-config", str(self.file)]
        return self.machine.ask(tool=name, words=[*words, *common], input=lines)


def password(mechanism: str, secret: str, protocol: str, folder: Path) -> dict[str, str]:
    module = f"org.apache.kafka.common.security.{MODULES.get(mechanism, SCRAM)}"
    return {
        "security.protocol": protocol,
        "sasl.mechanism": mechanism,
        "sasl.jaas.config": f'{module} required username="alice" password="{secret}";',
        **trust(folder),
    }


def trust(folder: Path) -> dict[str, str]:
    return {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(folder / "ca.pem")}


def certificate(folder: Path) -> dict[str, str]:
    shown = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(folder / "alice.pem")}
    return {"security.protocol": "SSL", **trust(folder), **shown}


def bearer(token_file: Path) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.jaas.config": f"{OAUTH}LoginModule required;",
        "sasl.login.callback.handler.class": f"{OAUTH}LoginCallbackHandler",
        "sasl.oauthbearer.token.endpoint.url": f"file://{token_file}",
    }


WENT_THROUGH = (0, 0, ["hello", "Processed a total of 1 messages"])


def a_record(door: Door) -> tuple[int, int, list[str]]:
    """Write one and read it: the status of both tools, and what the reader said of it."""
    topic = unique("secured")
    wrote = door.run("ConsoleProducer", "--topic", topic, lines="hello\n")
    read = door.run("ConsoleConsumer", "--topic", topic, "--from-beginning", "--max-messages", "1")
    return wrote["status"], read["status"], [line for line in read["said"].splitlines() if line in WENT_THROUGH[2]]


@pytest.mark.parametrize("kind", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_opens(
    machine: Machine, listening: Listening, certs: Path, tmp_path: Path, mechanism: str, kind: str
) -> None:
    door = Door(machine, listening, kind, tmp_path, password(mechanism, "alice-secret", kind, certs))
    assert a_record(door) == WENT_THROUGH


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_does_not(
    machine: Machine, listening: Listening, certs: Path, tmp_path: Path, mechanism: str
) -> None:
    settings = password(mechanism, "guessed", "SASL_PLAINTEXT", certs)
    told = Door(machine, listening, "SASL_PLAINTEXT", tmp_path, settings).run("TopicCommand", "--list")
    assert told["status"] == 1 and REFUSED[mechanism] in told["said"]


def test_tls_opens_where_the_authority_is_trusted(
    machine: Machine, listening: Listening, certs: Path, tmp_path: Path
) -> None:
    door = Door(machine, listening, "SSL", tmp_path, {"security.protocol": "SSL", **trust(certs)})
    assert a_record(door) == WENT_THROUGH


def test_an_authority_that_is_not_trusted_is_refused(machine: Machine, listening: Listening, tmp_path: Path) -> None:
    told = Door(machine, listening, "SSL", tmp_path, {"security.protocol": "SSL"}).run("TopicCommand", "--list")
    assert told["status"] == 1 and "SSL handshake failed" in told["said"]


def test_no_certificate_is_refused_where_one_is_needed(
    machine: Machine, listening: Listening, certs: Path, tmp_path: Path
) -> None:
    door = Door(machine, listening, "MUTUAL", tmp_path, {"security.protocol": "SSL", **trust(certs)})
    told = door.run("TopicCommand", "--list")
    assert told["status"] == 1 and "Failed to process post-handshake messages" in told["said"]


def test_a_session_that_ends_is_renewed_without_a_lost_record(
    machine: Machine, listening: Listening, certs: Path, tmp_path: Path
) -> None:
    """SHORT ends sessions after 1.2 s; the producer takes 3 s."""
    door = Door(machine, listening, "SHORT", tmp_path, password("PLAIN", "alice-secret", "SASL_PLAINTEXT", certs))
    words = ("--topic", unique("renewed"), "--max-messages", "15", "--throughput", "5")
    told = door.run("VerifiableProducer", *words)
    last = json.loads(told["said"].splitlines()[-1])
    assert (last["sent"], last["acked"]) == (15, 15) and "producer_send_error" not in told["said"]


def test_a_certificate_opens_where_one_is_needed(
    machine: Machine, listening: Listening, certs: Path, tmp_path: Path
) -> None:
    assert a_record(Door(machine, listening, "MUTUAL", tmp_path, certificate(certs))) == WENT_THROUGH


def test_rules_make_a_principal_of_a_certificate(machine: Machine, mapped: Mapped, certs: Path, tmp_path: Path) -> None:
    """ALICE may do everything, and CN=alice nothing."""
    assert a_record(Door(machine, mapped, "MAPPED", tmp_path, certificate(certs))) == WENT_THROUGH
    told = Door(machine, mapped, "MUTUAL", tmp_path, certificate(certs)).run("TopicCommand", "--create", "--topic", "t")
    assert told["status"] == 1 and "Authorization failed" in told["said"]


def test_a_signed_token_opens(
    machine: Machine, listening: Listening, signer: tuple[Any, Path], token_file: Path, tmp_path: Path
) -> None:
    token_file.write_text(token(signer[0]))
    assert a_record(Door(machine, listening, "SASL_PLAINTEXT", tmp_path, bearer(token_file))) == WENT_THROUGH


def test_a_token_that_is_over_or_signed_by_a_stranger_does_not(
    machine: Machine, listening: Listening, signer: tuple[Any, Path], token_file: Path, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    door = Door(machine, listening, "SASL_PLAINTEXT", tmp_path, bearer(token_file))
    over, strange = token(signer[0], exp=int(time.time()) - 60, iat=1), token(ec.generate_private_key(ec.SECP256R1()))
    for bad in (over, strange):
        token_file.write_text(bad)
        told = door.run("TopicCommand", "--list")
        assert told["status"] == 1 and '{"status":"invalid_token"}' in told["said"], told["said"]


def test_a_bearers_session_that_ends_is_renewed_without_a_lost_record(
    machine: Machine, listening: Listening, signer: tuple[Any, Path], token_file: Path, tmp_path: Path
) -> None:
    token_file.write_text(token(signer[0]))
    door = Door(machine, listening, "SHORT", tmp_path, bearer(token_file))
    words = ("--topic", unique("renewed"), "--max-messages", "15", "--throughput", "5")
    told = door.run("VerifiableProducer", *words)
    last = json.loads(told["said"].splitlines()[-1])
    assert (last["sent"], last["acked"]) == (15, 15) and "producer_send_error" not in told["said"]
