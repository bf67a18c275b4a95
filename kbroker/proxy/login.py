"""SASL towards the cluster, on behalf of clients that have none."""

from __future__ import annotations

import asyncio

from kbroker.client.errors import LoginFailed
from kbroker.client.security import Security, login
from kbroker.listeners import place
from wire.conversation import ClientConversation
from wire.schema import Request, Response

RECEIVE_BYTES = 1 << 16
VERSION = 1
"""Of both requests of a login: SaslAuthenticate in flexible versions says nothing more."""


async def log_in(
    broker: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, security: Security
) -> None:
    """Log in as the properties say; LoginFailed where the cluster does not let us."""
    conversation = ClientConversation("kbroker-proxy")

    async def ask(request: Request) -> Response:
        writer.writelines(conversation.send(request, VERSION))
        while True:
            data = await reader.read(RECEIVE_BYTES)
            if not data:
                raise LoginFailed(f"{place(*broker)} closed the connection during the login")
            for _, answer in conversation.receive_data(data):
                return answer

    steps = login(security, place(*broker))
    request = next(steps)
    while True:
        try:
            request = steps.send(await ask(request))
        except StopIteration:
            return
