"""CreatePartitions: more partitions for topics that exist; `count` is the new total (KIP-195). Fewer is not possible.

Keys that were hashed over the old number go elsewhere from now on: that is the asker's business, as in Kafka.
"""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.catalog import NewPartitions, Topic
from kbroker.context import Context
from kbroker.handlers import _mutations
from wire.errors import ErrorCode, KafkaError
from wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)


async def create_partitions(request: CreatePartitionsRequest, ctx: Context) -> CreatePartitionsResponse:
    knows_throttling = ctx.version >= 3  # KIP-599
    names = [topic.name for topic in request.topics]
    refused: dict[str, KafkaError] = {}
    for name, may in zip(names, ctx.authorize("ALTER", "TOPIC", names), strict=True):
        if not may:
            refused[name] = KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        elif names.count(name) > 1:
            refused[name] = KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    wanted = [
        NewPartitions(
            topic.name,
            topic.count,
            None if topic.assignments is None else [assignment.broker_ids for assignment in topic.assignments],
        )
        for topic in request.topics
        if topic.name not in refused
    ]
    if _mutations.are_limited(ctx):
        refused |= await _throttled(wanted, ctx, strict=knows_throttling)
        wanted = [new for new in wanted if new.name not in refused]
    outcomes = await ctx.cluster.catalog.create_partitions(wanted, validate_only=request.validate_only)
    results = [_result(name, error) for name, error in refused.items()]
    for new, outcome in zip(wanted, outcomes, strict=True):
        results.append(_result(new.name, outcome if isinstance(outcome, KafkaError) else None))
    return CreatePartitionsResponse(results=results)


async def _throttled(wanted: Sequence[NewPartitions], ctx: Context, *, strict: bool) -> dict[str, KafkaError]:
    """What is more than the client may change just now."""
    would_be = await ctx.cluster.catalog.create_partitions(wanted, validate_only=True)
    costs = [
        new.count - len(topic.partitions) if isinstance(topic, Topic) else None
        for new, topic in zip(wanted, would_be, strict=True)
    ]
    found = zip(wanted, _mutations.admit(ctx, costs, strict=strict), strict=True)
    return {new.name: error for new, error in found if error is not None}


def _result(name: str, error: KafkaError | None) -> CreatePartitionsTopicResult:
    if error is None:
        return CreatePartitionsTopicResult(name=name, error_code=0)
    message = error.message or error.code.message
    return CreatePartitionsTopicResult(name=name, error_code=error.code, error_message=message)
