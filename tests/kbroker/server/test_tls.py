"""Listeners with TLS, on real sockets: what they show, whom they let in, and as whom."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificates

from kbroker.broker import Broker
from kbroker.cli import cli
from kbroker.config import Config, ConfigError
from kbroker.server.tls import context
from tests.kbroker.running import Client, run, serving
from wire.messages.metadata import MetadataRequest
from wire.messages.sasl_authenticate import SaslAuthenticateRequest
from wire.messages.sasl_handshake import SaslHandshakeRequest


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("certs")
    result = CliRunner().invoke(cli, ["certs", str(folder), "--client", "alice", "--host", "broker.test"])
    assert result.exit_code == 0, result.output
    return folder


def store(certs: Path) -> dict[str, str]:
    return {"ssl_keystore_location": str(certs / "server.pem"), "ssl_truststore_location": str(certs / "ca.pem")}


async def connect(broker: Broker, certs: Path, shows: str = "", **how: object) -> Client:
    asked = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    for name, value in how.items():
        setattr(asked, name, value)
    if shows:
        asked.load_cert_chain(certs / shows)
    host, _, port = broker.bound[0].rpartition(":")
    return Client(*await asyncio.open_connection(host, int(port), ssl=asked))


async def principal(broker: Broker, client: Client) -> str:
    """Whom the broker takes the client for, after a request that was answered."""
    await client.ask(MetadataRequest(topics=[]), 9)
    (connection,) = broker.server.connections
    await client.close()
    return connection.principal


@pytest.mark.parametrize(
    ("auth", "shows", "name"),
    [
        ("none", "", "User:ANONYMOUS"),
        ("none", "alice.pem", "User:ANONYMOUS"),
        ("requested", "", "User:ANONYMOUS"),
        ("requested", "alice.pem", "User:CN=alice"),
        ("required", "alice.pem", "User:CN=alice"),
    ],
)
def test_a_client_is_who_its_certificate_says(certs: Path, auth: str, shows: str, name: str) -> None:
    async def body() -> None:
        async with serving(listeners="SSL://127.0.0.1:0", ssl_client_auth=auth, **store(certs)) as broker:
            assert await principal(broker, await connect(broker, certs, shows)) == name

    run(body)


def test_rules_make_a_principal_of_the_name(certs: Path) -> None:
    async def body() -> None:
        rules = {"ssl_principal_mapping_rules": "RULE:^CN=(.*)$/$1/U", "ssl_client_auth": "required"}
        async with serving(listeners="SSL://127.0.0.1:0", **rules, **store(certs)) as broker:
            assert await principal(broker, await connect(broker, certs, "alice.pem")) == "User:ALICE"

    run(body)


def test_who_has_no_principal_is_not_let_in(certs: Path) -> None:
    async def body() -> None:
        rules = {"ssl_principal_mapping_rules": "RULE:^CN=bob$/bob/", "ssl_client_auth": "required"}
        async with serving(listeners="SSL://127.0.0.1:0", **rules, **store(certs)) as broker:
            client = await connect(broker, certs, "alice.pem")
            assert await client.is_closed()
            await client.close()

    run(body)


@pytest.mark.parametrize("shows", ["", "stranger.pem"])
def test_who_has_to_show_a_certificate_and_has_none_of_ours_stays_outside(
    certs: Path, tmp_path: Path, shows: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert CliRunner().invoke(cli, ["certs", str(tmp_path), "--client", "stranger"]).exit_code == 0
    (tmp_path / "ca.pem").write_bytes((certs / "ca.pem").read_bytes())

    async def body() -> None:
        async with serving(listeners="SSL://127.0.0.1:0", ssl_client_auth="required", **store(certs)) as broker:
            with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
                # With TLS 1.2 the client hears of it in the handshake, with 1.3 only when it reads.
                client = await connect(broker, tmp_path, shows, maximum_version=ssl.TLSVersion.TLSv1_2)
                await client.ask(MetadataRequest(topics=[]), 9)
            assert not broker.server.connections

    with caplog.at_level(logging.WARNING):
        run(body)
    assert any("a TLS handshake failed" in line for line in caplog.messages)


def test_who_does_not_speak_tls_is_told_of_in_the_log(certs: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        async with serving(listeners="SSL://127.0.0.1:0", **store(certs)) as broker:
            host, _, port = broker.bound[0].rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"\0\0\0\x0e\0\x12\0\0\0\0\0\1\0\4test")
            try:
                await reader.read()
            except ConnectionError:
                pass
            writer.close()

    with caplog.at_level(logging.WARNING):
        run(body)
    assert any("the client does not speak TLS" in line for line in caplog.messages)


def test_over_tls_a_login_says_who_it_is(certs: Path) -> None:
    async def body() -> None:
        texts = {"kbroker_sasl_users": "carol:carol-secret", "ssl_client_auth": "required"} | store(certs)
        async with serving(listeners="SASL_SSL://127.0.0.1:0", **texts) as broker:
            client = await connect(broker, certs)  # ssl.client.auth counts for SASL only if set for the listener
            assert (await client.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1)).error_code == 0
            token = SaslAuthenticateRequest(auth_bytes=b"\0carol\0carol-secret")
            assert (await client.ask(token, 2)).error_code == 0
            assert await principal(broker, client) == "User:carol"

    run(body)


def test_versions_may_be_limited(certs: Path) -> None:
    async def body() -> None:
        async with serving(listeners="SSL://127.0.0.1:0", ssl_enabled_protocols="TLSv1.3", **store(certs)) as broker:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await connect(broker, certs, maximum_version=ssl.TLSVersion.TLSv1_2)
            await (await connect(broker, certs)).close()

    run(body)


def whole(certs: Path) -> dict[str, str]:
    return {"ssl.keystore.location": str(certs / "server.pem")}


def as_text(certs: Path) -> dict[str, str]:
    key, _, chain = (certs / "server.pem").read_text().partition("-----END PRIVATE KEY-----\n")
    return {"ssl.keystore.key": f"{key}-----END PRIVATE KEY-----", "ssl.keystore.certificate.chain": chain}


def on_one_line(certs: Path) -> dict[str, str]:
    return {name: " ".join(text.split("\n")) for name, text in as_text(certs).items()}


def with_a_password(certs: Path) -> dict[str, str]:
    key = load_pem_private_key((certs / "server.pem").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"geheim")).decode()
    return as_text(certs) | {"ssl.keystore.key": locked, "ssl.key.password": "geheim"}


def as_pkcs12(certs: Path) -> dict[str, str]:
    key = load_pem_private_key((certs / "server.pem").read_bytes(), None)
    own, *others = load_pem_x509_certificates((certs / "server.pem").read_bytes())
    path = certs / "server.p12"
    lock = BestAvailableEncryption(b"geheim")
    path.write_bytes(serialize_key_and_certificates(b"server", key, own, others, lock))  # type: ignore[arg-type]
    return {"ssl.keystore.location": str(path), "ssl.keystore.password": "geheim"}


FORMS = [whole, as_text, on_one_line, with_a_password, as_pkcs12]


@pytest.mark.parametrize("form", FORMS)
def test_key_and_certificate_may_come_in_many_forms(certs: Path, form: Callable[[Path], dict[str, str]]) -> None:
    made = context(Config(form(certs)), "SSL", with_sasl=False)
    assert made.minimum_version == ssl.TLSVersion.TLSv1_2
    of_one = {f"listener.name.outside.{name}": text for name, text in form(certs).items()}
    context(Config(of_one), "OUTSIDE", with_sasl=False)
    with pytest.raises(ConfigError, match="listener SSL needs a certificate"):
        context(Config(of_one), "SSL", with_sasl=False)


def jks(certs: Path) -> dict[str, str]:
    path = certs / "server.jks"
    path.write_bytes(b"\xfe\xed\xfe\xed\0\0\0\2")
    return {"ssl.keystore.location": str(path)}


def rotten(certs: Path) -> dict[str, str]:
    path = certs / "rotten.p12"
    path.write_bytes(b"\x30\x82garbage")
    return {"ssl.keystore.location": str(path), "ssl.keystore.password": "geheim"}


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (lambda certs: {}, "listener SSL needs a certificate: ssl.keystore.location"),
        (
            lambda certs: {"ssl.keystore.location": "/no/such"},
            "/no/such for configuration ssl.keystore.location: no such",
        ),
        (
            lambda certs: {"ssl.keystore.location": str(certs / "ca.pem")},
            "it holds no private key with its certificate",
        ),
        (lambda certs: {"ssl.keystore.key": "geheim"}, "configuration ssl.keystore.key: it holds no private key"),
        (lambda certs: with_a_password(certs) | {"ssl.key.password": "geheimer"}, "it holds no private key"),
        (lambda certs: {"ssl.keystore.key": with_a_password(certs)["ssl.keystore.key"]}, "it holds no private key"),
        (lambda certs: as_pkcs12(certs) | {"ssl.keystore.password": "geheimer"}, "its password is another one"),
        (rotten, "it is no PKCS12 file"),
        (jks, "JKS is read by Java alone"),
        (lambda certs: whole(certs) | {"ssl.enabled.protocols": "TLSv1.1"}, "there are TLSv1.2 and TLSv1.3"),
        (
            lambda certs: whole(certs) | {"ssl.client.auth": "required", "ssl.truststore.certificates": "geheim"},
            "configuration ssl.truststore.certificates: it holds no certificates",
        ),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_without_a_secret(
    certs: Path, texts: Callable[[Path], dict[str, str]], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        context(Config(texts(certs)), "SSL", with_sasl=False)
    assert sentence in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_the_authority_is_kept_and_keys_are_their_owners_alone(certs: Path) -> None:
    before = (certs / "ca.pem").read_bytes(), (certs / "server.pem").read_bytes()
    assert CliRunner().invoke(cli, ["certs", str(certs), "--client", "bob"]).exit_code == 0
    assert (certs / "ca.pem").read_bytes() == before[0]
    assert (certs / "server.pem").read_bytes() != before[1]
    for name in ("ca.key", "server.pem", "bob.pem"):
        assert (certs / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["ca", "server", "../x", ""])
def test_a_client_cannot_take_the_place_of_another_file(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(cli, ["certs", str(tmp_path), "--client", name])
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
