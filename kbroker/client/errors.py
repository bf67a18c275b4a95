"""What can go wrong for a client, besides the error codes of answers (`wire.errors.KafkaError`)."""

from __future__ import annotations

from wire.errors import ErrorCode, KafkaError


class ClientError(Exception):
    """What went wrong, in one sentence that a person can act on."""


class Unreachable(ClientError):
    """Nobody answers there, or not in time."""


class LoginFailed(ClientError):
    """The broker does not let us in, or cannot prove that it is who it says."""


def check(code: int, message: str | None = None) -> None:
    """Raise what an answer's error code says; 0 says nothing."""
    if not code:
        return
    try:
        known = ErrorCode(code)
    except ValueError:
        raise ClientError(f"the broker answers with error {code}, which is not known here") from None
    raise KafkaError(known, message)
