"""InitProducerId: a producer id and an epoch for a producer that wants its retries recognised (KIP-98, KIP-360).

Without a transactional id it is a fresh id with epoch 0, each time, from any node. This is the first thing that a
default producer of today asks, before it sends anything. With one, the coordinator of that id answers: the producer id
stays, the epoch rises, and whoever had the one before is fenced.

    v3  the producer may say who it is, to go on after an error    v4  PRODUCER_FENCED (90), before: 47

A transaction that is open is aborted first: CONCURRENT_TRANSACTIONS (51), ask again. Others: INVALID_REQUEST (42) for
an empty id and for half a producer, INVALID_TRANSACTION_TIMEOUT (50), NOT_COORDINATOR (16).
"""

from __future__ import annotations

from collections.abc import Awaitable

from kbroker.context import Context, Later
from kbroker.handlers._transactions import asked, fenced
from kbroker.machine import Producer
from kbroker.operations import CLUSTER_NAME
from kbroker.transactions.events import InitProducer
from wire.errors import ErrorCode, KafkaError
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse


def init_producer_id(
    request: InitProducerIdRequest, ctx: Context
) -> InitProducerIdResponse | Later | Awaitable[InitProducerIdResponse]:
    knows_producer_fenced = ctx.version >= 4  # KIP-588
    name = request.transactional_id
    if name is not None and not ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]:
        return _refused(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if name is None and not _may_write(ctx):
        return _refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    if (request.producer_id == -1) != (request.producer_epoch == -1) or name == "":
        return _refused(ErrorCode.INVALID_REQUEST)
    if name is None:
        return _fresh(ctx)
    expected = None if request.producer_id == -1 else Producer(request.producer_id, request.producer_epoch)
    return asked(
        ctx,
        name,
        lambda ticket: InitProducer(ticket, name, request.transaction_timeout_ms, expected),
        _answer,
        lambda code: _refused(fenced(code, knows_producer_fenced)),
    )


def _answer(producer: Producer) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=0, producer_id=producer.id, producer_epoch=producer.epoch)


def _refused(code: ErrorCode) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1)


def _may_write(ctx: Context) -> bool:
    """Whoever may write to some topic may do so idempotently (KIP-679)."""
    if ctx.authorize("IDEMPOTENT_WRITE", "CLUSTER", (CLUSTER_NAME,))[0]:
        return True
    return ctx.authorize_any("WRITE", "TOPIC")


async def _fresh(ctx: Context) -> InitProducerIdResponse:
    try:
        producer_id = await ctx.cluster.catalog.next_producer_id()
    except KafkaError as error:
        return _refused(error.code)
    return InitProducerIdResponse(error_code=0, producer_id=producer_id, producer_epoch=0)
