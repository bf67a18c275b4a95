"""DescribeDelegationToken: the tokens that one has a part in or may see, with their secrets (KIP-48).

Null owners mean all tokens, none at all mean none; an owner finds the tokens that it has any part in. Of others' tokens
those are told that one may describe, by their id or by their owner (KIP-373).
"""

from __future__ import annotations

from kbroker.catalog.delegation import Token
from kbroker.context import Context
from kbroker.handlers._tokens import parts, refusal, seal
from wire.errors import KafkaError
from wire.messages.describe_delegation_token import (
    DescribedDelegationToken,
    DescribedDelegationTokenRenewer,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)


def describe_delegation_token(request: DescribeDelegationTokenRequest, ctx: Context) -> DescribeDelegationTokenResponse:
    fault = refusal(ctx)
    if fault is not None:
        raise KafkaError(fault)
    sealed = seal(ctx)
    found = list(ctx.cluster.catalog.tokens.values())
    if request.owners is not None:
        owners = [f"{owner.principal_type}:{owner.principal_name}" for owner in request.owners]
        found = [token for token in found if any(token.concerns(owner) for owner in owners)]
    tokens = [_described(token, sealed.hmac(token.token_id), ctx) for token in _visible(found, ctx)]
    return DescribeDelegationTokenResponse(error_code=0, tokens=tokens)


def _visible(tokens: list[Token], ctx: Context) -> list[Token]:
    others = [token for token in tokens if not token.concerns(ctx.connection.principal)]
    by_id = ctx.authorize("DESCRIBE", "DELEGATION_TOKEN", [token.token_id for token in others])
    by_owner = ctx.authorize("DESCRIBE_TOKENS", "USER", [token.owner for token in others])
    hidden = {token.token_id for token, *allowed in zip(others, by_id, by_owner, strict=True) if not any(allowed)}
    return [token for token in tokens if token.token_id not in hidden]


def _described(token: Token, hmac: bytes, ctx: Context) -> DescribedDelegationToken:
    tells_requester = ctx.version >= 3  # KIP-373
    asker_type, asker_name = parts(token.requester) if tells_requester else ("", "")
    owner_type, owner_name = parts(token.owner)
    renewers = [parts(renewer) for renewer in token.renewers]
    return DescribedDelegationToken(
        principal_type=owner_type,
        principal_name=owner_name,
        token_requester_principal_type=asker_type,
        token_requester_principal_name=asker_name,
        issue_timestamp=token.issued_at_ms,
        expiry_timestamp=token.expires_at_ms,
        max_timestamp=token.ends_at_ms,
        token_id=token.token_id,
        hmac=hmac,
        renewers=[DescribedDelegationTokenRenewer(principal_type=kind, principal_name=name) for kind, name in renewers],
    )
