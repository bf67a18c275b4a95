"""CreateTopics: topics with partitions, replicas and configs of their own; each stands or falls alone (KIP-4).

v4 -1 stands for the broker's default number of partitions or replicas (KIP-464)   v5 the answer tells what was made,
with all configs (KIP-525)   v7 and its id. The topic can be used when the answer comes, so the request's timeout has
nothing to limit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kbroker.catalog import NewTopic, Topic
from kbroker.context import Context
from kbroker.described import described_topic
from kbroker.handlers import _mutations
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

log = logging.getLogger("kbroker.handlers.create_topics")

METADATA_LOG = "__cluster_metadata"


async def create_topics(request: CreateTopicsRequest, ctx: Context) -> CreateTopicsResponse:
    tells_what_was_made = ctx.version >= 5
    knows_throttling = ctx.version >= 6  # KIP-599
    refused = _refusals(request.topics, ctx)
    wanted = [topic for topic in request.topics if topic.name not in refused]
    if _mutations.are_limited(ctx):
        refused |= await _throttled(wanted, ctx, strict=knows_throttling)
        wanted = [topic for topic in wanted if topic.name not in refused]
    new = [_new_topic(topic) for topic in wanted]
    created = await ctx.cluster.catalog.create_topics(new, validate_only=request.validate_only)
    results = [_failed(name, error) for name, error in refused.items()]
    names = [topic.name for topic in wanted]
    may_see_configs = ctx.authorize("DESCRIBE_CONFIGS", "TOPIC", names) if tells_what_was_made else [False] * len(names)
    for asked, outcome, may_see in zip(wanted, created, may_see_configs, strict=True):
        if isinstance(outcome, KafkaError):
            _say_what_helps(asked, outcome)
            results.append(_failed(asked.name, outcome))
        else:
            results.append(_made(outcome, ctx, may_see))
    return CreateTopicsResponse(topics=results)


def _say_what_helps(asked: CreatableTopic, error: KafkaError) -> None:
    """The client hears Kafka's sentence, which does not know that one process may be several brokers."""
    if error.code is ErrorCode.INVALID_REPLICATION_FACTOR and asked.replication_factor > 0:
        log.warning("topic %s wants %d brokers: start with --brokers %d", asked.name, *[asked.replication_factor] * 2)


def _refusals(topics: Sequence[CreatableTopic], ctx: Context) -> dict[str, KafkaError]:
    """What does not even reach the catalog, by name."""
    names = list(dict.fromkeys(topic.name for topic in topics))
    refused: dict[str, KafkaError] = {}
    if len(names) < len(topics):
        counted: set[str] = set()
        for topic in topics:
            if topic.name in counted:
                refused[topic.name] = KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            counted.add(topic.name)
    if not ctx.authorize("CREATE", "CLUSTER", (CLUSTER_NAME,))[0]:
        for name, may in zip(names, ctx.authorize("CREATE", "TOPIC", names), strict=True):
            if not may:
                refused.setdefault(name, KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED, "Authorization failed."))
    if METADATA_LOG in names:
        refused[METADATA_LOG] = KafkaError(
            ErrorCode.INVALID_REQUEST, f"Creation of internal topic {METADATA_LOG} is prohibited."
        )
    return refused


async def _throttled(wanted: Sequence[CreatableTopic], ctx: Context, *, strict: bool) -> dict[str, KafkaError]:
    """What is more than the client may change just now."""
    would_be = await ctx.cluster.catalog.create_topics([_new_topic(topic) for topic in wanted], validate_only=True)
    costs = [len(topic.partitions) if isinstance(topic, Topic) else None for topic in would_be]
    found = zip(wanted, _mutations.admit(ctx, costs, strict=strict), strict=True)
    return {topic.name: error for topic, error in found if error is not None}


def _new_topic(topic: CreatableTopic) -> NewTopic:
    return NewTopic(
        topic.name,
        topic.num_partitions,
        topic.replication_factor,
        [(assignment.partition_index, assignment.broker_ids) for assignment in topic.assignments],
        [(config.name, config.value) for config in topic.configs],
    )


def _failed(name: str, error: KafkaError) -> CreatableTopicResult:
    return CreatableTopicResult(
        name=name,
        topic_id=bytes(16),
        error_code=error.code,
        error_message=error.message or error.code.message,
        configs=[],
    )


def _made(topic: Topic, ctx: Context, may_see_configs: bool) -> CreatableTopicResult:
    result = CreatableTopicResult(
        name=topic.name, topic_id=topic.id, error_code=0, error_message=None, configs=None
    )
    if not may_see_configs:
        result.topic_config_error_code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        return result
    result.num_partitions = len(topic.partitions)
    result.replication_factor = topic.replication_factor
    result.configs = [
        CreatableTopicConfigs(
            name=entry.name,
            value=entry.value,
            read_only=entry.read_only,
            config_source=entry.source,
            is_sensitive=entry.sensitive,
        )
        for entry in described_topic(topic.config)
    ]
    return result
