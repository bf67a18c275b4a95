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

from kbroker.context import Context, Later
from kbroker.groups.answers import gather, then
from kbroker.handlers._transactions import asked, fenced
from kbroker.machine import Producer
from kbroker.operations import CLUSTER_NAME
from kbroker.transactions.events import AddPartitions, VerifyPartitions
from wire.errors import ErrorCode, KafkaError
from wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)

Partition = tuple[str, int]
Codes = Mapping[Partition, ErrorCode]


def add_partitions_to_txn(
    request: AddPartitionsToTxnRequest, ctx: Context
) -> AddPartitionsToTxnResponse | Later | asyncio.Future[AddPartitionsToTxnResponse]:
    comes_from_brokers = ctx.version >= 4  # KIP-890
    if not comes_from_brokers:
        return _of_client(request, ctx, knows_producer_fenced=ctx.version >= 2)  # KIP-588
    if not ctx.authorize("CLUSTER_ACTION", "CLUSTER", (CLUSTER_NAME,))[0]:
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    transactions = request.transactions
    questions = [_question(each, ctx) for each in transactions]

    def answer(found: list[Codes | KafkaError | None]) -> AddPartitionsToTxnResponse:
        results = [
            AddPartitionsToTxnResult(transactional_id=each.transactional_id, topic_results=_results(each.topics, codes))
            for each, codes in zip(transactions, found, strict=True)
        ]
        return AddPartitionsToTxnResponse(error_code=ErrorCode.NONE, results_by_transaction=results)

    world = ctx.cluster.world
    return then(world, gather(world, questions), answer)


def _of_client(
    request: AddPartitionsToTxnRequest, ctx: Context, knows_producer_fenced: bool
) -> AddPartitionsToTxnResponse | Later:
    name, topics = request.v3_and_below_transactional_id, request.v3_and_below_topics
    producer = Producer(request.v3_and_below_producer_id, request.v3_and_below_producer_epoch)
    partitions = _partitions(topics)

    def answer(found: Codes | KafkaError | None) -> AddPartitionsToTxnResponse:
        return AddPartitionsToTxnResponse(
            error_code=ErrorCode.NONE,
            results_by_transaction=[],
            results_by_topic_v3_and_below=_results(topics, found, knows_producer_fenced),
        )

    def refuse(code: ErrorCode) -> AddPartitionsToTxnResponse:
        return answer(KafkaError(code))

    if not ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]:
        return refuse(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    refused = _refusals(partitions, ctx, True)
    if refused:
        return answer(refused)
    if not name:
        return refuse(ErrorCode.INVALID_REQUEST)
    return asked(ctx, name, lambda ticket: AddPartitions(ticket, name, producer, partitions), answer, refuse)


def _question(transaction: AddPartitionsToTxnTransaction, ctx: Context) -> Callable[[], asyncio.Future[Codes | None]]:
    name = transaction.transactional_id
    producer = Producer(transaction.producer_id, transaction.producer_epoch)
    partitions = _partitions(transaction.topics)

    def ask() -> asyncio.Future[Codes | None]:
        refused = _refusals(partitions, ctx, False)
        if refused:
            codes: asyncio.Future[Codes | None] = ctx.cluster.world.future()
            codes.set_result(refused)
            return codes
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        transactions = ctx.cluster.transactions
        if transaction.verify_only:
            return transactions.ask(ctx, name, lambda ticket: VerifyPartitions(ticket, name, producer, partitions))
        return transactions.ask(ctx, name, lambda ticket: AddPartitions(ticket, name, producer, partitions, True))

    return ask


def _partitions(topics: list[AddPartitionsToTxnTopic]) -> list[Partition]:
    return [(topic.name, index) for topic in topics for index in topic.partitions]


def _refusals(partitions: list[Partition], ctx: Context, is_client: bool) -> dict[Partition, ErrorCode]:
    """Nothing, or why not one of them is added: there are partitions that nobody may add, or that are not there."""
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
    if refused:
        return {place: refused.get(place, ErrorCode.OPERATION_NOT_ATTEMPTED) for place in partitions}
    return refused


def _results(
    topics: list[AddPartitionsToTxnTopic], found: Codes | KafkaError | None, knows_producer_fenced: bool = True
) -> list[AddPartitionsToTxnTopicResult]:
    codes: Codes = {}
    every = ErrorCode.NONE
    if isinstance(found, KafkaError):
        every = fenced(found.code, knows_producer_fenced)
    elif found is not None:
        codes = found
    return [
        AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=[
                AddPartitionsToTxnPartitionResult(
                    partition_index=index, partition_error_code=codes.get((topic.name, index), every)
                )
                for index in topic.partitions
            ],
        )
        for topic in topics
    ]
