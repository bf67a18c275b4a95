"""A member as an assignor sees it."""

from __future__ import annotations

from typing import NamedTuple

from kbroker.groups.consumer.assignment import Assignment


class Subscriber(NamedTuple):
    """`topics` holds only ids of topics that exist; `target` is what the member was to have until now."""

    topics: frozenset[bytes]
    target: Assignment
    instance_id: str | None = None
