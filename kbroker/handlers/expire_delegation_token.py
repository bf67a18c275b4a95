"""ExpireDelegationToken: who holds the secret of a token, and owns it or is one of its renewers, says when it ends: in
a while, or, with a negative period, now (KIP-48).
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._tokens import NO_TIME, known, refusal
from wire.messages.expire_delegation_token import ExpireDelegationTokenRequest, ExpireDelegationTokenResponse


async def expire_delegation_token(request: ExpireDelegationTokenRequest, ctx: Context) -> ExpireDelegationTokenResponse:
    fault = refusal(ctx)
    if fault is not None:
        return ExpireDelegationTokenResponse(error_code=fault, expiry_timestamp_ms=NO_TIME)
    token_id = known(ctx, request.hmac)
    expires_at_ms = await ctx.cluster.catalog.expire_token(
        token_id, ctx.connection.principal, request.expiry_time_period_ms
    )
    return ExpireDelegationTokenResponse(error_code=0, expiry_timestamp_ms=expires_at_ms)
