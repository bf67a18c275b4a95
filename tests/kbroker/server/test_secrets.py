"""Nothing secret is in the log, in what DescribeConfigs answers, in a `repr`: a broker is asked, and grepped."""

import logging

import pytest

from tests.kbroker.running import Client, connect, run, serving
from wire.messages.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from wire.messages.describe_user_scram_credentials import DescribeUserScramCredentialsRequest
from wire.messages.sasl_authenticate import SaslAuthenticateRequest
from wire.messages.sasl_handshake import SaslHandshakeRequest

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SECRETS = ("geheim-eins", "geheim-zwei", "geheim-drei", "geheim-vier", "geheim-fünf", "geheim-sechs")
TEXTS = {
    "listeners": "INSIDE://127.0.0.1:0",
    "listener.security.protocol.map": "INSIDE:SASL_PLAINTEXT",
    "kbroker.sasl.users": "alice:geheim-eins",
    "kbroker.scram.users": "SCRAM-SHA-256=[name=bob,password=geheim-zwei]",
    "listener.name.inside.plain.sasl.jaas.config": f'{PLAIN} user_carol="geheim-drei";',
    "ssl.key.password": "geheim-vier",
    "delegation.token.secret.key": "geheim-sechs",
    "connection.failed.authentication.delay.ms": "0",
}


async def log_in(client: Client, token: bytes) -> str:
    await client.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1)
    request = SaslAuthenticateRequest(auth_bytes=token)
    answer = await client.ask(request, 2)
    return f"{answer} {answer.error_message}"


def test_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []

    async def body() -> None:
        async with serving(**TEXTS) as broker:
            for token in ("\0alice\0geheim-fünf", "\0carol\0geheim-eins", "\0geheim-fünf", "geheim-fünf"):
                client = await connect(broker)
                said.append(await log_in(client, token.encode()))
                await client.close()
            client = await connect(broker)
            said.append(await log_in(client, b"\0carol\0geheim-drei"))
            for kind, name in ((4, "1"), (4, "")):
                resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)
                request = DescribeConfigsRequest(
                    resources=[resource], include_synonyms=True, include_documentation=True
                )
                found = await client.ask(request, 4)
                said.append(repr(found))
                rows = {row.name: row for one in found.results for row in one.configs}
                if name:
                    for config in TEXTS:
                        row = rows[config]
                        assert row.is_sensitive == (row.value is None), config
                    assert rows["ssl.key.password"].is_sensitive
            said.append(repr(await client.ask(DescribeUserScramCredentialsRequest(users=None), 0)))
            said.append(repr([vars(one) if hasattr(one, "__dict__") else one for one in broker.server.connections]))
            said.append(repr([one.login for one in broker.server.connections]))
            await client.close()

    with caplog.at_level(logging.DEBUG):
        run(body)
    text = "\n".join([*said, caplog.text])
    assert "Invalid username or password" in text
    assert [secret for secret in SECRETS if secret in text] == []
