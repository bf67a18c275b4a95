"""SaslAuthenticate (key 36): one token of the chosen SASL mechanism, and the broker's next one.

PLAIN takes one round, SCRAM two, OAUTHBEARER one or, after a failure, two. Until the mechanism is done nothing else
may be asked (KIP-152).

v1 session_lifetime_ms: authenticate again before it is over, 0 for never (KIP-368)   v2 flexible

Errors: SASL_AUTHENTICATION_FAILED (then the connection is closed), ILLEGAL_SASL_STATE, UNSUPPORTED_SASL_MECHANISM.
"""

from ..schema import Request, Response, bytes_, int16, int64, string


class SaslAuthenticateRequest(Request, key=36, versions="0-2", flexible="2+"):
    auth_bytes: bytes = bytes_()


class SaslAuthenticateResponse(Response, key=36, versions="0-2", flexible="2+"):
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
    auth_bytes: bytes = bytes_()
    session_lifetime_ms: int = int64(versions="1+", default=0, ignorable=True)
