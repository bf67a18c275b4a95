"""AlterShareGroupOffsets: set from where on a share group reads, while it has no members (KIP-932).

A group that is not there is made by this. NON_EMPTY_GROUP (68); GROUP_ID_NOT_FOUND (69) for a group of another type;
UNKNOWN_TOPIC_OR_PARTITION (3) for each partition that there is not. Whether the log has the offset is not looked at.
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.events import AlterShares
from kbroker.groups.share.group import Kept
from kbroker.handlers._shares import must_have_share_groups
from wire.errors import ErrorCode, KafkaError
from wire.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestTopic,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)
from wire.primitives import ZERO_UUID


async def alter_share_group_offsets(
    request: AlterShareGroupOffsetsRequest, ctx: Context
) -> AlterShareGroupOffsetsResponse:
    must_have_share_groups(ctx)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID, ErrorCode.INVALID_GROUP_ID.message)
    told: list[AlterShareGroupOffsetsResponseTopic] = []
    topics: dict[bytes, Kept] = {}
    starts: dict[bytes, dict[int, int]] = {}
    for asked in request.topics:
        answer = _check(asked, ctx)
        told.append(answer)
        good = {one.partition_index for one in answer.partitions if not one.error_code}
        if good:
            topics[answer.topic_id] = Kept(asked.topic_name, frozenset(good))
            starts[answer.topic_id] = {
                one.partition_index: one.start_offset for one in asked.partitions if one.partition_index in good
            }
    if told and not topics:  # nothing that could be altered, and so no group that is made for it
        return AlterShareGroupOffsetsResponse(error_code=ErrorCode.NONE, responses=told)
    ask = ctx.cluster.groups.ask_with_topics
    group_id = request.group_id
    code = await ask(ctx, group_id, partial(AlterShares, group_id=group_id, topics=topics, starts=starts))
    if code:
        for answer in told:
            for one in answer.partitions:
                one.error_code = one.error_code or code
    return AlterShareGroupOffsetsResponse(error_code=ErrorCode.NONE, responses=told)


def _check(asked: AlterShareGroupOffsetsRequestTopic, ctx: Context) -> AlterShareGroupOffsetsResponseTopic:
    """What there is to say of each partition before it is done."""
    topic = ctx.cluster.catalog.topic(asked.topic_name)
    may = ctx.authorize("READ", "TOPIC", (asked.topic_name,))[0]
    answer = AlterShareGroupOffsetsResponseTopic(
        topic_name=asked.topic_name, topic_id=topic.id if topic is not None and may else ZERO_UUID, partitions=[]
    )
    for one in asked.partitions:
        code = ErrorCode.NONE
        if not may:
            code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        elif topic is None or not 0 <= one.partition_index < len(topic.partitions):
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        answer.partitions.append(
            AlterShareGroupOffsetsResponsePartition(
                partition_index=one.partition_index, error_code=code, error_message=code.message if code else None
            )
        )
    return answer
