"""Which exchanges somebody wants to see: what the first bytes of a frame tell, and what has to be read for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kbroker.control.reading import key_of
from kbroker.trace.choosing import Choice
from wire.primitives import uuid_text

if TYPE_CHECKING:
    from kbroker.broker import Broker
    from kbroker.control.history import Seen


class Wanted(NamedTuple):
    """`keys` are those of APIs, one of them is enough; nothing is everything."""

    keys: frozenset[int]
    connection: int | None
    correlation_id: int | None
    choice: Choice

    def may_be(self, seen: Seen) -> bool:
        """Whether it is worth reading."""
        if self.connection is not None and seen.connection != self.connection:
            return False
        if not self.keys and self.correlation_id is None:
            return True
        key, _, correlation_id = seen.head
        if self.keys and key not in self.keys:
            return False
        return self.correlation_id is None or self.correlation_id == correlation_id


def wanted(
    broker: Broker,
    api: Sequence[str] | None,
    client: str | None,
    topic: str | None,
    group: str | None,
    error: str | None,
    failed: bool,
    connection: int | None,
    correlation_id: int | None = None,
) -> Wanted:
    """ControlError where there is no such API. APIs may also come in one text, with commas between them."""
    names = [name for text in api or () for name in text.split(",") if name]
    known = None if not topic else broker.cluster.catalog.topic(topic)
    choice = Choice(
        client_id=client or None,
        topic=topic or None,
        group=group or None,
        error=error or None,
        failed=failed,
        topic_id=None if known is None else uuid_text(known.id),
    )
    return Wanted(frozenset(map(key_of, names)), connection, correlation_id, choice)
