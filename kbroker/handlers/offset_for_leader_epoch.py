"""OffsetForLeaderEpoch: where a leader epoch ended. Consumers ask it after a change of leader, to find out whether
what they have read is still in the log (KIP-320); a wrong answer looks to them like a truncated log.

The answer is the largest epoch that is not above the asked one, with its end: where the next one began, or the log's
end. An epoch that is yet to come is no error: -1 and -1.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.handlers._opened import when_open
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)


def offset_for_leader_epoch(
    request: OffsetForLeaderEpochRequest, ctx: Context
) -> OffsetForLeaderEpochResponse | Awaitable[OffsetForLeaderEpochResponse]:
    asked = ((topic.topic, one.partition) for topic in request.topics for one in topic.partitions)
    return when_open(ctx, asked, lambda: _answer(request, ctx))


def _answer(request: OffsetForLeaderEpochRequest, ctx: Context) -> OffsetForLeaderEpochResponse:
    is_broker = ctx.authorize("CLUSTER_ACTION", "CLUSTER", (CLUSTER_NAME,))[0]  # then it may ask of every topic
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic=topic.topic, partitions=[_end(topic.topic, one, is_broker, ctx) for one in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _end(name: str, asked: OffsetForLeaderPartition, is_broker: bool, ctx: Context) -> EpochEndOffset:
    told = EpochEndOffset(error_code=0, partition=asked.partition)
    try:
        if not is_broker and not ctx.authorize("DESCRIBE", "TOPIC", (name,))[0]:
            raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        partition = ctx.cluster.partitions.lookup(
            ctx.node.id, ctx.cluster.catalog.topic(name), asked.partition, asked.current_leader_epoch
        )
        partition.must_be_open()
        told.leader_epoch, told.end_offset = partition.end_for_epoch(asked.leader_epoch)
    except KafkaError as error:
        told.error_code = error.code
    return told
