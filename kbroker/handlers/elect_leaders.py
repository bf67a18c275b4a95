"""ElectLeaders: the preferred replica leads again (KIP-183), or any replica where none in sync is left (KIP-460).

Without topics it is all of them, and the answer names only the partitions where something happened.

v1 the type of the election, and an error of the whole
"""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.catalog.moves import PREFERRED, UNCLEAN
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode, KafkaError
from wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

Asked = Sequence[tuple[str, Sequence[int]]]


async def elect_leaders(request: ElectLeadersRequest, ctx: Context) -> ElectLeadersResponse:
    authorize_on_cluster(ctx, "ALTER")
    catalog = ctx.cluster.catalog
    asked: Asked
    if request.topic_partitions is None:
        asked = [(topic.name, range(len(topic.partitions))) for topic in catalog.topics()]
    else:
        asked = [(one.topic, one.partitions) for one in request.topic_partitions]
    if request.election_type not in (PREFERRED, UNCLEAN):
        unknown = KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown election type {request.election_type}")
        outcomes: Sequence[KafkaError | None] = [unknown] * sum(len(indexes) for _, indexes in asked)
        return _response(asked, outcomes, ErrorCode.INVALID_REQUEST)
    partitions = [(name, index) for name, indexes in asked for index in indexes]
    outcomes = await catalog.elect(partitions, request.election_type)
    return _response(asked, outcomes, ErrorCode.NONE, only_what_happened=request.topic_partitions is None)


def _response(
    asked: Asked, outcomes: Sequence[KafkaError | None], code: ErrorCode, *, only_what_happened: bool = False
) -> ElectLeadersResponse:
    rest = iter(outcomes)
    results = []
    for name, indexes in asked:
        partitions = []
        for index in indexes:
            error = next(rest)
            if only_what_happened and error is not None and error.code == ErrorCode.ELECTION_NOT_NEEDED:
                continue
            partitions.append(
                PartitionResult(
                    partition_id=index,
                    error_code=0 if error is None else error.code,
                    error_message=None if error is None else error.message,
                )
            )
        results.append(ReplicaElectionResult(topic=name, partition_result=partitions))
    return ElectLeadersResponse(error_code=code, replica_election_results=results)
