"""One record and where it stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class NotUnderstood(ValueError):
    """What somebody wrote (a filter, a time, a line) means nothing; the message says what would."""


class Read(NamedTuple):
    """One record and where it stood. `timestamp` in ms; headers as (name, value or None)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
