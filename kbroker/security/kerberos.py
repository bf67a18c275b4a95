"""SASL GSSAPI (RFC 4752) as Java's Kerberos server plays it for Apache Kafka.

    client   tokens of a GSS context         broker   its own, until the context stands
    client   nothing                         broker   wrapped: the security layers it has, and how much it takes at once
    client   wrapped: the layer it chose, how much it takes, whom it wants to be

There is one layer: none (`auth`), since Kafka encrypts by TLS. Whom the client wants to be counts for nothing, as in
Kafka: it is whom its ticket names, made a local name by `local_names.py`.

The GSS context is handed in (`server/tickets.py` has that of the package gssapi); here is only the order of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kbroker.security.mechanisms import Failed, Identity

NO_LAYER = 1
MOST_AT_ONCE = 65536  # Java's; nothing is wrapped afterwards
OFFER = bytes([NO_LAYER]) + MOST_AT_ONCE.to_bytes(3, "big")

AGREEING, OFFERING, CHOOSING, OVER = range(4)


class BadTicket(Exception):
    """Why a token of the client's is not good; nothing of the token is in it."""


class Ticket(Protocol):
    """The acceptor's half of a GSS context. Every call may raise BadTicket."""

    def step(self, token: bytes) -> bytes:
        """The answer to the client's token, perhaps an empty one."""

    def is_complete(self) -> bool:
        """Whether both know each other."""

    def wrap(self, message: bytes) -> bytes:
        """Signed, not encrypted."""

    def unwrap(self, token: bytes) -> bytes: ...

    def client(self) -> tuple[str, str]:
        """The client's principal, name@REALM, and the broker's realm."""


class Kerberos:
    """One login."""

    __slots__ = ("_local_name", "_stage", "_ticket", "identity")

    def __init__(self, ticket: Ticket, local_name: Callable[[str, str], str | None]) -> None:
        """`local_name` makes a user of a principal and the default realm; None if no rule applies."""
        self._ticket = ticket
        self._local_name = local_name
        self._stage = AGREEING
        self.identity: Identity | None = None

    def step(self, token: bytes, now_ms: int) -> bytes:
        try:
            return self._step(token)
        except BadTicket as error:
            raise Failed(None, str(error)) from None

    def _step(self, token: bytes) -> bytes:
        if self._stage == AGREEING:
            answer = self._ticket.step(token)
            if not self._ticket.is_complete():
                return answer
            self._stage = OFFERING
            return answer or self._offer()
        if self._stage == OFFERING:
            if token:
                raise BadTicket("it said something where nothing is to be said")
            return self._offer()
        if self._stage == CHOOSING:
            self._choose(self._ticket.unwrap(token))
            return b""
        raise BadTicket("it goes on after the end")

    def _offer(self) -> bytes:
        self._stage = CHOOSING
        return self._ticket.wrap(OFFER)

    def _choose(self, chosen: bytes) -> None:
        self._stage = OVER
        if len(chosen) < len(OFFER):
            raise BadTicket("it chose no security layer")
        if chosen[0] != NO_LAYER:
            raise BadTicket(f"it chose the security layer {chosen[0]}, and there is only {NO_LAYER}")
        principal, realm = self._ticket.client()
        name = self._local_name(principal, realm)
        if name is None:
            raise BadTicket(f"no rule of sasl.kerberos.principal.to.local.rules applies to {principal}")
        self.identity = Identity(name)
