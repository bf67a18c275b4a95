"""The conversation of one connection before its first real request, and again when its session ends.

    state                     may come                          then
    HANDSHAKE_OR_VERSIONS     ApiVersions, SaslHandshake        HANDSHAKE after an answered ApiVersions
    HANDSHAKE                 SaslHandshake                     TOKENS, or BARE_TOKENS after version 0
    TOKENS                    SaslAuthenticate                  COMPLETE when the mechanism is done
    BARE_TOKENS               tokens without Kafka headers      COMPLETE
    COMPLETE                  anything, until the session ends
    FAILED                    nothing: the connection is closed

Any step that is wrong ends in FAILED. What is wrong with a token is told in the answer to it; a request at the wrong
time costs the connection without an answer before a mechanism was agreed on, with ILLEGAL_SASL_STATE after that.

A session has an end where the credentials expire or `connections.max.reauth.ms` is set (KIP-368). A client may log in
again on the same connection, at most once a second, by the same mechanism and as the same principal.

The source is Kafka's `SaslServerAuthenticator`; all of it was asked of Apache Kafka 4.4.0. No clock: the time is an
argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kbroker.security.mechanisms import Begin, Failed, Identity, Mechanism
from wire.errors import ErrorCode

HANDSHAKE_OR_VERSIONS, HANDSHAKE, TOKENS, BARE_TOKENS, COMPLETE, FAILED = range(6)

SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 17, 18, 36

_MAY_COME: Mapping[int, tuple[int, ...]] = {
    HANDSHAKE_OR_VERSIONS: (API_VERSIONS, SASL_HANDSHAKE),
    HANDSHAKE: (SASL_HANDSHAKE,),
    TOKENS: (SASL_AUTHENTICATE,),
}


class Way(NamedTuple):
    """One mechanism that a listener offers."""

    begin: Begin
    most_session_ms: int = 0
    """connections.max.reauth.ms; 0 if a session may last for ever."""


class Answer(NamedTuple):
    """What a token is answered with."""

    token: bytes = b""
    error: ErrorCode = ErrorCode.NONE
    message: str = ""
    session_lifetime_ms: int = 0


class Login:
    """One login of one connection. `before` is the one that it renews."""

    __slots__ = (
        "_before", "_mechanism", "_ways", "expires_at_ms", "identity", "is_silent", "mechanism", "reason", "state",
    )  # fmt: skip

    def __init__(self, ways: Mapping[str, Way], before: Login | None = None) -> None:
        self._ways = ways
        self._before = before
        self._mechanism: Mechanism | None = None
        self.state = HANDSHAKE_OR_VERSIONS if before is None else HANDSHAKE
        self.mechanism = ""
        self.identity: Identity | None = None
        self.expires_at_ms: int | None = None
        self.reason = ""
        """Why it failed, for our log."""
        self.is_silent = False
        """Whether the client is told nothing of the failure."""

    @property
    def mechanisms(self) -> list[str]:
        return list(self._ways)

    def admits(self, api_key: int) -> bool:
        """May a request of this API come now?"""
        return api_key in _MAY_COME.get(self.state, ())

    def versions_told(self) -> None:
        """ApiVersions was answered without an error."""
        self.state = HANDSHAKE

    def handshake(self, mechanism: str, bare: bool) -> ErrorCode:
        """The client asks for a mechanism; `bare` if its tokens will come without Kafka headers."""
        way = self._ways.get(mechanism)
        if way is None:
            # A second login is told nothing: the client knew the list.
            self.fail("it asked for a SASL mechanism that is not enabled", silent=self._before is not None)
            return ErrorCode.UNSUPPORTED_SASL_MECHANISM
        self.mechanism = mechanism
        self._mechanism = way.begin()
        self.state = BARE_TOKENS if bare else TOKENS
        return ErrorCode.NONE

    def step(self, token: bytes, now_ms: int) -> Answer:
        """The client's next token."""
        assert self._mechanism is not None, "a token comes after the handshake"
        if self._before is not None and self._before.mechanism != self.mechanism:
            self.fail("it asked for another SASL mechanism than that of its first login", silent=True)
            return Answer(error=ErrorCode.SASL_AUTHENTICATION_FAILED)
        bare = self.state == BARE_TOKENS
        try:
            challenge = self._mechanism.step(token, now_ms)
            identity = self._mechanism.identity
            if identity is not None:
                self._hold_to_the_same(identity)
        except Failed as failure:
            return self._failed(failure, bare)
        if identity is None:
            return Answer(challenge)
        self.identity = identity
        self.state = COMPLETE
        lifetime = self._lifetime_ms(identity, now_ms)
        return Answer(challenge, session_lifetime_ms=lifetime)

    def fail(self, reason: str, *, silent: bool = False) -> None:
        """Nothing more may come."""
        self.state = FAILED
        self.reason = reason
        self.is_silent = silent
        self._mechanism = None

    def _failed(self, failure: Failed, bare: bool) -> Answer:
        again = "authentication" if self._before is None else "re-authentication"
        message = failure.message
        if message is None:
            # Nothing that tells whether there is such a user.
            credentials = f"invalid credentials with SASL mechanism {self.mechanism}"
            message = f"Authentication failed during {again} due to {credentials}"
        self.fail(f"its {again} by {self.mechanism} failed: {failure}", silent=bare)
        return Answer(error=ErrorCode.SASL_AUTHENTICATION_FAILED, message=message)

    def _hold_to_the_same(self, identity: Identity) -> None:
        before = None if self._before is None else self._before.identity
        if before is not None and before.name != identity.name:
            raise Failed(
                f"Cannot change principals during re-authentication from User.{before.name}: User.{identity.name}"
            )

    def _lifetime_ms(self, identity: Identity, now_ms: int) -> int:
        """How long the session may last, 0 for ever; an end in the past is 0 as well, and the session ends at once."""
        limits = []
        if identity.expires_at_ms is not None:
            limits.append(identity.expires_at_ms - now_ms)
        if most := self._ways[self.mechanism].most_session_ms:
            limits.append(most)
        if not limits:
            return 0
        lifetime = max(0, min(limits))
        self.expires_at_ms = now_ms + lifetime
        return lifetime
