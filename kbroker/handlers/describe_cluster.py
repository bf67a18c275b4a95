"""DescribeCluster: the brokers, the controller and the cluster's id, for administration clients (KIP-700).

v1 asks for brokers or for controllers; this is a broker's listener, so only brokers are to be had here. v2 can ask for
fenced brokers too (KIP-1073): those of a cluster in one process that were stopped.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.operations import authorized_on_cluster
from wire.errors import ErrorCode
from wire.messages.describe_cluster import DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse

BROKERS, CONTROLLERS = 1, 2


def describe_cluster(request: DescribeClusterRequest, ctx: Context) -> DescribeClusterResponse:
    if request.endpoint_type != BROKERS:
        return _refusal(request.endpoint_type)
    catalog = ctx.cluster.catalog
    brokers = []
    for node in (catalog.members if request.include_fenced_brokers else catalog.nodes).values():
        endpoint = ctx.endpoint_of(node)
        if endpoint is not None:
            host, port = endpoint
            fenced = node.id not in catalog.nodes
            brokers.append(
                DescribeClusterBroker(broker_id=node.id, host=host, port=port, rack=node.rack, is_fenced=fenced)
            )
    response = DescribeClusterResponse(
        error_code=0, cluster_id=catalog.cluster_id, controller_id=catalog.controller_id, brokers=brokers
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_on_cluster(ctx)
    return response


def _refusal(endpoint_type: int) -> DescribeClusterResponse:
    if endpoint_type == CONTROLLERS:
        code = ErrorCode.MISMATCHED_ENDPOINT_TYPE
        message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
    else:
        code, message = ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, f"Unsupported endpoint type {endpoint_type}"
    return DescribeClusterResponse(error_code=code, error_message=message, cluster_id="", brokers=[])
