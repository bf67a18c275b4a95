"""InitProducerId: a producer id and an epoch for a producer that wants its retries recognised (KIP-98, KIP-360).

Without a transactional id it is a fresh id with epoch 0, each time. This is the first thing that a default producer
of today asks, before it sends anything. With a transactional id it would begin or take over a transactional
producer's life: transactions are not there yet, and a refusal that says so is better than a producer that believes in
them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

log = logging.getLogger("kbroker.transactions")


def init_producer_id(
    request: InitProducerIdRequest, ctx: Context
) -> InitProducerIdResponse | Awaitable[InitProducerIdResponse]:
    if (request.producer_id == -1) != (request.producer_epoch == -1) or request.transactional_id == "":
        return _refused(ErrorCode.INVALID_REQUEST)
    if request.transactional_id is not None:
        log.warning(
            "%s asked for a transactional producer %r: this broker has no transactions yet",
            ctx.client_id,
            request.transactional_id,
        )
        return _refused(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not _may_write(ctx):
        return _refused(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    return _fresh(ctx)


def _refused(code: ErrorCode) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1)


def _may_write(ctx: Context) -> bool:
    """Whoever may write to some topic may do so idempotently (KIP-679)."""
    if ctx.authorize("IDEMPOTENT_WRITE", "CLUSTER", (CLUSTER_NAME,))[0]:
        return True
    return any(ctx.authorize("WRITE", "TOPIC", [topic.name for topic in ctx.cluster.catalog.topics()]))


async def _fresh(ctx: Context) -> InitProducerIdResponse:
    try:
        producer_id = await ctx.cluster.catalog.next_producer_id()
    except KafkaError as error:
        return _refused(error.code)
    return InitProducerIdResponse(error_code=0, producer_id=producer_id, producer_epoch=0)
