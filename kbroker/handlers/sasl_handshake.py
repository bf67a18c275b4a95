"""SaslHandshake: the client picks a SASL mechanism, if its connection is logging in; `security/login.py` decides.

v0  the tokens follow without Kafka headers        v1  inside SaslAuthenticate

Errors: UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.security.login import HANDSHAKE, HANDSHAKE_OR_VERSIONS
from wire.errors import ErrorCode
from wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse


def sasl_handshake(request: SaslHandshakeRequest, ctx: Context) -> SaslHandshakeResponse:
    login = ctx.connection.login
    if login is None or login.state not in (HANDSHAKE_OR_VERSIONS, HANDSHAKE):
        return SaslHandshakeResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE, mechanisms=[])
    tokens_are_bare = ctx.version == 0  # KIP-152
    code = login.handshake(request.mechanism, tokens_are_bare)
    return SaslHandshakeResponse(error_code=code, mechanisms=login.mechanisms)
