"""Clients that log in, with credentials that are good and that are not: TLS, certificates, PLAIN, SCRAM, OAUTHBEARER,
and sessions that end (KIP-368).
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compat_tests.broker import REPOSITORY, Process
from compat_tests.security.clients import CLIENTS, Login, Refused, kafka_python_settings, librdkafka_settings
from compat_tests.tools import DEADLINE_S, need_module, unique

pytestmark = pytest.mark.kbroker_only("the listeners and users are made by flags and configs of ours")

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SESSION_MS = 1200


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    command = [sys.executable, "-m", "kbroker", "certs", str(folder), "--client", "alice"]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A key and the file that tells of it."""
    need_module("jwt")
    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec

    key, path = ec.generate_private_key(ec.SECP256R1()), tmp_path_factory.mktemp("keys") / "keys.json"
    public = jwt.algorithms.get_default_algorithms()["ES256"].to_jwk(key.public_key(), as_dict=True)
    path.write_text(json.dumps({"keys": [public | {"kid": "one"}]}))
    return key, path


def token(key: Any, **claims: Any) -> str:
    import jwt

    now = int(time.time())
    return str(jwt.encode({"sub": "olga", "iat": now, "exp": now + 600} | claims, key, "ES256", {"kid": "one"}))


class Listening:
    """A broker with one listener of each kind."""

    def __init__(self, home: Path, certs: Path, keys: Path) -> None:
        kinds = ("SSL", "MUTUAL", "SASL_PLAINTEXT", "SASL_SSL", "SHORT")
        self.process = Process(
            home,
            settings=(
                "listeners=" + ",".join(f"{kind}://127.0.0.1:0" for kind in kinds),
                "listener.security.protocol.map=SSL:SSL,MUTUAL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,"
                "SHORT:SASL_PLAINTEXT",
                f"ssl.keystore.location={certs / 'server.pem'}",
                f"ssl.truststore.location={certs / 'ca.pem'}",
                "listener.name.mutual.ssl.client.auth=required",
                "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
                f'sasl.jaas.config={PLAIN} user_alice="alice-secret";',
                "kbroker.scram.users=SCRAM-SHA-256=[name=alice,password=alice-secret],"
                "SCRAM-SHA-512=[name=alice,password=alice-secret]",
                f"sasl.oauthbearer.jwks.endpoint.url={keys}",
                f"listener.name.short.connections.max.reauth.ms={SESSION_MS}",
            ),
            listen="",
            memory=True,
        ).start()
        places = self.process.ready_line.split(" ready on ")[1].split()[0].split(",")
        self.at = dict(zip(kinds, places, strict=True))


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory, certs: Path, signer: tuple[Any, Path]) -> Iterator[Listening]:
    made = Listening(tmp_path_factory.mktemp("secured"), certs, signer[1])
    yield made
    made.process.close()


class Mapped:
    """A broker that knows alice's certificate by two names, one of which may do everything and the other nothing."""

    def __init__(self, home: Path, certs: Path) -> None:
        kinds = ("MUTUAL", "MAPPED")
        self.process = Process(
            home,
            settings=(
                "listeners=" + ",".join(f"{kind}://127.0.0.1:0" for kind in kinds),
                "listener.security.protocol.map=MUTUAL:SSL,MAPPED:SSL",
                f"ssl.keystore.location={certs / 'server.pem'}",
                f"ssl.truststore.location={certs / 'ca.pem'}",
                "ssl.client.auth=required",
                "listener.name.mapped.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/U",
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users=User:ALICE",
            ),
            listen="",
            memory=True,
        ).start()
        places = self.process.ready_line.split(" ready on ")[1].split()[0].split(",")
        self.at = dict(zip(kinds, places, strict=True))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, certs: Path) -> Iterator[Mapped]:
    made = Mapped(tmp_path_factory.mktemp("mapped"), certs)
    yield made
    made.process.close()


@pytest.fixture(autouse=True)
def leftovers() -> Iterator[None]:
    """What clients leave open when they are refused, the collector takes while warnings of it are ignored."""
    yield
    gc.collect()


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Any:
    return CLIENTS[request.param]


