"""Partitions as people write them; numbers and times are in `records/places.py`.

orders            all partitions of the topic            orders:0,2,4-6     these
"""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.client.cluster import Client
from kbroker.client.offsets import Place
from kbroker.records.places import numbers


def places_of(client: Client, texts: Iterable[str]) -> list[Place]:
    """The partitions that these texts name, in order."""
    found: list[Place] = []
    for text in texts:
        topic, colon, wanted = text.partition(":")
        indexes = sorted(client.leaders(topic))
        found += [(topic, at) for at in (numbers(wanted) if colon else indexes)]
    return found
