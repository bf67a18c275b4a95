"""Partitions and times as people write them.

0,2,4-6           these partitions
2026-11-21        midnight UTC of that day               2026-11-21T14:30   UTC unless it says +02:00
15m, 2h, 7d       so long ago                            1795266515747      milliseconds since 1970
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from kbroker.records.read import NotUnderstood

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST_OFFSET = 12
_MOST_PARTITIONS = 100_000


def numbers(text: str) -> list[int]:
    """0,2,4-6; raises NotUnderstood."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not is_offset(first) or (dash and not (is_offset(last) and int(last) - int(first) <= _MOST_PARTITIONS)):
            raise NotUnderstood(f"{text!r} are no partitions; 0,2,4-6 would be")
        found += range(int(first), int(last) + 1) if dash else [int(first)]
    return found


def is_offset(text: str) -> bool:
    """Of a number: whether it is an offset. One with 12 digits and more is a time since 1970."""
    return text.isdecimal() and len(text) < _LONGEST_OFFSET


def milliseconds(text: str, *, now: datetime) -> int:
    """A time since 1970. Raises NotUnderstood."""
    if text.isdecimal():
        return int(text)
    try:
        if ago := _AGO.fullmatch(text.strip()):
            at = now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        else:
            at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise NotUnderstood(f"{text!r} is no time; 2026-11-21T14:30, 15m (ago) or milliseconds would be") from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)


def date(timestamp_ms: int) -> str:
    if timestamp_ms < 0:
        return "-"
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
