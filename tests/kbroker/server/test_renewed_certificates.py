"""Certificates that change while the broker runs (KIP-226): who connects from now on is shown the new one."""

import asyncio
import hashlib
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from kbroker.broker import Broker
from kbroker.cli import cli
from tests.kbroker.running import Client, run, serving
from wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from wire.messages.metadata import MetadataRequest

LOCATION = "listener.name.ssl.ssl.keystore.location"
TRUSTED = "listener.name.ssl.ssl.truststore.location"
SET, DELETE = 0, 1
BROKER = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders with an authority and certificates, by name."""
    home = tmp_path_factory.mktemp("made")

    def make(name: str) -> Path:
        folder: Path = home / name
        if not folder.exists():
            assert CliRunner().invoke(cli, ["certs", str(folder), "--client", "alice"]).exit_code == 0
        return folder

    return make


async def connect(broker: Broker, shows: Path | None = None, place: int = 0) -> Client:
    asked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asked.check_hostname, asked.verify_mode = False, ssl.CERT_NONE
    if shows is not None:
        asked.load_cert_chain(shows / "alice.pem")
    host, _, port = broker.bound[place].rpartition(":")
    return Client(*await asyncio.open_connection(host, int(port), ssl=asked))


async def shown(broker: Broker) -> str:
    """The fingerprint of what a new connection is shown."""
    client = await connect(broker)
    certificate = client.writer.get_extra_info("ssl_object").getpeercert(True)
    await client.close()
    return hashlib.sha256(certificate).hexdigest()


def fingerprint(folder: Path) -> str:
    pem = (folder / "server.pem").read_text()
    first = pem[pem.index("-----BEGIN CERTIFICATE") :].partition("-----END CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[0] + first[1])).hexdigest()


async def alter(
    client: Client, *changes: tuple[str, int, str | None], node: str = "1", dry: bool = False
) -> tuple[int, str]:
    configs = [AlterableConfig(name=name, config_operation=how, value=value) for name, how, value in changes]
    resource = AlterConfigsResource(resource_type=BROKER, resource_name=node, configs=configs)
    reply = await client.ask(IncrementalAlterConfigsRequest(resources=[resource], validate_only=dry), 1)
    return reply.responses[0].error_code, reply.responses[0].error_message or ""


def listening(folder: Path, **more: str) -> dict[str, str]:
    return {"listeners": "SSL://127.0.0.1:0", "ssl_keystore_location": str(folder / "server.pem"), **more}


def test_another_file_is_shown_to_who_connects_then(made: Callable[[str], Path]) -> None:
    async def body() -> None:
        async with serving(**listening(made("a"))) as broker:
            client = await connect(broker)
            assert await shown(broker) == fingerprint(made("a"))
            assert await alter(client, (LOCATION, SET, str(made("b") / "server.pem")), dry=True) == (0, "")
            assert await shown(broker) == fingerprint(made("a")), "nothing but a try"
            assert await alter(client, (LOCATION, SET, str(made("b") / "server.pem"))) == (0, "")
            assert await shown(broker) == fingerprint(made("b"))
            assert await alter(client, (LOCATION, DELETE, None)) == (0, "")
            assert await shown(broker) == fingerprint(made("a"))
            await client.ask(MetadataRequest(topics=[]), 9)
            await client.close()

    run(body)


def test_the_same_file_is_read_again_when_it_is_named_again(made: Callable[[str], Path], tmp_path: Path) -> None:
    async def body() -> None:
        shutil.copy(made("a") / "server.pem", tmp_path)
        async with serving(**listening(tmp_path)) as broker:
            client = await connect(broker)
            for folder in (made("b"), made("a")):
                shutil.copy(folder / "server.pem", tmp_path)
                assert await alter(client, (LOCATION, SET, str(tmp_path / "server.pem"))) == (0, "")
                assert await shown(broker) == fingerprint(folder)
            await client.close()

    run(body)


def test_whom_we_believe_changes_too(made: Callable[[str], Path]) -> None:
    async def body() -> None:
        more = {"ssl_truststore_location": str(made("a") / "ca.pem"), "ssl_client_auth": "required"}
        async with serving(**listening(made("a"), **more)) as broker:
            client = await connect(broker, made("a"))
            assert await alter(client, (TRUSTED, SET, str(made("b") / "ca.pem"))) == (0, "")
            for folder, is_let_in in ((made("a"), False), (made("b"), True)):
                other = await connect(broker, folder)
                try:
                    await other.ask(MetadataRequest(topics=[]), 9)
                except (ssl.SSLError, asyncio.IncompleteReadError, ConnectionError):
                    assert not is_let_in
                else:
                    assert is_let_in
                other.writer.close()
            await client.close()

    run(body)


@pytest.mark.parametrize("file", ["nowhere.pem", "ca.pem"])
def test_what_cannot_be_shown_is_refused_and_nothing_changes(made: Callable[[str], Path], file: str) -> None:
    async def body() -> None:
        async with serving(**listening(made("a"))) as broker:
            client = await connect(broker)
            error, message = await alter(client, (LOCATION, SET, str(made("b") / file)))
            assert (error, file in message) == (42, True), message
            assert broker.cluster.catalog.overrides(BROKER, "1") == {}
            assert await shown(broker) == fingerprint(made("a"))
            await client.close()

    run(body)


def test_only_one_broker_and_only_by_listener(made: Callable[[str], Path]) -> None:
    async def body() -> None:
        async with serving(**listening(made("a"))) as broker:
            client = await connect(broker)
            value = str(made("b") / "server.pem")
            assert await alter(client, (LOCATION, SET, value), node="") == (
                42, f"Cannot update these configs at default cluster level, broker id must be specified: [{LOCATION}]",
            )  # fmt: skip
            assert (await alter(client, ("ssl.keystore.location", SET, value)))[0] == 42
            assert (await alter(client, ("listener.name.ssl.ssl.client.auth", SET, "perhaps")))[0] == 42
            assert await shown(broker) == fingerprint(made("a"))
            await client.close()

    run(body)


def test_it_is_described_with_where_it_comes_from(made: Callable[[str], Path]) -> None:
    async def body() -> None:
        async with serving(**listening(made("a"))) as broker:
            client = await connect(broker)
            value = str(made("b") / "server.pem")
            await alter(client, (LOCATION, SET, value), ("listener.name.ssl.ssl.key.password", SET, "hush"))
            names = [LOCATION, "listener.name.ssl.ssl.key.password"]
            asked = DescribeConfigsResource(resource_type=BROKER, resource_name="1", configuration_keys=names)
            reply = await client.ask(DescribeConfigsRequest(resources=[asked]), 4)
            found = {one.name: one for one in reply.results[0].configs}
            assert [(one.value, one.config_source, one.read_only, one.is_sensitive) for one in found.values()] == [
                (None, 2, True, True), (value, 2, True, False),
            ]  # fmt: skip
            await client.close()

    run(body)


def test_after_a_restart_it_is_still_shown(made: Callable[[str], Path], tmp_path: Path) -> None:
    async def body() -> None:
        texts = listening(made("a"), kbroker_memory="false", log_dirs=str(tmp_path))
        async with serving(**texts) as broker:
            client = await connect(broker)
            assert await alter(client, (LOCATION, SET, str(made("b") / "server.pem"))) == (0, "")
            await client.close()
        async with serving(**texts) as broker:
            assert await shown(broker) == fingerprint(made("b"))

    run(body)
