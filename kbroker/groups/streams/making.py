"""Internal topics are made: those that a topology needs and that are not there. The answer to the heartbeat that found
them missing does not wait; the next one finds them.

Each is asked for once at a time. What went wrong is remembered for a while, so that members hear of it, and the catalog
is not asked again with every heartbeat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kbroker.groups.streams.topology import InternalTopic

log = logging.getLogger("kbroker.groups")

TopicMaker = Callable[["Sequence[InternalTopic]"], "asyncio.Future[Sequence[str | None]]"]
"""Makes topics; says for each of them why it could not, in words for people, or None."""


class InternalTopics:
    """`now_ms` is the time that Kafka's rules live by."""

    def __init__(self, make: TopicMaker, now_ms: Callable[[], int]) -> None:
        self._make = make
        self._now_ms = now_ms
        self._under_way: set[str] = set()
        self._failed: dict[str, tuple[str, int]] = {}  # why, and until when that is believed

    def want(self, topics: Sequence[InternalTopic], believed_ms: int) -> Mapping[str, str]:
        """Have them made, and tell of which that has failed lately, and why."""
        now = self._now_ms()
        self._failed = {name: failed for name, failed in self._failed.items() if failed[1] > now}
        fresh = [topic for topic in topics if topic.name not in self._failed and topic.name not in self._under_way]
        if fresh:
            self._under_way.update([topic.name for topic in fresh])
            self._make(fresh).add_done_callback(partial(self._made, fresh, believed_ms))
        return {topic.name: self._failed[topic.name][0] for topic in topics if topic.name in self._failed}

    def _made(self, topics: Sequence[InternalTopic], believed_ms: int, made: asyncio.Future[Any]) -> None:
        names = [topic.name for topic in topics]
        self._under_way.difference_update(names)
        if made.cancelled():
            return
        error = made.exception()
        outcomes = [str(error)] * len(names) if error is not None else made.result()
        until = self._now_ms() + believed_ms
        for name, outcome in zip(names, outcomes, strict=True):
            if outcome is not None:
                log.warning("the internal topic %s could not be made: %s", name, outcome)
                self._failed[name] = (outcome, until)
