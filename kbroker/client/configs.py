"""Configs of topics, brokers, groups, client metrics and loggers: read with their sources, altered one by one
(KIP-339).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kbroker.client.cluster import Client
from kbroker.client.connection import Connection
from kbroker.client.errors import ClientError, check
from wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
)
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from wire.messages.list_config_resources import ListConfigResourcesRequest, ListConfigResourcesResponse

KINDS = {"topic": 2, "broker": 4, "broker-logger": 8, "client-metrics": 16, "group": 32}
ON_A_BROKER = (KINDS["broker"], KINDS["broker-logger"])
SET, DELETE, APPEND, SUBTRACT = range(4)
SOURCES = {
    0: "unknown",
    1: "topic",
    2: "broker",
    3: "brokers' default",
    4: "file or flag",
    5: "default",
    6: "logger",
    7: "client metrics",
    8: "group",
}


def described(
    client: Client, kind: int, name: str, *, documentation: bool = False
) -> list[DescribeConfigsResourceResult]:
    """All configs of one resource by name, each with its source (a key of SOURCES)."""
    request = DescribeConfigsRequest(
        resources=[DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)],
        include_documentation=documentation,
    )
    result = _asked(client, kind, name).call(request, DescribeConfigsResponse).results[0]
    check(result.error_code, result.error_message)
    return sorted(result.configs, key=lambda config: config.name)


def alter(
    client: Client,
    kind: int,
    name: str,
    *,
    put: Mapping[str, str] | None = None,
    delete: Collection[str] = (),
    append: Mapping[str, str] | None = None,
    subtract: Mapping[str, str] | None = None,
    validate_only: bool = False,
) -> None:
    """Change some configs of one resource and leave the others; KafkaError where the cluster refuses any of them."""
    changes = [
        *(AlterableConfig(name=each, config_operation=SET, value=value) for each, value in (put or {}).items()),
        *(AlterableConfig(name=each, config_operation=DELETE, value=None) for each in delete),
        *(AlterableConfig(name=each, config_operation=APPEND, value=value) for each, value in (append or {}).items()),
        *(
            AlterableConfig(name=each, config_operation=SUBTRACT, value=value)
            for each, value in (subtract or {}).items()
        ),
    ]
    request = IncrementalAlterConfigsRequest(
        resources=[AlterConfigsResource(resource_type=kind, resource_name=name, configs=changes)],
        validate_only=validate_only,
    )
    result = _asked(client, kind, name).call(request, IncrementalAlterConfigsResponse).responses[0]
    check(result.error_code, result.error_message)


def resources(client: Client, kind: int) -> list[str]:
    """The names of the resources of a kind that have configs."""
    answer = client.any().call(ListConfigResourcesRequest(resource_types=[kind]), ListConfigResourcesResponse)
    check(answer.error_code)
    return sorted(one.resource_name for one in answer.config_resources)


def _asked(client: Client, kind: int, name: str) -> Connection:
    """A broker answers for itself; the defaults of all brokers (no name) and everything else anybody knows."""
    if kind not in ON_A_BROKER or not name:
        return client.any()
    if not name.isdecimal():
        raise ClientError(f"a broker is named by its number, not {name!r}")
    return client.node(int(name))
