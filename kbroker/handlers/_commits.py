"""What OffsetCommit and TxnOffsetCommit share: which of the named topics and partitions there are."""

from __future__ import annotations

from kbroker.context import Context
from wire.errors import ErrorCode
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from wire.primitives import ZERO_UUID


def sort_out(
    request: OffsetCommitRequest, ctx: Context, by_id: bool
) -> tuple[list[OffsetCommitRequestTopic], list[OffsetCommitResponseTopic]]:
    """What there is, with names and ids, and the answers for what there is not."""
    catalog = ctx.cluster.catalog
    found = [catalog.topic_by_id(topic.topic_id) if by_id else catalog.topic(topic.name) for topic in request.topics]
    names = [asked.name if topic is None else topic.name for asked, topic in zip(request.topics, found, strict=True)]
    known, refused = [], []
    for asked, topic, may in zip(request.topics, found, ctx.authorize("READ", "TOPIC", names), strict=True):
        if topic is None or not may:
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if may else ErrorCode.TOPIC_AUTHORIZATION_FAILED
            if topic is None and by_id:
                code = ErrorCode.UNKNOWN_TOPIC_ID
            refused.append(refuse(asked.name, asked.topic_id, asked.partitions, code))
        else:
            there = range(len(topic.partitions))
            existing = [each for each in asked.partitions if each.partition_index in there]
            missing = [each for each in asked.partitions if each.partition_index not in there]
            if missing:
                refused.append(refuse(topic.name, topic.id, missing, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
            if existing:
                known.append(OffsetCommitRequestTopic(name=topic.name, topic_id=topic.id, partitions=existing))
    return known, refused


def refuse(
    name: str, topic_id: bytes, partitions: list[OffsetCommitRequestPartition], code: ErrorCode
) -> OffsetCommitResponseTopic:
    answers = [
        OffsetCommitResponsePartition(partition_index=each.partition_index, error_code=code) for each in partitions
    ]
    return OffsetCommitResponseTopic(name=name, topic_id=topic_id, partitions=answers)


def merge(refused: list[OffsetCommitResponseTopic], response: OffsetCommitResponse) -> OffsetCommitResponse:
    """One answer for a topic of which only some partitions exist."""
    partly = {topic.topic_id: topic for topic in refused if topic.topic_id != ZERO_UUID}
    for topic in response.topics:
        other = partly.get(topic.topic_id)
        if other is None:
            refused.append(topic)
        else:
            other.partitions += topic.partitions
    return OffsetCommitResponse(topics=refused)
