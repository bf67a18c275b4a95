"""ListPartitionReassignments: which partitions are on the move (KIP-455). None ever is: see
AlterPartitionReassignments.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)


def list_partition_reassignments(
    request: ListPartitionReassignmentsRequest, ctx: Context
) -> ListPartitionReassignmentsResponse:
    authorize_on_cluster(ctx, "DESCRIBE")
    return ListPartitionReassignmentsResponse(error_code=0, error_message=None, topics=[])
