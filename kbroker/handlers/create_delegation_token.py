"""CreateDelegationToken: a token for oneself, or for somebody for whom one may make tokens (KIP-48, KIP-373)."""

from __future__ import annotations

from kbroker.catalog.delegation import NewToken
from kbroker.context import Context
from kbroker.handlers._tokens import NO_TIME, parts, refusal, seal
from wire.errors import ErrorCode, KafkaError
from wire.messages.create_delegation_token import CreateDelegationTokenRequest, CreateDelegationTokenResponse

_USER = "User"


async def create_delegation_token(request: CreateDelegationTokenRequest, ctx: Context) -> CreateDelegationTokenResponse:
    requester = owner = ctx.connection.principal
    if request.owner_principal_name:
        owner = f"{request.owner_principal_type or ''}:{request.owner_principal_name}"
    response = _nothing(ctx, owner, requester)
    fault = refusal(ctx) or _fault(request, ctx, owner)
    if fault is not None:
        response.error_code = fault
        return response
    try:
        sealed = seal(ctx)
    except KafkaError as error:
        response.error_code = error.code
        response.issue_timestamp_ms = response.expiry_timestamp_ms = response.max_timestamp_ms = 0  # as the controller
        return response
    renewers = tuple(f"{one.principal_type}:{one.principal_name}" for one in request.renewers)
    token = await ctx.cluster.catalog.create_token(NewToken(owner, requester, renewers, request.max_lifetime_ms))
    response.issue_timestamp_ms = token.issued_at_ms
    response.expiry_timestamp_ms = token.expires_at_ms
    response.max_timestamp_ms = token.ends_at_ms
    response.token_id = token.token_id
    response.hmac = sealed.hmac(token.token_id)
    return response


def _fault(request: CreateDelegationTokenRequest, ctx: Context, owner: str) -> ErrorCode | None:
    if owner != ctx.connection.principal and not ctx.authorize("CREATE_TOKENS", "USER", (owner,))[0]:
        return ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED
    kinds = [one.principal_type for one in request.renewers]
    if not parts(owner)[0] or any(kind != _USER for kind in kinds):
        return ErrorCode.INVALID_PRINCIPAL_TYPE
    return None


def _nothing(ctx: Context, owner: str, requester: str) -> CreateDelegationTokenResponse:
    """The answer without a token."""
    tells_requester = ctx.version >= 3  # KIP-373
    asker_type, asker_name = parts(requester) if tells_requester else ("", "")
    owner_type, owner_name = parts(owner)
    return CreateDelegationTokenResponse(
        error_code=0,
        principal_type=owner_type,
        principal_name=owner_name,
        token_requester_principal_type=asker_type,
        token_requester_principal_name=asker_name,
        issue_timestamp_ms=NO_TIME,
        expiry_timestamp_ms=NO_TIME,
        max_timestamp_ms=NO_TIME,
        token_id="",
        hmac=b"",
    )
