"""OffsetCommit: how far a group has come.

    v3  throttle time    v5  no retention time of its own any more (KIP-211)    v6  leader epochs (KIP-320)
    v7  group instance id (KIP-345)    v8  flexible    v9  GROUP_ID_NOT_FOUND (69) for a generation of a group that
    is not there, before ILLEGAL_GENERATION (22) (KIP-848)    v10  topics by id (KIP-848)

Every partition has its own error, also when the group refuses all: UNKNOWN_TOPIC_OR_PARTITION (3), UNKNOWN_TOPIC_ID
(100), OFFSET_METADATA_TOO_LARGE (12), UNKNOWN_MEMBER_ID (25) when generation -1 commits into a group with members,
REBALANCE_IN_PROGRESS (27) while the group waits for its assignment, FENCED_INSTANCE_ID (82). An empty group id is a
group like any other here: simple consumers use it.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.groups.answers import then
from kbroker.groups.events import CommitOffsets
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from wire.primitives import ZERO_UUID


def offset_commit(request: OffsetCommitRequest, ctx: Context) -> OffsetCommitResponse | Awaitable[OffsetCommitResponse]:
    misses_unknown = ctx.version >= 9  # KIP-848
    by_id = ctx.version >= 10  # KIP-848
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    unknown = ErrorCode.GROUP_ID_NOT_FOUND if misses_unknown else ErrorCode.ILLEGAL_GENERATION
    known, refused = _sort_out(request, ctx, by_id)
    if not known:
        return OffsetCommitResponse(topics=refused)
    request.topics = known
    committed = ctx.cluster.groups.ask(ctx, request.group_id, lambda ticket: CommitOffsets(ticket, request, unknown))
    if not refused:
        return committed
    return then(ctx.cluster.world, committed, lambda response: _merge(refused, response))


def _sort_out(
    request: OffsetCommitRequest, ctx: Context, by_id: bool
) -> tuple[list[OffsetCommitRequestTopic], list[OffsetCommitResponseTopic]]:
    """What there is, with names and ids, and the answers for what there is not."""
    catalog = ctx.cluster.catalog
    found = [catalog.topic_by_id(topic.topic_id) if by_id else catalog.topic(topic.name) for topic in request.topics]
    names = [asked.name if topic is None else topic.name for asked, topic in zip(request.topics, found, strict=True)]
    known, refused = [], []
    for asked, topic, may in zip(request.topics, found, ctx.authorize("READ", "TOPIC", names), strict=True):
        if topic is None:
            code = ErrorCode.UNKNOWN_TOPIC_ID if by_id else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            refused.append(_refuse(asked.name, asked.topic_id, asked.partitions, code))
        elif not may:
            refused.append(_refuse(asked.name, asked.topic_id, asked.partitions, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
        else:
            there = range(len(topic.partitions))
            existing = [each for each in asked.partitions if each.partition_index in there]
            missing = [each for each in asked.partitions if each.partition_index not in there]
            if missing:
                refused.append(_refuse(topic.name, topic.id, missing, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
            if existing:
                known.append(OffsetCommitRequestTopic(name=topic.name, topic_id=topic.id, partitions=existing))
    return known, refused


def _refuse(
    name: str, topic_id: bytes, partitions: list[OffsetCommitRequestPartition], code: ErrorCode
) -> OffsetCommitResponseTopic:
    answers = [
        OffsetCommitResponsePartition(partition_index=each.partition_index, error_code=code) for each in partitions
    ]
    return OffsetCommitResponseTopic(name=name, topic_id=topic_id, partitions=answers)


def _merge(refused: list[OffsetCommitResponseTopic], response: OffsetCommitResponse) -> OffsetCommitResponse:
    """One answer for a topic of which only some partitions exist."""
    partly = {topic.topic_id: topic for topic in refused if topic.topic_id != ZERO_UUID}
    for topic in response.topics:
        other = partly.get(topic.topic_id)
        if other is None:
            refused.append(topic)
        else:
            other.partitions += topic.partitions
    return OffsetCommitResponse(topics=refused)
