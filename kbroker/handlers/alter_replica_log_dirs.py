"""AlterReplicaLogDirs: move replicas to another directory of this broker (KIP-113). There is one, so a replica is where
it shall be, or there is no such directory. A replica that is named twice goes where it was named last.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode
from wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)


def alter_replica_log_dirs(request: AlterReplicaLogDirsRequest, ctx: Context) -> AlterReplicaLogDirsResponse:
    authorize_on_cluster(ctx, "ALTER")
    wanted: dict[str, dict[int, str]] = {}
    for directory in request.dirs:
        for topic in directory.topics:
            wanted.setdefault(topic.name, {}).update(dict.fromkeys(topic.partitions, directory.path))
    return AlterReplicaLogDirsResponse(
        results=[
            AlterReplicaLogDirTopicResult(
                topic_name=name,
                partitions=[_result(name, index, path, ctx) for index, path in sorted(paths.items())],
            )
            for name, paths in sorted(wanted.items())
        ]
    )


def _result(name: str, index: int, path: str, ctx: Context) -> AlterReplicaLogDirPartitionResult:
    return AlterReplicaLogDirPartitionResult(partition_index=index, error_code=_outcome(name, index, path, ctx))


def _outcome(name: str, index: int, path: str, ctx: Context) -> ErrorCode:
    if path != ctx.cluster.data:
        return ErrorCode.LOG_DIR_NOT_FOUND
    topic = ctx.cluster.catalog.topic(name)
    if topic is None or not 0 <= index < len(topic.partitions):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if ctx.node.id not in topic.partitions[index].replicas:
        return ErrorCode.REPLICA_NOT_AVAILABLE
    return ErrorCode.NONE
