"""DeleteTopics: topics by name, from v6 on also by id (KIP-516). The name is free at once; the records go when that
is durable.

v5 error messages   v6 each topic by name or by id, and the answer tells both
"""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.catalog import Topic
from kbroker.context import Context
from kbroker.handlers import _mutations
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from wire.primitives import ZERO_UUID


async def delete_topics(request: DeleteTopicsRequest, ctx: Context) -> DeleteTopicsResponse:
    by_name_only = ctx.version < 6
    knows_throttling = ctx.version >= 5  # KIP-599
    if not ctx.cluster.config["delete.topic.enable"]:
        raise KafkaError(ErrorCode.TOPIC_DELETION_DISABLED)
    asked: Sequence[DeleteTopicState] = request.topics
    if by_name_only:
        asked = [DeleteTopicState(name=name, topic_id=ZERO_UUID) for name in request.topic_names]
    results, topics = _resolve(asked, ctx)
    if _mutations.are_limited(ctx) and topics:
        errors = _mutations.admit(ctx, [len(topic.partitions) for topic in topics], strict=knows_throttling)
        found = list(zip(topics, errors, strict=True))
        results += [_result(topic.name, topic.id, error) for topic, error in found if error is not None]
        topics = [topic for topic, error in found if error is None]
    # Also without any: what the views show may be decided and not durable yet, and the answer waits until it is.
    outcomes = await ctx.cluster.catalog.delete_topics([topic.id for topic in topics])
    for result in results:
        _look_again(result, ctx)
    for topic, outcome in zip(topics, outcomes, strict=True):
        error = outcome if isinstance(outcome, KafkaError) else None
        results.append(_result(topic.name, topic.id, error))
    return DeleteTopicsResponse(responses=results)


def _resolve(asked: Sequence[DeleteTopicState], ctx: Context) -> tuple[list[DeletableTopicResult], list[Topic]]:
    """What is refused, and the topics that are to go."""
    refused: list[DeletableTopicResult] = []
    found: dict[bytes, Topic] = {}
    names = [state.name for state in asked if state.name is not None]
    ids = [state.topic_id for state in asked if state.topic_id != ZERO_UUID]
    reported: set[str | bytes] = set()
    for state in asked:
        name, topic_id = state.name, state.topic_id
        try:
            if name is not None and topic_id != ZERO_UUID:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "You may not specify both topic name and topic id.")
            if name is None and topic_id == ZERO_UUID:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.")
            key: str | bytes = topic_id if name is None else name
            if key in reported:
                continue
            reported.add(key)
            if name is not None and names.count(name) > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            if name is None and ids.count(topic_id) > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic id.")
            topic = _deletable(name, topic_id, ctx)
            if topic.id in found:
                raise KafkaError(
                    ErrorCode.INVALID_REQUEST, "The provided topic name maps to an ID that was already supplied."
                )
            found[topic.id] = topic
        except KafkaError as error:
            refused.append(_result(name, topic_id, error))
    return refused, list(found.values())


def _deletable(name: str | None, topic_id: bytes, ctx: Context) -> Topic:
    """Kafka asks whether one may know of the topic before it says that there is none. Who may delete on the cluster may
    delete all."""
    catalog = ctx.cluster.catalog
    topic = catalog.topic_by_id(topic_id) if name is None else catalog.topic(name)
    if topic is None and name is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    asked = (topic.name if topic is not None else name or "",)
    may = ctx.authorize("DELETE", "CLUSTER", (CLUSTER_NAME,))[0] or (
        ctx.authorize("DESCRIBE", "TOPIC", asked)[0]
        and (topic is None or ctx.authorize("DELETE", "TOPIC", asked)[0])
    )
    if not may:
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return topic


def _look_again(result: DeletableTopicResult, ctx: Context) -> None:
    """A topic that was not there because its deletion had been decided may be there again: that append has failed."""
    catalog = ctx.cluster.catalog
    if result.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        is_back = catalog.topic(result.name or "") is not None
    elif result.error_code == ErrorCode.UNKNOWN_TOPIC_ID:
        is_back = catalog.topic_by_id(result.topic_id) is not None
    else:
        return
    if is_back:
        code = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        result.error_code, result.error_message = code, code.message


def _result(name: str | None, topic_id: bytes, error: KafkaError | None) -> DeletableTopicResult:
    if error is None:
        return DeletableTopicResult(name=name, topic_id=topic_id, error_code=0)
    return DeletableTopicResult(
        name=name, topic_id=topic_id, error_code=error.code, error_message=error.message or error.code.message
    )
