"""What every SASL mechanism is to the broker: a small machine that takes the client's tokens one by one.

`step` answers a token with the next challenge (perhaps an empty one) and sets `identity` when the client has proved who
it is. A client that cannot is `Failed`. A mechanism knows no clock: the time is handed in, for what expires.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Failed(Exception):
    """The client did not prove who it is.

    The message goes to the client, as Kafka words it. None where it would tell too much: then the client only hears
    that its credentials are invalid, and `why` is for our log.
    """

    def __init__(self, message: str | None, why: str = "") -> None:
        super().__init__(message or why)
        self.message = message


class Identity(NamedTuple):
    """Who has logged in: the name of a principal of type User."""

    name: str
    expires_at_ms: int | None = None
    """When the credentials end, in milliseconds since the epoch; None if they do not."""
    by_delegation_token: bool = False


class Mechanism(Protocol):
    """One client's way through one mechanism."""

    identity: Identity | None

    def step(self, token: bytes, now_ms: int) -> bytes:
        """The answer to this token; raises Failed."""


Begin = Callable[[], Mechanism]
"""A mechanism at its beginning, for one more client."""
