"""DescribeTransactions: state, producer, partitions and times of transactional ids (KIP-664).

Each id has its own answer, of its coordinator: TRANSACTIONAL_ID_NOT_FOUND (105), INVALID_REQUEST (42) for an empty one,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED (53), NOT_COORDINATOR (16). Without a transaction the start time is -1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather, then
from kbroker.transactions.events import Describe
from kbroker.transactions.transaction import Transaction
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)


def describe_transactions(
    request: DescribeTransactionsRequest, ctx: Context
) -> DescribeTransactionsResponse | asyncio.Future[DescribeTransactionsResponse]:
    names = request.transactional_ids
    questions: list[Callable[[], asyncio.Future[Transaction | None]]] = [partial(_ask, ctx, name) for name in names]

    def answer(found: list[Transaction | KafkaError | None]) -> DescribeTransactionsResponse:
        return DescribeTransactionsResponse(
            transaction_states=[_state(name, each, ctx) for name, each in zip(names, found, strict=True)]
        )

    world = ctx.cluster.world
    return then(world, gather(world, questions), answer)


def _ask(ctx: Context, name: str) -> asyncio.Future[Transaction | None]:
    if not ctx.authorize("DESCRIBE", "TRANSACTIONAL_ID", (name,))[0]:
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    return ctx.cluster.transactions.ask(ctx, name, lambda ticket: Describe(ticket, name))


def _state(name: str, found: Transaction | KafkaError | None, ctx: Context) -> TransactionState:
    told = TransactionState(
        error_code=ErrorCode.NONE,
        transactional_id=name,
        transaction_state="",
        transaction_timeout_ms=0,
        transaction_start_time_ms=0,
        producer_id=0,
        producer_epoch=0,
        topics=[],
    )
    if found is None:
        told.error_code = ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
    elif isinstance(found, KafkaError):
        told.error_code = found.code
    else:
        told.transaction_state = found.state.title
        told.transaction_timeout_ms = found.timeout_ms
        told.transaction_start_time_ms = found.started_ms
        told.producer_id, told.producer_epoch = found.producer
        topics: dict[str, list[int]] = {}
        for topic, index in sorted(found.partitions):
            topics.setdefault(topic, []).append(index)
        allowed = ctx.authorize("DESCRIBE", "TOPIC", list(topics))
        told.topics = [
            TopicData(topic=topic, partitions=indexes)
            for (topic, indexes), may in zip(topics.items(), allowed, strict=True)
            if may
        ]
    return told
