"""DescribeConfigs: the configs of topics, brokers, loggers, client metrics and groups (KIP-133).

v1 sources and synonyms (KIP-226)   v3 types and documentation (KIP-569). Without keys it is all of them; a key that
nobody knows is left out. Each broker tells only its own configs; the broker "" stands for what is set for all at run
time. Groups and client metrics that were never configured show the defaults, as Kafka does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kbroker import loggers
from kbroker.catalog.names import check
from kbroker.context import Context
from kbroker.described import (
    LOGGER,
    UNKNOWN_TYPE,
    Described,
    described_broker,
    described_client_metrics,
    described_group,
    described_of_all_brokers,
    described_topic,
)
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


def describe_configs(request: DescribeConfigsRequest, ctx: Context) -> DescribeConfigsResponse:
    for resource in request.resources:
        if resource.resource_type not in _SOURCES:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unexpected resource type {resource.resource_type}.")
    results = []
    for resource in request.resources:
        kind, name = resource.resource_type, resource.resource_name
        result = DescribeConfigsResult(
            error_code=0, error_message="", resource_type=kind, resource_name=name, configs=[]
        )
        try:
            entries = _entries(kind, name, ctx)
            keys = resource.configuration_keys
            wanted = set(keys) if keys else None  # no keys are all keys, as in Kafka
            result.configs = [
                _shown(entry, request.include_synonyms, request.include_documentation)
                for entry in entries
                if wanted is None or entry.name in wanted
            ]
        except KafkaError as error:
            result.error_code = error.code
            result.error_message = error.message or ""
        results.append(result)
    return DescribeConfigsResponse(results=results)


def _entries(kind: int, name: str, ctx: Context) -> Iterable[Described]:
    if kind == TOPIC:
        allowed, refusal = ctx.authorize("DESCRIBE_CONFIGS", "TOPIC", (name,)), ErrorCode.TOPIC_AUTHORIZATION_FAILED
    elif kind == GROUP:
        allowed, refusal = ctx.authorize("DESCRIBE_CONFIGS", "GROUP", (name,)), ErrorCode.GROUP_AUTHORIZATION_FAILED
    else:
        allowed = ctx.authorize("DESCRIBE_CONFIGS", "CLUSTER", (CLUSTER_NAME,))
        refusal = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    if not allowed[0]:
        raise KafkaError(refusal, refusal.message)
    return _SOURCES[kind](name, ctx)


def _topic(name: str, ctx: Context) -> Iterable[Described]:
    check(name)
    topic = ctx.cluster.catalog.topic(name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return described_topic(topic.config)


def _broker(name: str, ctx: Context) -> Iterable[Described]:
    catalog = ctx.cluster.catalog
    if not name:
        return described_of_all_brokers(catalog.overrides(BROKER, ""))
    _check_broker(name, ctx, "Unexpected broker id, expected {} or empty string, but received {}")
    return described_broker(ctx.cluster.config, ctx.node.id, catalog.overrides(BROKER, str(ctx.node.id)))


def _broker_logger(name: str, ctx: Context) -> Iterator[Described]:
    """Our own loggers and their levels."""
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Broker id must not be empty")
    _check_broker(name, ctx, "Unexpected broker id, expected {} but received {}")
    for logger in loggers.names():
        yield Described(logger, loggers.level(logger), LOGGER, UNKNOWN_TYPE)


def _check_broker(name: str, ctx: Context, refusal: str) -> None:
    if not name.lstrip("-").isdecimal():
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}")
    if int(name) != ctx.node.id:
        raise KafkaError(ErrorCode.INVALID_REQUEST, refusal.format(ctx.node.id, name))


def _client_metrics(name: str, ctx: Context) -> Iterable[Described]:
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Client metrics subscription name must not be empty")
    return described_client_metrics(ctx.cluster.catalog.overrides(CLIENT_METRICS, name))


def _group(name: str, ctx: Context) -> Iterable[Described]:
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Group name must not be empty")
    return described_group(ctx.cluster.config, ctx.cluster.catalog.overrides(GROUP, name))


_SOURCES = {
    TOPIC: _topic,
    BROKER: _broker,
    BROKER_LOGGER: _broker_logger,
    CLIENT_METRICS: _client_metrics,
    GROUP: _group,
}


def _shown(entry: Described, synonyms: bool, documentation: bool) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=entry.sensitive,
        synonyms=[
            DescribeConfigsSynonym(name=synonym.name, value=synonym.value, source=synonym.source)
            for synonym in (entry.synonyms if synonyms else ())
        ],
        config_type=entry.type,
        documentation=entry.doc if documentation else None,
    )
