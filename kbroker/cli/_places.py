"""Partitions as people write them; times are in `records/times.py`.

orders            all partitions of the topic            orders:0,2,4-6     these
"""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.client.cluster import Client
from kbroker.client.errors import ClientError
from kbroker.client.offsets import Place


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
