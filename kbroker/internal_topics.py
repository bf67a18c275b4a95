"""The internal topics of streams groups, made in the catalog: where groups and the catalog meet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kbroker.catalog import NewTopic
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.catalog import Catalog, Topic
    from kbroker.groups.streams.topology import InternalTopic
    from kbroker.world import World


def make_internal_topics(
    catalog: Catalog, world: World, topics: Sequence[InternalTopic]
) -> asyncio.Future[Sequence[str | None]]:
    """Why each of them could not be made, in words for people, or None. One that is there by now is as good as made."""
    made: asyncio.Future[Sequence[str | None]] = world.future()
    new = [
        NewTopic(topic.name, topic.partitions, topic.replication_factor or -1, (), topic.configs) for topic in topics
    ]

    def done(created: asyncio.Future[list[Topic | KafkaError]]) -> None:
        error = asyncio.CancelledError() if created.cancelled() else created.exception()
        outcomes: Sequence[object] = [error] * len(new) if error is not None else created.result()
        made.set_result([_reason(outcome) for outcome in outcomes])

    catalog.create_topics(new).add_done_callback(done)
    return made


def _reason(outcome: object) -> str | None:
    if isinstance(outcome, KafkaError):
        return None if outcome.code is ErrorCode.TOPIC_ALREADY_EXISTS else outcome.message or outcome.code.message
    return str(outcome) if isinstance(outcome, BaseException) else None
