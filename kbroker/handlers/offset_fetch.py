"""OffsetFetch: what a group has committed.

    v2  null topics ask for everything; an error of the group stands at the top    v3  throttle time
    v5  leader epochs (KIP-320)    v6  flexible    v7  require_stable (KIP-447)    v8  several groups (KIP-709)
    v9  member id and epoch, for groups of the new protocol (KIP-848)    v10  topics by id (KIP-848)

Nothing committed is no error: offset -1, epoch -1, metadata "". So is an unknown group, and an empty group id.
UNSTABLE_OFFSET_COMMIT (88) for a partition with an undecided transaction, if stability is asked for;
UNKNOWN_TOPIC_ID (100) for an id that nobody has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather, then
from kbroker.groups.events import FetchOffsets, Wanted
from kbroker.groups.offsets.fetch import refuse_partitions
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from wire.primitives import ZERO_UUID

Question = Callable[[], asyncio.Future[OffsetFetchResponseGroup]]


def offset_fetch(request: OffsetFetchRequest, ctx: Context) -> OffsetFetchResponse | Awaitable[OffsetFetchResponse]:
    has_top_level_error = ctx.version >= 2
    asks_for_many = ctx.version >= 8  # KIP-709
    by_id = ctx.version >= 10  # KIP-848
    world = ctx.cluster.world
    groups = request.groups if asks_for_many else [_as_group(request)]
    asked = [_question(group, request.require_stable, by_id, ctx) for group in groups]
    answers = gather(world, [question for question, _ in asked])

    def answer(fetched: list[OffsetFetchResponseGroup | KafkaError]) -> OffsetFetchResponse:
        complete = [
            _complete(group, found, unknown, by_id, ctx)
            for group, found, (_, unknown) in zip(groups, fetched, asked, strict=True)
        ]
        if asks_for_many:
            return OffsetFetchResponse(groups=complete)
        return _for_one(complete[0], groups[0], has_top_level_error)

    return then(world, answers, answer)


def _as_group(request: OffsetFetchRequest) -> OffsetFetchRequestGroup:
    topics = request.topics
    return OffsetFetchRequestGroup(
        group_id=request.group_id,
        topics=topics
        if topics is None
        else [
            OffsetFetchRequestTopics(name=topic.name, topic_id=ZERO_UUID, partition_indexes=topic.partition_indexes)
            for topic in topics
        ],
    )


def _question(
    group: OffsetFetchRequestGroup, require_stable: bool, by_id: bool, ctx: Context
) -> tuple[Question, list[OffsetFetchResponseTopics]]:
    """What to ask the group's machine, and the answers for topics that it need not be asked for."""
    if not ctx.authorize("DESCRIBE", "GROUP", (group.group_id,))[0]:
        return partial(_raise, ErrorCode.GROUP_AUTHORIZATION_FAILED), []
    wanted: list[Wanted] | None = None
    refused: list[OffsetFetchResponseTopics] = []
    if group.topics is not None:
        wanted = []
        for asked in group.topics:
            catalog = ctx.cluster.catalog
            topic = catalog.topic_by_id(asked.topic_id) if by_id else catalog.topic(asked.name)
            name = asked.name if topic is None else topic.name
            if by_id and topic is None:
                refused.append(_refuse(asked, ErrorCode.UNKNOWN_TOPIC_ID))
            elif not ctx.authorize("DESCRIBE", "TOPIC", (name,))[0]:
                refused.append(_refuse(asked, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
            else:
                wanted.append(Wanted(name, asked.partition_indexes, ZERO_UUID if topic is None else topic.id))
    ask = ctx.cluster.groups.ask
    event = partial(
        FetchOffsets,
        group_id=group.group_id,
        topics=wanted,
        require_stable=require_stable,
        member_id=group.member_id,
        member_epoch=group.member_epoch,
    )
    return partial(ask, ctx, group.group_id, event), refused


def _raise(code: ErrorCode) -> asyncio.Future[OffsetFetchResponseGroup]:
    raise KafkaError(code)


def _refuse(asked: OffsetFetchRequestTopics, code: ErrorCode) -> OffsetFetchResponseTopics:
    partitions = refuse_partitions(asked.partition_indexes, code)
    return OffsetFetchResponseTopics(name=asked.name, topic_id=asked.topic_id, partitions=partitions)


def _complete(
    group: OffsetFetchRequestGroup,
    found: OffsetFetchResponseGroup | KafkaError,
    refused: list[OffsetFetchResponseTopics],
    by_id: bool,
    ctx: Context,
) -> OffsetFetchResponseGroup:
    if isinstance(found, KafkaError):
        return OffsetFetchResponseGroup(group_id=group.group_id, topics=[], error_code=found.code)
    topics = found.topics
    if group.topics is None:
        names = [topic.name for topic in topics]
        allowed = ctx.authorize("DESCRIBE", "TOPIC", names)
        topics = [topic for topic, may in zip(topics, allowed, strict=True) if may]
        if by_id:  # what was committed for a topic that is gone has no id to be told by
            topics = [topic for topic in topics if _identify(topic, ctx)]
    return OffsetFetchResponseGroup(group_id=group.group_id, topics=topics + refused, error_code=ErrorCode.NONE)


def _identify(topic: OffsetFetchResponseTopics, ctx: Context) -> bool:
    found = ctx.cluster.catalog.topic(topic.name)
    if found is not None:
        topic.topic_id = found.id
    return found is not None


def _for_one(
    group: OffsetFetchResponseGroup, asked: OffsetFetchRequestGroup, has_top_level_error: bool
) -> OffsetFetchResponse:
    """The form before KIP-709."""
    topics = group.topics
    if group.error_code and not has_top_level_error:
        topics = [_refuse(topic, ErrorCode(group.error_code)) for topic in asked.topics or ()]
    return OffsetFetchResponse(
        topics=[
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=each.partition_index,
                        committed_offset=each.committed_offset,
                        committed_leader_epoch=each.committed_leader_epoch,
                        metadata=each.metadata,
                        error_code=each.error_code,
                    )
                    for each in topic.partitions
                ],
            )
            for topic in topics
        ],
        error_code=group.error_code,
        groups=[],
    )
