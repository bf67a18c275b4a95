"""AddPartitionsToTxn: the transaction is going to write to these partitions, so the coordinator knows where markers
have to go (KIP-98). Clients of transaction version 1 ask it before the first batch, which waits for the answer.

    v0-3  of one client: all partitions get the same answer; if one cannot be, that one says why, and the others get
          OPERATION_NOT_ATTEMPTED (55)            v2  PRODUCER_FENCED (90), before: 47
    v4    of brokers: several transactions, each with answers of its own, and verify_only: is it in there (0), or not
          (TRANSACTION_ABORTABLE, 120)? (KIP-890)

UNKNOWN_TOPIC_OR_PARTITION (3), TOPIC_AUTHORIZATION_FAILED (29) also for internal topics, INVALID_PRODUCER_ID_MAPPING
(49), CONCURRENT_TRANSACTIONS (51) while the markers of the last one are on their way, INVALID_REQUEST (42) for an empty
transactional id, NOT_COORDINATOR (16).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from kbroker.context import Context
from kbroker.groups.answers import gather, then
from kbroker.handlers._transactions import fenced
from kbroker.machine import Producer
from kbroker.operations import CLUSTER_NAME
from kbroker.transactions.events import AddPartitions, VerifyPartitions
from wire.errors import ErrorCode, KafkaError
from wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)

Partition = tuple[str, int]
Codes = Mapping[Partition, ErrorCode]


def add_partitions_to_txn(
    request: AddPartitionsToTxnRequest, ctx: Context
) -> AddPartitionsToTxnResponse | asyncio.Future[AddPartitionsToTxnResponse]:
    comes_from_brokers = ctx.version >= 4  # KIP-890
    knows_producer_fenced = ctx.version >= 2  # KIP-588
    if comes_from_brokers:
        if not ctx.authorize("CLUSTER_ACTION", "CLUSTER", (CLUSTER_NAME,))[0]:
            raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
        transactions = request.transactions
    else:
        transactions = [_of_client(request)]
    questions = [_question(each, ctx, comes_from_brokers) for each in transactions]

    def answer(found: list[Codes | KafkaError | None]) -> AddPartitionsToTxnResponse:
        results = [
            _result(asked, answered, knows_producer_fenced)
            for asked, answered in zip(transactions, found, strict=True)
        ]
        if comes_from_brokers:
            return AddPartitionsToTxnResponse(error_code=ErrorCode.NONE, results_by_transaction=results)
        return AddPartitionsToTxnResponse(
            error_code=ErrorCode.NONE, results_by_transaction=[], results_by_topic_v3_and_below=results[0].topic_results
        )

    world = ctx.cluster.world
    return then(world, gather(world, questions), answer)


def _of_client(request: AddPartitionsToTxnRequest) -> AddPartitionsToTxnTransaction:
    return AddPartitionsToTxnTransaction(
        transactional_id=request.v3_and_below_transactional_id,
        producer_id=request.v3_and_below_producer_id,
        producer_epoch=request.v3_and_below_producer_epoch,
        topics=request.v3_and_below_topics,
    )


def _question(
    asked: AddPartitionsToTxnTransaction, ctx: Context, raises_epochs: bool
) -> Callable[[], asyncio.Future[Codes | None]]:
    name = asked.transactional_id
    producer = Producer(asked.producer_id, asked.producer_epoch)
    partitions = [(topic.name, index) for topic in asked.topics for index in topic.partitions]

    def ask() -> asyncio.Future[Codes | None]:
        if not raises_epochs and not ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]:
            raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        refused = _refusals(partitions, ctx, not raises_epochs)
        if refused:
            codes: asyncio.Future[Codes | None] = ctx.cluster.world.future()
            codes.set_result({each: refused.get(each, ErrorCode.OPERATION_NOT_ATTEMPTED) for each in partitions})
            return codes
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        transactions = ctx.cluster.transactions
        if asked.verify_only:
            return transactions.ask(ctx, name, lambda ticket: VerifyPartitions(ticket, name, producer, partitions))
        return transactions.ask(
            ctx, name, lambda ticket: AddPartitions(ticket, name, producer, partitions, raises_epochs)
        )

    return ask


def _refusals(partitions: list[Partition], ctx: Context, is_client: bool) -> dict[Partition, ErrorCode]:
    """The partitions that nobody may add, or that are not there."""
    catalog = ctx.cluster.catalog
    names = list(dict.fromkeys([name for name, _ in partitions]))
    denied = set()
    if is_client:
        denied = {name for name, may in zip(names, ctx.authorize("WRITE", "TOPIC", names), strict=True) if not may}
    refused = {}
    for place in partitions:
        topic = catalog.topic(place[0])
        if place[0] in denied or (is_client and topic is not None and topic.internal):
            refused[place] = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        elif topic is None or not 0 <= place[1] < len(topic.partitions):
            refused[place] = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return refused


def _result(
    asked: AddPartitionsToTxnTransaction, answered: Codes | KafkaError | None, knows_producer_fenced: bool
) -> AddPartitionsToTxnResult:
    codes: Codes = {}
    every = ErrorCode.NONE
    if isinstance(answered, KafkaError):
        every = fenced(answered.code, knows_producer_fenced)
    elif answered is not None:
        codes = answered
    return AddPartitionsToTxnResult(
        transactional_id=asked.transactional_id,
        topic_results=[
            AddPartitionsToTxnTopicResult(
                name=topic.name,
                results_by_partition=[
                    AddPartitionsToTxnPartitionResult(
                        partition_index=index, partition_error_code=codes.get((topic.name, index), every)
                    )
                    for index in topic.partitions
                ],
            )
            for topic in asked.topics
        ],
    )
