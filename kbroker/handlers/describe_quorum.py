"""DescribeQuorum: who votes on the metadata log, who follows it, and how far each has come (KIP-595).

The catalog is one log with one writer, so the controller is the only voter and always caught up; other nodes of the
process observe. It is asked for as partition 0 of `__cluster_metadata`, alone.

v1 when each last fetched and had all (KIP-836)   v2 messages, directory ids and the addresses of voters (KIP-853)
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from kbroker.handlers._voters import directory_id
from wire.errors import ErrorCode
from wire.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    Listener,
    Node,
    ReplicaState,
    ResponsePartitionData,
    ResponseTopicData,
)
from wire.primitives import ZERO_UUID

METADATA_LOG = "__cluster_metadata"


def describe_quorum(request: DescribeQuorumRequest, ctx: Context) -> DescribeQuorumResponse:
    names_the_voters = ctx.version >= 2  # KIP-853
    authorize_on_cluster(ctx, "DESCRIBE")
    asked = [(topic.topic_name, [one.partition_index for one in topic.partitions]) for topic in request.topics]
    if asked == [(METADATA_LOG, [0])]:
        topic = ResponseTopicData(topic_name=METADATA_LOG, partitions=[_quorum(ctx, names_the_voters)])
        nodes = _voters(ctx) if names_the_voters else []
        return DescribeQuorumResponse(error_code=0, error_message="", topics=[topic], nodes=nodes)
    return DescribeQuorumResponse(
        error_code=0,
        error_message="",
        topics=[
            ResponseTopicData(topic_name=name, partitions=[_refusal(index) for index in indexes])
            for name, indexes in asked
        ],
        nodes=[],
    )


def _quorum(ctx: Context, with_directories: bool) -> ResponsePartitionData:
    catalog = ctx.cluster.catalog
    end, now = catalog.end, ctx.cluster.world.time_ms()
    replicas = {
        node_id: ReplicaState(
            replica_id=node_id,
            replica_directory_id=directory_id(catalog.cluster_id, node_id) if with_directories else ZERO_UUID,
            log_end_offset=end,
            last_fetch_timestamp=now,
            last_caught_up_timestamp=now,
        )
        for node_id in catalog.nodes
    }
    leader = catalog.controller_id
    return ResponsePartitionData(
        partition_index=0,
        error_code=0,
        error_message="",
        leader_id=leader,
        leader_epoch=catalog.term,
        high_watermark=end,
        current_voters=[replicas.pop(leader)],
        observers=list(replicas.values()),
    )


def _voters(ctx: Context) -> list[Node]:
    """The controller is reached like any broker: by the listener that this client came in on."""
    leader = ctx.cluster.catalog.controller_id
    endpoint = ctx.endpoint(leader)
    if endpoint is None:
        return []
    host, port = endpoint
    return [Node(node_id=leader, listeners=[Listener(name=ctx.listener.name, host=host, port=port)])]


def _refusal(index: int) -> ResponsePartitionData:
    return ResponsePartitionData(
        partition_index=index,
        error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        error_message="This server does not host this topic-partition.",
        leader_id=0,
        leader_epoch=0,
        high_watermark=0,
        current_voters=[],
        observers=[],
    )