@pytest.mark.parametrize("kind", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_opens(listening: Listening, certs: Path, client: Any, mechanism: str, kind: str) -> None:
    login = Login(mechanism, "alice", "alice-secret", ca=certs / "ca.pem" if kind == "SASL_SSL" else None)
    assert client(listening.at[kind], login, unique("opened")) == b"hello"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", "alice-secret")])
def test_a_wrong_one_does_not(listening: Listening, client: Any, mechanism: str, name: str, password: str) -> None:
    with pytest.raises(Refused):
        client(listening.at["SASL_PLAINTEXT"], Login(mechanism, name, password), unique("closed"))


def test_a_signed_token_opens(listening: Listening, client: Any, signer: tuple[Any, Path]) -> None:
    login = Login("OAUTHBEARER", token=token(signer[0]))
    assert client(listening.at["SASL_PLAINTEXT"], login, unique("opened")) == b"hello"


def test_a_token_that_is_over_or_signed_by_a_stranger_does_not(
    listening: Listening, client: Any, signer: tuple[Any, Path]
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    for bad in (token(signer[0], exp=int(time.time()) - 60, iat=1), token(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(Refused):
            client(listening.at["SASL_PLAINTEXT"], Login("OAUTHBEARER", token=bad), unique("closed"))


def test_tls_opens_to_who_trusts_us(listening: Listening, certs: Path, client: Any) -> None:
    assert client(listening.at["SSL"], Login(ca=certs / "ca.pem"), unique("opened")) == b"hello"


def test_a_certificate_opens_where_one_is_asked_for(listening: Listening, certs: Path, client: Any) -> None:
    login = Login(ca=certs / "ca.pem", certificate=certs / "alice.pem")
    assert client(listening.at["MUTUAL"], login, unique("opened")) == b"hello"


def test_without_a_certificate_that_listener_stays_closed(listening: Listening, certs: Path, client: Any) -> None:
    with pytest.raises(Refused):
        client(listening.at["MUTUAL"], Login(ca=certs / "ca.pem"), unique("closed"))


def test_rules_make_a_principal_of_a_certificate(mapped: Mapped, certs: Path, client: Any) -> None:
    """ALICE may do everything, and CN=alice nothing."""
    login = Login(ca=certs / "ca.pem", certificate=certs / "alice.pem")
    assert client(mapped.at["MAPPED"], login, unique("opened")) == b"hello"
    with pytest.raises(Exception, match=r"(?i)authorization|authorized"):
        client(mapped.at["MUTUAL"], login, unique("closed"))


def test_a_certificate_of_another_authority_does_not_open(
    listening: Listening, certs: Path, client: Any, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "kbroker", "certs", str(tmp_path), "--client", "alice"]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    with pytest.raises(Refused):
        client(listening.at["MUTUAL"], Login(ca=certs / "ca.pem", certificate=tmp_path / "alice.pem"), unique("closed"))


def test_librdkafka_logs_in_again_before_its_session_ends(listening: Listening) -> None:
    need_module("confluent_kafka")
    from confluent_kafka import Producer

    before = listening.process.stderr_tail(1 << 20).count("its session is over")
    settings = librdkafka_settings(listening.at["SHORT"], Login("SCRAM-SHA-512", "alice", "alice-secret"))
    producer, topic, failures, sent = Producer(settings), unique("again"), [], 0
    until = time.monotonic() + 3.5 * SESSION_MS / 1000
    while time.monotonic() < until:
        producer.produce(topic, b"x", on_delivery=lambda failure, message: failure and failures.append(failure))
        sent += 1
        assert producer.flush(DEADLINE_S) == 0
        producer.poll(0.02)
    assert failures == []
    assert sent > 50
    assert listening.process.stderr_tail(1 << 20).count("its session is over") == before


def test_kafka_python_goes_on_through_sessions_that_end(listening: Listening) -> None:
    need_module("kafka")
    from kafka import KafkaProducer

    settings = kafka_python_settings(listening.at["SHORT"], Login("PLAIN", "alice", "alice-secret"))
    producer, topic = KafkaProducer(**settings), unique("again")
    until, offsets = time.monotonic() + 3.5 * SESSION_MS / 1000, []
    while time.monotonic() < until:
        offsets.append(producer.send(topic, b"x").get(DEADLINE_S).offset)
    producer.close()
    assert offsets == list(range(len(offsets)))


def test_nothing_secret_is_in_the_log(listening: Listening) -> None:
    text = listening.process.stderr_tail(1 << 24)
    assert "Authentication failed: Invalid username or password" in text
    assert "alice-secret" not in text
    assert "eyJ" not in text, "no token"
