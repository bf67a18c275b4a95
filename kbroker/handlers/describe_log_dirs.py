"""DescribeLogDirs: the data directory of this broker, the bytes of each partition in it, and the room (KIP-113).

v3 an error of the whole   v4 total and usable bytes (KIP-827)   v5 cordoned directories; we have none (KIP-1066)

There is one directory. Nodes in one process share it, and each tells of the partitions of which it is a replica.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kbroker.catalog import Topic
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from storage.engine import UnknownLog
from wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)


def describe_log_dirs(request: DescribeLogDirsRequest, ctx: Context) -> DescribeLogDirsResponse:
    authorize_on_cluster(ctx, "DESCRIBE")
    usage = ctx.cluster.engine.usage()
    topics = []
    for topic, indexes in _wanted(request, ctx):
        held = [index for index in indexes if ctx.node.id in topic.partitions[index].replicas]
        if held:
            partitions = [_partition(topic, index, ctx) for index in held]
            topics.append(DescribeLogDirsTopic(name=topic.name, partitions=partitions))
    result = DescribeLogDirsResult(
        error_code=0,
        log_dir=ctx.cluster.data,
        topics=topics,
        total_bytes=usage.total_bytes,
        usable_bytes=usage.usable_bytes,
    )
    return DescribeLogDirsResponse(error_code=0, results=[result])


def _wanted(request: DescribeLogDirsRequest, ctx: Context) -> Iterator[tuple[Topic, Iterable[int]]]:
    """What is asked for and there is; what there is not is left out."""
    catalog = ctx.cluster.catalog
    if request.topics is None:
        for topic in catalog.topics():
            yield topic, range(len(topic.partitions))
        return
    for asked in request.topics:
        found = catalog.topic(asked.topic)
        if found is not None:
            yield found, sorted({index for index in asked.partitions if 0 <= index < len(found.partitions)})


def _partition(topic: Topic, index: int, ctx: Context) -> DescribeLogDirsPartition:
    try:
        size = sum(extent.size for extent in ctx.cluster.engine.extents(topic.log(index)))
    except UnknownLog:  # nobody has written to it yet
        size = 0
    return DescribeLogDirsPartition(partition_index=index, partition_size=size, offset_lag=0, is_future_key=False)
