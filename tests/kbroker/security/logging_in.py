"""Clients of a test that log in: by PLAIN with a password, or by SCRAM with a delegation token."""

from base64 import b64encode

from kbroker.client.security import Security, scram
from tests.kbroker.running import Client
from wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from wire.messages.sasl_handshake import SaslHandshakeRequest

KEY = "a-key-that-makes-secrets"

# Settings of a broker at which people can log in, and have tokens made.
WITH_TOKENS = {
    "listeners": "SASL_PLAINTEXT://127.0.0.1:0",
    "kbroker.sasl.users": "alice:alice-secret,bob:bob-secret,carol:carol-secret",
    "delegation.token.secret.key": KEY,
    "connection.failed.authentication.delay.ms": "0",
}


async def log_in(client: Client, name: str, password: str) -> None:
    await client.ask(SaslHandshakeRequest(mechanism="PLAIN"), 1)
    answer = await client.ask(SaslAuthenticateRequest(auth_bytes=f"\0{name}\0{password}".encode()), 2)
    assert not answer.error_code, answer.error_message


async def log_in_by_token(
    client: Client, token_id: str, hmac: bytes, mechanism: str = "SCRAM-SHA-256"
) -> SaslAuthenticateResponse:
    """The last answer: a refusal, or how long the session may last."""
    await client.ask(SaslHandshakeRequest(mechanism=mechanism), 1)
    password = b64encode(hmac).decode()
    exchange = scram(Security(mechanism=mechanism, username=token_id, password=password, by_delegation_token=True))
    said = next(exchange)
    while True:
        answer: SaslAuthenticateResponse = await client.ask(SaslAuthenticateRequest(auth_bytes=said), 2)
        if answer.error_code:
            return answer
        try:
            said = exchange.send(bytes(answer.auth_bytes))
        except StopIteration:
            return answer
