"""AlterPartitionReassignments: put partitions on other brokers (KIP-455). All nodes of the process read one log, so a
replica that is added has everything at once: a reassignment is done when it is answered, and there is none to call
off.

v1 may forbid to change the number of replicas (KIP-860)
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)


async def alter_partition_reassignments(
    request: AlterPartitionReassignmentsRequest, ctx: Context
) -> AlterPartitionReassignmentsResponse:
    authorize_on_cluster(ctx, "ALTER")
    may_change_count = request.allow_replication_factor_change
    moves = [
        (topic.name, partition.partition_index, partition.replicas)
        for topic in request.topics
        for partition in topic.partitions
    ]
    outcomes = iter(await ctx.cluster.catalog.reassign(moves, may_change_count=may_change_count))
    responses = []
    for topic in request.topics:
        partitions = []
        for partition in topic.partitions:
            error = next(outcomes)
            partitions.append(
                ReassignablePartitionResponse(
                    partition_index=partition.partition_index,
                    error_code=0 if error is None else error.code,
                    error_message=None if error is None else error.message,
                )
            )
        responses.append(ReassignableTopicResponse(name=topic.name, partitions=partitions))
    return AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=may_change_count, error_code=0, error_message=None, responses=responses
    )
