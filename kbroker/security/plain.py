"""SASL PLAIN (RFC 4616): one token with everything in it, as Kafka's `PlainSaslServer` reads it.

    [authzid] NUL authcid NUL passwd

An authorization id may only repeat the name. All passwords are compared in constant time, also that of nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest

from kbroker.security.mechanisms import Failed, Identity

Password = Callable[[str], str | None]
"""The password of a user; None if there is no such user."""


class Plain:
    """One login."""

    __slots__ = ("_password", "identity")

    def __init__(self, password: Password) -> None:
        self._password = password
        self.identity: Identity | None = None

    def step(self, token: bytes, now_ms: int) -> bytes:
        parts = token.decode("utf-8", "replace").split("\0", 3)
        if len(parts) != 3:
            raise Failed(f"Invalid SASL/PLAIN response: expected 3 tokens, got {len(parts)}")
        authorization_id, name, password = parts
        if not name:
            raise Failed("Authentication failed: username not specified")
        if not password:
            raise Failed("Authentication failed: password not specified")
        known = self._password(name)
        same = compare_digest(password.encode(), (password + "?" if known is None else known).encode())
        if not same:
            raise Failed("Authentication failed: Invalid username or password")
        if authorization_id not in ("", name):
            raise Failed("Authentication failed: Client requested an authorization id that is different from username")
        self.identity = Identity(name)
        return b""
