"""Acknowledgements, as ShareFetch and ShareAcknowledge bring them: per partition ranges of offsets, and what became of
their records.

Each partition is answered for itself. INVALID_REQUEST (42) if its ranges are not in order, do not have one type for all
or one for each record, have a type that is none, or renew in a request that does not say so; INVALID_RECORD_STATE (121)
if the member does not hold what it acknowledges. Nothing of a partition happens then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from kbroker.catalog import Topic
from kbroker.context import Context
from kbroker.shares.acknowledge import KNOWN_TYPES, Said
from kbroker.shares.sessions import Owner, Place
from kbroker.shares.states import Acknowledge
from wire.errors import ErrorCode, KafkaError


class Range(Protocol):
    first_offset: int
    last_offset: int
    acknowledge_types: list[int]


class AskedPartition(Protocol):
    partition_index: int

    @property
    def acknowledgement_batches(self) -> Sequence[Range]: ...


class AskedTopic(Protocol):
    topic_id: bytes

    @property
    def partitions(self) -> Sequence[AskedPartition]: ...


class Outcome:
    """What became of the acknowledgements of one partition; `keeping` is there until that is known for good."""

    __slots__ = ("code", "keeping", "message", "place", "topic")

    def __init__(self, place: Place, topic: Topic | None) -> None:
        self.place = place
        self.topic = topic
        self.code = ErrorCode.NONE
        self.message: str | None = None
        self.keeping: asyncio.Future[None] | None = None

    def refuse(self, error: KafkaError) -> None:
        self.code, self.message = error.code, error.message

    def settle(self) -> None:
        """It is kept, or cannot be."""
        if self.keeping is not None:
            try:
                self.keeping.result()
            except KafkaError as error:
                self.refuse(error)
            self.keeping = None


class Asked(NamedTuple):
    place: Place
    ranges: Sequence[Range]


def asked_of(topics: Iterable[AskedTopic]) -> Iterator[Asked]:
    """The partitions of which a request says anything."""
    for topic in topics:
        for partition in topic.partitions:
            if partition.acknowledgement_batches:
                yield Asked((topic.topic_id, partition.partition_index), partition.acknowledgement_batches)


def acknowledge_all(ctx: Context, owner: Owner, asked: Iterable[Asked], may_renew: bool) -> dict[Place, Outcome]:
    outcomes = {}
    for place, ranges in asked:
        topic = ctx.cluster.catalog.topic_by_id(place[0])
        outcome = outcomes[place] = Outcome(place, topic)
        try:
            said = _said(ranges, may_renew)
            if topic is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
            if not ctx.authorize("READ", "TOPIC", (topic.name,))[0]:
                raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
            ctx.cluster.partitions.lookup(ctx.node.id, topic, place[1])
            working = ctx.cluster.shares.working((owner.group_id, *place))
            if working is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            outcome.keeping = working.acknowledge(owner.member_id, said)
        except KafkaError as error:
            outcome.refuse(error)
    return outcomes


def _said(ranges: Sequence[Range], may_renew: bool) -> list[Said]:
    said = []
    last = -1
    for each in ranges:
        first, end, types = each.first_offset, each.last_offset, each.acknowledge_types
        if first > end or first < last or len(types) not in (1, end - first + 1):
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        if not KNOWN_TYPES.issuperset(types) or (Acknowledge.RENEW in types and not may_renew):
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        said.append(Said(first, end, types))
        last = end
    return said


async def kept(outcomes: Iterable[Outcome], more: Iterable[asyncio.Future[None]] = ()) -> None:
    """Wait until everything is kept that was said."""
    keeping = [outcome.keeping for outcome in outcomes if outcome.keeping is not None]
    waiting = [future for future in (*keeping, *more) if not future.done()]
    if waiting:
        await asyncio.wait(waiting)
    for outcome in outcomes:
        outcome.settle()
