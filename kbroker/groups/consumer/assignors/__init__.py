"""Assignors: who should read what. Pure functions of who subscribes, what each was to have before, and what there is.

    uniform.py   as evenly as can be over all topics, and as much as can be stays where it is. The default
    range.py     each topic cut into ranges in the same order of members, so that equal topics are read side by side

Both answer with an assignment for every member, an empty one too. Every partition of a topic that somebody subscribes
to is given to exactly one of its subscribers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kbroker.groups.consumer.assignment import Assignment
from kbroker.groups.consumer.assignors.range import assign_ranges
from kbroker.groups.consumer.assignors.subscriber import Subscriber
from kbroker.groups.consumer.assignors.uniform import assign_uniformly

Assignor = Callable[[Mapping[str, Subscriber], Mapping[bytes, int]], dict[str, Assignment]]
"""Subscribers by member id, and how many partitions each topic has, to what each of them is to have."""

ASSIGNORS: dict[str, Assignor] = {"uniform": assign_uniformly, "range": assign_ranges}

__all__ = ["ASSIGNORS", "Assignor", "Subscriber"]
