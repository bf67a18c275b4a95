"""What the four requests about delegation tokens ask first, in Kafka's order (`KafkaApis`).

A principal that nobody has proved may not ask, nor may one that has itself logged in with a token: a token makes no
others. Where `delegation.token.secret.key` is not set there are none.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.security.delegation_tokens import Seal
from wire.errors import ErrorCode, KafkaError

UNPROVED = "User:ANONYMOUS"
NO_TIME = -1


def refusal(ctx: Context) -> ErrorCode | None:
    """Why this client may not ask about tokens at all."""
    login, protocol = ctx.connection.login, ctx.listener.security_protocol
    by_token = login is not None and login.identity is not None and login.identity.by_delegation_token
    unproved = protocol == "PLAINTEXT" or (protocol == "SSL" and ctx.connection.principal == UNPROVED)
    return ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED if by_token or unproved else None


def seal(ctx: Context) -> Seal:
    """What makes secrets of tokens; raises KafkaError where tokens are off."""
    key = ctx.cluster.config["delegation.token.secret.key"]
    if not key:
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED)
    return Seal(key)


def known(ctx: Context, hmac: bytes) -> str:
    """The id of the token with that secret; raises KafkaError."""
    token_id = seal(ctx).find(bytes(hmac), ctx.cluster.catalog.tokens)
    if token_id is None:
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_NOT_FOUND)
    return token_id


def parts(principal: str) -> tuple[str, str]:
    """Type and name of a principal."""
    kind, _, name = principal.partition(":")
    return kind, name
