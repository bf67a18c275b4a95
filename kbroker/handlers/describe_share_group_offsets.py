"""DescribeShareGroupOffsets: from where on a share group still has records to deliver (KIP-932).

    v1  how many those are (KIP-1226)

Null topics mean all of which the state is kept. Of a partition without state there is nothing to tell: offset and lag
-1, and no error; nor is an unknown group one. The lag is what is not done up to the high watermark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.events import ShareTopics
from kbroker.handlers._shares import must_have_share_groups
from kbroker.shares.kept import UNKNOWN_START, Kept
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)
from wire.primitives import ZERO_UUID

NO_LAG = -1


async def describe_share_group_offsets(
    request: DescribeShareGroupOffsetsRequest, ctx: Context
) -> DescribeShareGroupOffsetsResponse:
    must_have_share_groups(ctx)
    return DescribeShareGroupOffsetsResponse(groups=[await _group(asked, ctx) for asked in request.groups])


async def _group(
    asked: DescribeShareGroupOffsetsRequestGroup, ctx: Context
) -> DescribeShareGroupOffsetsResponseGroup:
    answer = DescribeShareGroupOffsetsResponseGroup(group_id=asked.group_id, topics=[], error_code=ErrorCode.NONE)
    try:
        if not ctx.authorize("DESCRIBE", "GROUP", (asked.group_id,))[0]:
            raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        for name, indexes in (await _wanted(asked, ctx)).items():
            answer.topics.append(await _topic(asked.group_id, name, indexes, ctx))
    except KafkaError as error:
        answer.error_code, answer.error_message = error.code, error.message or error.code.message
        answer.topics = []
    return answer


async def _wanted(asked: DescribeShareGroupOffsetsRequestGroup, ctx: Context) -> Mapping[str, Iterable[int]]:
    groups = ctx.cluster.groups
    kept = await groups.ask(ctx, asked.group_id, partial(ShareTopics, group_id=asked.group_id))
    if asked.topics is not None:
        return {topic.topic_name: topic.partitions for topic in asked.topics} if kept is not None else {}
    named = {each.name: sorted(each.partitions) for each in (kept or {}).values()}
    allowed = ctx.authorize("DESCRIBE", "TOPIC", list(named))
    return {name: indexes for (name, indexes), may in zip(named.items(), allowed, strict=True) if may}


async def _topic(
    group_id: str, name: str, indexes: Iterable[int], ctx: Context
) -> DescribeShareGroupOffsetsResponseTopic:
    topic = ctx.cluster.catalog.topic(name)
    topic_id = ZERO_UUID if topic is None else topic.id
    if not ctx.authorize("DESCRIBE", "TOPIC", (name,))[0]:
        refusal = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        partitions = [_partition(index, None, NO_LAG, refusal) for index in indexes]
        return DescribeShareGroupOffsetsResponseTopic(topic_name=name, topic_id=ZERO_UUID, partitions=partitions)
    wanted = list(indexes)
    questions = [partial(ctx.cluster.shares.summary, (group_id, topic_id, index)) for index in wanted]
    partitions = []
    for index, kept in zip(wanted, await gather(ctx.cluster.world, questions), strict=True):
        if isinstance(kept, KafkaError):
            is_nobody = kept.code is ErrorCode.NOT_COORDINATOR and topic is None
            partitions.append(_partition(index, None, NO_LAG, ErrorCode.NONE if is_nobody else kept.code))
            continue
        lag = NO_LAG
        if topic is not None and kept is not None and kept.start != UNKNOWN_START and kept.done >= 0:
            log = ctx.cluster.partitions.open(topic, index)
            await log.ready()
            lag = log.high_watermark - kept.start - kept.done
        partitions.append(_partition(index, kept, lag, ErrorCode.NONE))
    return DescribeShareGroupOffsetsResponseTopic(topic_name=name, topic_id=topic_id, partitions=partitions)


def _partition(index: int, kept: Kept | None, lag: int, code: ErrorCode) -> DescribeShareGroupOffsetsResponsePartition:
    return DescribeShareGroupOffsetsResponsePartition(
        partition_index=index,
        start_offset=UNKNOWN_START if kept is None else kept.start,
        leader_epoch=0 if kept is None else kept.leader_epoch,
        lag=lag,
        error_code=code,
        error_message=code.message if code else None,
    )
