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
    known, refused = [], []
    for asked in request.topics:
        topic = catalog.topic_by_id(asked.topic_id) if by_id else catalog.topic(asked.name)
        may = ctx.authorize("READ", "TOPIC", (asked.name if topic is None else topic.name,))[0]
        if topic is None or not may:
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if may else ErrorCode.TOPIC_AUTHORIZATION_FAILED
            if topic is None and by_id:
                code = ErrorCode.UNKNOWN_TOPIC_ID
            refused.append(refuse(asked.name, asked.topic_id, asked.partitions, code))
            continue
        asked.name, asked.topic_id = topic.name, topic.id
        there = len(topic.partitions)
        missing = [each for each in asked.partitions if not 0 <= each.partition_index < there]
        if missing:
            refused.append(refuse(topic.name, topic.id, missing, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
            asked.partitions = [each for each in asked.partitions if 0 <= each.partition_index < there]
        if asked.partitions:
            known.append(asked)
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
