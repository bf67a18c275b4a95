"""ListConfigResources: what has configs (KIP-1142): all topics and brokers, their loggers, and the groups and client
metrics subscriptions for which something is set.

v0 client metrics subscriptions only (KIP-714)   v1 by type; none means all
"""

from __future__ import annotations

from kbroker.catalog.state import BROKER, CLIENT_METRICS, GROUP, TOPIC
from kbroker.context import Context
from kbroker.handlers._resources import BROKER_LOGGER
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

_KINDS = (CLIENT_METRICS, BROKER_LOGGER, BROKER, GROUP, TOPIC)


def list_config_resources(request: ListConfigResourcesRequest, ctx: Context) -> ListConfigResourcesResponse:
    client_metrics_only = ctx.version < 1
    if not ctx.authorize("DESCRIBE_CONFIGS", "CLUSTER", (CLUSTER_NAME,))[0]:
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    wanted = {CLIENT_METRICS} if client_metrics_only else set(request.resource_types or _KINDS)
    if not wanted.issubset(_KINDS):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    return ListConfigResourcesResponse(
        error_code=0,
        config_resources=[
            ConfigResource(resource_name=name, resource_type=kind)
            for kind in _KINDS
            if kind in wanted
            for name in _names(kind, ctx)
        ],
    )


def _names(kind: int, ctx: Context) -> list[str]:
    catalog = ctx.cluster.catalog
    if kind == TOPIC:
        return [topic.name for topic in catalog.topics()]
    if kind in (BROKER, BROKER_LOGGER):
        return [str(node_id) for node_id in catalog.nodes]
    return list(catalog.configured(kind))
