"""SaslAuthenticate: one token of the mechanism that the handshake agreed on; `security/login.py` decides.

v1  tells how long the session lasts (KIP-368)

Errors: SASL_AUTHENTICATION_FAILED, ILLEGAL_SASL_STATE.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.security.login import TOKENS
from wire.errors import ErrorCode
from wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse


def sasl_authenticate(request: SaslAuthenticateRequest, ctx: Context) -> SaslAuthenticateResponse:
    login = ctx.connection.login
    if login is None or login.state != TOKENS:
        reason = "SaslAuthenticate request received after successful authentication"
        return SaslAuthenticateResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE, error_message=reason, auth_bytes=b"")
    answer = login.step(bytes(request.auth_bytes), ctx.cluster.world.time_ms())
    return SaslAuthenticateResponse(
        error_code=answer.error,
        error_message=answer.message,
        auth_bytes=answer.token,
        session_lifetime_ms=answer.session_lifetime_ms,
    )
