"""DescribeTopicPartitions: topics and their partitions in pages, sorted by name (KIP-966).

Without names it is all topics. A page holds at most as many partitions as asked for, and never more than
max.request.partition.size.limit; the cursor of the answer is the first partition that did not fit, and the cursor of
a request the first one that is wanted.
"""

from __future__ import annotations

from kbroker.catalog import Topic
from kbroker.catalog.names import fault
from kbroker.catalog.state import INTERNAL_TOPICS
from kbroker.context import Context
from kbroker.operations import authorized_operations
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)


def describe_topic_partitions(
    request: DescribeTopicPartitionsRequest, ctx: Context
) -> DescribeTopicPartitionsResponse:
    catalog, cursor = ctx.cluster.catalog, request.cursor
    asked = {topic.name for topic in request.topics}
    if cursor is not None and (cursor.partition_index < 0 or (asked and cursor.topic_name not in asked)):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "The cursor must name a partition of a topic that is asked for.")
    names = sorted(asked) if asked else [topic.name for topic in catalog.topics()]
    if cursor is not None:
        names = [name for name in names if name >= cursor.topic_name]
    allowed = ctx.authorize("DESCRIBE", "TOPIC", names)
    hidden = [name for name, may in zip(names, allowed, strict=True) if not may]
    names = [name for name, may in zip(names, allowed, strict=True) if may]
    limit = ctx.cluster.config["max.request.partition.size.limit"]
    left = max(1, min(limit, request.response_partition_limit))
    pages: list[DescribeTopicPartitionsResponseTopic] = []
    next_cursor = None
    for name in names:
        topic = catalog.topic(name)
        if not left:
            next_cursor = Cursor(topic_name=name, partition_index=0)
            break
        if topic is None:
            pages.append(_failed(name))
            continue
        first = cursor.partition_index if cursor is not None and cursor.topic_name == name else 0
        page = _page(topic, first, left, ctx)
        pages.append(page)
        left -= len(page.partitions)
        end = first + len(page.partitions)
        if end < len(topic.partitions):
            next_cursor = Cursor(topic_name=name, partition_index=end)
            break
    bits = authorized_operations(ctx, "TOPIC", [page.name or "" for page in pages])
    for page, operations in zip(pages, bits, strict=True):
        page.topic_authorized_operations = operations
    if asked:
        pages += [_failed(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED) for name in hidden]
    return DescribeTopicPartitionsResponse(topics=pages, next_cursor=next_cursor)


def _failed(name: str, code: ErrorCode | None = None) -> DescribeTopicPartitionsResponseTopic:
    if code is None:
        code = ErrorCode.INVALID_TOPIC_EXCEPTION if fault(name) else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return DescribeTopicPartitionsResponseTopic(
        error_code=code, name=name, is_internal=name in INTERNAL_TOPICS, topic_id=bytes(16), partitions=[]
    )


def _page(topic: Topic, first: int, limit: int, ctx: Context) -> DescribeTopicPartitionsResponseTopic:
    catalog = ctx.cluster.catalog
    partitions = []
    for index in range(first, min(first + limit, len(topic.partitions))):
        partition = topic.partitions[index]
        leader, epoch = catalog.leader(topic, index)
        partitions.append(
            DescribeTopicPartitionsResponsePartition(
                error_code=ErrorCode.NONE if leader >= 0 else ErrorCode.LEADER_NOT_AVAILABLE,
                partition_index=index,
                leader_id=leader,
                leader_epoch=epoch,
                replica_nodes=partition.replicas,
                isr_nodes=partition.isr,
                eligible_leader_replicas=[],
                last_known_elr=[],
                offline_replicas=[node for node in partition.replicas if node not in catalog.nodes],
            )
        )
    return DescribeTopicPartitionsResponseTopic(
        error_code=0, name=topic.name, topic_id=topic.id, is_internal=topic.internal, partitions=partitions
    )
