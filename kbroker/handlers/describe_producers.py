"""DescribeProducers: the producers that a partition knows, and whose transaction is open in it (KIP-664).

Each partition has its own answer, of the node that leads it: UNKNOWN_TOPIC_OR_PARTITION (3), NOT_LEADER_OR_FOLLOWER
(6), TOPIC_AUTHORIZATION_FAILED (29). -1 stands for what is not there: a sequence in this epoch, a marker's coordinator,
an open transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.handlers._opened import when_open
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)


def describe_producers(
    request: DescribeProducersRequest, ctx: Context
) -> DescribeProducersResponse | Awaitable[DescribeProducersResponse]:
    def answer() -> DescribeProducersResponse:
        return DescribeProducersResponse(
            topics=[
                TopicResponse(
                    name=topic.name, partitions=[_describe(topic.name, index, ctx) for index in topic.partition_indexes]
                )
                for topic in request.topics
            ]
        )

    asked = [(topic.name, index) for topic in request.topics for index in topic.partition_indexes]
    return when_open(ctx, asked, answer)


def _describe(name: str, index: int, ctx: Context) -> PartitionResponse:
    told = PartitionResponse(partition_index=index, error_code=ErrorCode.NONE, active_producers=[])
    try:
        if not ctx.authorize("READ", "TOPIC", (name,))[0]:
            raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        topic = ctx.cluster.catalog.topic(name)
        if topic is None:
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            raise KafkaError(code, code.message)
        partition = ctx.cluster.partitions.lookup(ctx.node.id, topic, index)
        partition.must_be_open()
    except KafkaError as error:
        told.error_code = error.code
        told.error_message = error.message
        return told
    now = ctx.cluster.world.time_ms()
    opened = partition.undecided.open
    for producer_id, producer in partition.producers.table.items():
        if partition.producers.find(producer_id, now) is not None:
            told.active_producers.append(
                ProducerState(
                    producer_id=producer_id,
                    producer_epoch=producer.newest_epoch,
                    last_sequence=producer.last_sequence,
                    last_timestamp=producer.timestamp,
                    coordinator_epoch=producer.coordinator_epoch,
                    current_txn_start_offset=opened.get(producer_id, -1),
                )
            )
    return told
