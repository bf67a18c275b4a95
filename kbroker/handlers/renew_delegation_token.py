"""RenewDelegationToken: who holds the secret of a token, and owns it or is one of its renewers, prolongs
it (KIP-48).
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._tokens import NO_TIME, known, refusal
from wire.messages.renew_delegation_token import RenewDelegationTokenRequest, RenewDelegationTokenResponse


async def renew_delegation_token(request: RenewDelegationTokenRequest, ctx: Context) -> RenewDelegationTokenResponse:
    fault = refusal(ctx)
    if fault is not None:
        return RenewDelegationTokenResponse(error_code=fault, expiry_timestamp_ms=NO_TIME)
    token_id = known(ctx, request.hmac)
    expires_at_ms = await ctx.cluster.catalog.renew_token(token_id, ctx.connection.principal, request.renew_period_ms)
    return RenewDelegationTokenResponse(error_code=0, expiry_timestamp_ms=expires_at_ms)
