"""Partitions and times as people write them.

orders            all partitions of the topic            orders:0,2,4-6     these
2026-11-21        midnight UTC of that day               2026-11-21T14:30   UTC unless it says +02:00
15m, 2h, 7d       so long ago                            1795266515747      milliseconds since 1970
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.offsets import Place

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class NotATime(ValueError):
    """The text is no time that we understand."""


def places_of(client: Client, texts: Iterable[str]) -> list[Place]:
    """The partitions that these texts name, in order."""
    found: list[Place] = []
    for text in texts:
        topic, colon, wanted = text.partition(":")
        indexes = sorted(client.leaders(topic))
        found += [(topic, at) for at in (numbers(wanted) if colon else indexes)]
    return found


def numbers(text: str) -> list[int]:
    """0,2,4-6"""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ClientError(f"{text!r} are no partitions; 0,2,4-6 would be")
        found += range(int(first), int(last) + 1) if dash else [int(first)]
    return found


def milliseconds(text: str, *, now: datetime) -> int:
    """A time since 1970."""
    if text.isdecimal():
        return int(text)
    if ago := _AGO.fullmatch(text.strip()):
        at = now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise NotATime(f"{text!r} is no time; 2026-11-21T14:30, 15m (ago) or milliseconds would be") from None
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)
