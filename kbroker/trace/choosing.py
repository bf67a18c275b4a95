"""Which exchanges somebody wants to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kbroker.trace.exchange import Reading

TOPIC_FIELDS = frozenset(("topic", "name", "topicName", "topicNames", "topics", "subscribedTopicNames", "topicId"))
GROUP_FIELDS = frozenset(("group", "groupId", "groups", "groupsNames", "groupIds", "coordinatorKeys", "key"))


class Choice(NamedTuple):
    """Everything that is given must be so; nothing given is everything. `apis` are names, one of them is enough;
    `topic_id` is the topic's where it is known, since newer versions name topics by it."""

    apis: Sequence[str] = ()
    client_id: str | None = None
    topic: str | None = None
    group: str | None = None
    error: str | None = None
    failed: bool = False
    topic_id: str | None = None

    @property
    def needs_fields(self) -> bool:
        """Whether all fields of both messages have to be looked at."""
        return self.topic is not None or self.group is not None

    def takes(self, reading: Reading) -> bool:
        if self.apis and reading.api.lower() not in {api.lower() for api in self.apis}:
            return False
        if self.client_id is not None and self.client_id not in (reading.client_id or ""):
            return False
        if self.error is not None and self.error.upper() not in reading.errors:
            return False
        if self.failed and not reading.errors:
            return False
        topics, groups = {self.topic, self.topic_id} - {None}, {self.group} - {None}
        return self._names(reading, TOPIC_FIELDS, topics) and self._names(reading, GROUP_FIELDS, groups)

    def _names(self, reading: Reading, fields: frozenset[str], wanted: set[str | None]) -> bool:
        return not wanted or any(
            found in wanted for message in (reading.request, reading.response) for found in _named(message, fields)
        )


def _named(value: Any, fields: frozenset[str]) -> Iterator[str]:
    """Every text in a field of these names, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in fields and isinstance(inner, str):
                yield inner
            elif name in fields and isinstance(inner, list):
                yield from (item for item in inner if isinstance(item, str))
            yield from _named(inner, fields)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, fields)
