"""SASL OAUTHBEARER (RFC 7628): the client brings a token that somebody else has made, as Kafka's
`OAuthBearerSaslServer` takes it.

    client   n,[a=authzid],^Aauth=Bearer <token>^A[key=value^A ...]^A
    broker   nothing: the client is in; or {"status":"invalid_token"}
    client   ^A after the latter, and hears that it has failed; or another token

Which tokens are good is decided by the validator that is handed in (`tokens.py`); the session ends with the token.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kbroker.security.mechanisms import Failed, Identity

Validate = Callable[[str, int], Identity]
"""Whose token this is at that time, in milliseconds; raises BadToken."""

_CONTROL_A = b"\x01"
_INVALID = '{"status":"invalid_token"}'
_FIRST = re.compile(
    rb"n,(?:a=(?P<authzid>(?:[^\x00=,]|=2C|=3D)+))?,\x01(?P<pairs>(?:[A-Za-z]+=[\x21-\x7e \t\r\n]+\x01)*)\x01"
)
_BEARER = re.compile(r"\s*(\w+)[ ]+([-_.a-zA-Z0-9]+)\s*")


class BadToken(Exception):
    """Why a token is not good; nothing of the token is in it."""


class OAuthBearer:
    """One login."""

    __slots__ = ("_refused", "_validate", "identity")

    def __init__(self, validate: Validate) -> None:
        self._validate = validate
        self._refused = ""  # why the last token was no good
        self.identity: Identity | None = None

    def step(self, token: bytes, now_ms: int) -> bytes:
        if self._refused and token == _CONTROL_A:
            raise Failed(_INVALID, self._refused)
        authorization_id, bearer = _read(token)
        try:
            identity = self._validate(bearer, now_ms)
        except BadToken as error:
            self._refused = str(error)
            return _INVALID.encode()
        if authorization_id not in ("", identity.name):
            raise Failed(
                f"Authentication failed: Client requested an authorization id ({authorization_id}) that is different "
                f"from the token's principal name ({identity.name})"
            )
        self.identity = identity
        return b""


def _read(message: bytes) -> tuple[str, str]:
    """Authorization id and token of the client's message."""
    said = _FIRST.fullmatch(message)
    if said is None:
        raise Failed(None, "it sent no OAUTHBEARER message")
    pairs = dict(pair.partition("=")[::2] for pair in said["pairs"].decode().split("\x01") if pair)
    bearer = _BEARER.fullmatch(pairs.get("auth", ""))
    if bearer is None or bearer[1].lower() != "bearer":
        raise Failed(None, "it sent no bearer token")
    name = (said["authzid"] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")
    return name.decode("utf-8", "replace"), bearer[2]
