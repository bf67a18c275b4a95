"""Delegation tokens (KIP-48, KIP-373): how long each lives and who may prolong or end it, in the order in which Kafka's
`DelegationTokenControlManager` asks (asked of Apache Kafka 4.4.0). Pure.

    owner       whom the token logs in as
    requester   who asked for it: the owner, or who may make tokens for the owner
    renewers    who may prolong and end it as well; the requester may not

A token lives until `expires_at_ms`, and can be prolonged up to `ends_at_ms`. What is over stays known, and is answered
as expired, until it is swept. The secret is no part of it: it follows from the id (`security/delegation_tokens.py`).
Principals are written "Type:name", times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from wire.durable.catalog import CatalogTokenKey, CatalogTokenValue
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from wire.schema import Struct

_MOST_MS = (1 << 63) - 1


class Token(NamedTuple):
    """What is known of a token but for its secret."""

    token_id: str
    owner: str
    requester: str
    renewers: tuple[str, ...]
    issued_at_ms: int
    expires_at_ms: int
    ends_at_ms: int

    def may_be_prolonged_by(self, principal: str) -> bool:
        return principal == self.owner or principal in self.renewers

    def concerns(self, principal: str) -> bool:
        """Whether it shows this principal in any part."""
        return self.may_be_prolonged_by(principal) or principal == self.requester

    def is_over(self, now_ms: int) -> bool:
        return min(self.expires_at_ms, self.ends_at_ms) < now_ms


class NewToken(NamedTuple):
    """A token that somebody asks for; of lifetimes of 0 and less, and beyond the longest, the longest is meant."""

    owner: str
    requester: str
    renewers: tuple[str, ...]
    lifetime_ms: int


class Lifetimes(NamedTuple):
    """delegation.token.max.lifetime.ms, and delegation.token.expiry.time.ms: the longest until it is prolonged."""

    most_ms: int
    renewal_ms: int


def created(new: NewToken, token_id: str, limits: Lifetimes, now_ms: int) -> Token:
    ends_at_ms = min(_MOST_MS, now_ms + _within(new.lifetime_ms, limits.most_ms))
    expires_at_ms = min(ends_at_ms, now_ms + limits.renewal_ms)
    return Token(token_id, new.owner, new.requester, new.renewers, now_ms, expires_at_ms, ends_at_ms)


def renewed(token: Token | None, principal: str, period_ms: int, limits: Lifetimes, now_ms: int) -> Token:
    """Raises KafkaError."""
    if token is None:
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_NOT_FOUND)
    if token.is_over(now_ms):
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_EXPIRED)
    if not token.may_be_prolonged_by(principal):
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH)
    wanted = now_ms + _within(period_ms, limits.renewal_ms)
    return token._replace(expires_at_ms=min(token.ends_at_ms, wanted))


def expired(token: Token | None, principal: str, period_ms: int, now_ms: int) -> Token | None:
    """The token with its new end, which may be later than the old one; None where it goes at once, as a negative
    period says. Raises KafkaError."""
    if token is None:
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_NOT_FOUND)
    if not token.may_be_prolonged_by(principal):
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH)
    if period_ms < 0:
        return None
    if token.is_over(now_ms):
        raise KafkaError(ErrorCode.DELEGATION_TOKEN_EXPIRED)
    return token._replace(expires_at_ms=min(token.ends_at_ms, now_ms + period_ms))


def _within(asked_ms: int, most_ms: int) -> int:
    return min(asked_ms, most_ms) if asked_ms > 0 else most_ms


def written(token: Token) -> tuple[CatalogTokenKey, CatalogTokenValue]:
    """The record of a token."""
    said = token._asdict()
    key = CatalogTokenKey(token_id=said.pop("token_id"))
    return key, CatalogTokenValue(**said | {"renewers": list(token.renewers)})


def apply(tokens: dict[str, Token], key: CatalogTokenKey, value: Struct | None) -> None:
    """Take in a record of a token."""
    if not isinstance(value, CatalogTokenValue):
        tokens.pop(key.token_id, None)
        return
    tokens[key.token_id] = Token(
        key.token_id, value.owner, value.requester, tuple(value.renewers),
        value.issued_at_ms, value.expires_at_ms, value.ends_at_ms,
    )  # fmt: skip


def over(tokens: Mapping[str, Token], now_ms: int) -> list[str]:
    """The ids of those that can be swept."""
    return [token_id for token_id, token in tokens.items() if token.is_over(now_ms)]
