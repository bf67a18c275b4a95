"""TLS and SASL towards the cluster, on behalf of clients that have neither."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from kbroker.client.errors import LoginFailed
from kbroker.client.security import MECHANISMS, Security
from wire.conversation import ClientConversation
from wire.errors import ErrorCode
from wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from wire.schema import Request, Response

Answer = TypeVar("Answer", bound=Response)
RECEIVE_BYTES = 1 << 16
HANDSHAKE_VERSION, AUTHENTICATE_VERSION = 1, 1


async def log_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, security: Security) -> None:
    """Log in as the properties say; LoginFailed where the cluster does not let us."""
    conversation = ClientConversation("kbroker-proxy")

    async def ask(request: Request, version: int, answer: type[Answer]) -> Answer:
        writer.writelines(conversation.send(request, version))
        while True:
            data = await reader.read(RECEIVE_BYTES)
            if not data:
                raise LoginFailed("the cluster closed the connection during the login")
            for _, got in conversation.receive_data(data):
                assert isinstance(got, answer)
                return got

    mechanism = security.mechanism or ""
    if mechanism not in MECHANISMS:
        raise LoginFailed(f"{mechanism} is not spoken here; there are {', '.join(MECHANISMS)}")
    shaken = await ask(SaslHandshakeRequest(mechanism=mechanism), HANDSHAKE_VERSION, SaslHandshakeResponse)
    if shaken.error_code:
        raise LoginFailed(f"the cluster does not take {mechanism}; it offers {', '.join(shaken.mechanisms)}")
    exchange = MECHANISMS[mechanism](security)
    said = next(exchange)
    while True:
        answer = await ask(SaslAuthenticateRequest(auth_bytes=said), AUTHENTICATE_VERSION, SaslAuthenticateResponse)
        if answer.error_code:
            raise LoginFailed(answer.error_message or ErrorCode(answer.error_code).message)
        try:
            said = exchange.send(answer.auth_bytes)
        except StopIteration:
            return
