"""DeleteRecords: forget the front of a partition, up to an offset (KIP-107). Offset -1 means all that consumers can
see.

The answer is the new log start, which never moves back: a smaller offset is a success. Records of a topic that is only
compacted cannot be deleted this way, nor those of an internal topic. lowWatermark is -1 with every error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.handlers._opened import when_open
from wire.errors import ErrorCode, KafkaError
from wire.messages.delete_records import (
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)


async def delete_records(request: DeleteRecordsRequest, ctx: Context) -> DeleteRecordsResponse:
    asked = ((topic.name, one.partition_index) for topic in request.topics for one in topic.partitions)
    opened = when_open(ctx, asked, lambda: None)
    if isinstance(opened, Awaitable):
        await opened
    response = DeleteRecordsResponse(topics=[])
    for topic in request.topics:
        told = DeleteRecordsTopicResult(name=topic.name, partitions=[])
        response.topics.append(told)
        for one in topic.partitions:
            result = DeleteRecordsPartitionResult(partition_index=one.partition_index, low_watermark=-1, error_code=0)
            told.partitions.append(result)
            try:
                result.low_watermark = await _delete(topic.name, one.partition_index, one.offset, ctx)
            except KafkaError as error:
                result.error_code = error.code
    return response


def _delete(name: str, index: int, offset: int, ctx: Context) -> asyncio.Future[int]:
    topic = ctx.cluster.catalog.topic(name)
    if topic is not None and topic.internal:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    if not ctx.authorize("DELETE", "TOPIC", (name,))[0]:
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    partition = ctx.cluster.partitions.lookup(ctx.node.id, topic, index)
    if partition.rules.only_compacted:
        raise KafkaError(ErrorCode.POLICY_VIOLATION)
    return partition.delete_records(offset)
