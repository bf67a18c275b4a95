"""WriteTxnMarkers: markers that end transactions in partitions. Between brokers it comes from the coordinator, which
writes its own without it here; an administrator sends it to abort a transaction that hangs (KIP-664).

Every partition has its own answer: UNKNOWN_TOPIC_OR_PARTITION (3), NOT_LEADER_OR_FOLLOWER (6), INVALID_PRODUCER_EPOCH
(47) when the producer's epoch is older than the partition knows, TRANSACTION_COORDINATOR_FENCED (52) when the
coordinator's is. v2 says by transaction_version 2 that the epoch is that of the next transaction (KIP-1228).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from kbroker.context import Context
from kbroker.groups.answers import gather, then
from kbroker.machine import Marker, Producer
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError
from wire.messages.write_txn_markers import (
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)


def write_txn_markers(
    request: WriteTxnMarkersRequest, ctx: Context
) -> WriteTxnMarkersResponse | asyncio.Future[WriteTxnMarkersResponse]:
    if not (
        ctx.authorize("ALTER", "CLUSTER", (CLUSTER_NAME,))[0]
        or ctx.authorize("CLUSTER_ACTION", "CLUSTER", (CLUSTER_NAME,))[0]
    ):
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    response = WriteTxnMarkersResponse(markers=[])
    results: list[WritableTxnMarkerPartitionResult] = []
    writes: list[Callable[[], asyncio.Future[None]]] = []
    for asked in request.markers:
        marker = Marker(
            Producer(asked.producer_id, asked.producer_epoch), asked.transaction_result, asked.coordinator_epoch
        )
        told = WritableTxnMarkerResult(producer_id=asked.producer_id, topics=[])
        response.markers.append(told)
        for topic in asked.topics:
            answers = [
                WritableTxnMarkerPartitionResult(partition_index=index, error_code=ErrorCode.NONE)
                for index in topic.partition_indexes
            ]
            told.topics.append(WritableTxnMarkerTopicResult(name=topic.name, partitions=answers))
            results += answers
            writes += [
                partial(_write, ctx, topic.name, index, marker, asked.transaction_version >= 2)
                for index in topic.partition_indexes
            ]

    def answer(written: list[Any]) -> WriteTxnMarkersResponse:
        for result, outcome in zip(results, written, strict=True):
            result.error_code = outcome.code if isinstance(outcome, KafkaError) else ErrorCode.NONE
        return response

    world = ctx.cluster.world
    return then(world, gather(world, writes), answer)


def _write(ctx: Context, name: str, index: int, marker: Marker, raises_epochs: bool) -> asyncio.Future[None]:
    ctx.cluster.partitions.lookup(ctx.node.id, ctx.cluster.catalog.topic(name), index)
    written: asyncio.Future[None] = ctx.cluster.world.future()

    def told(error: Exception | None) -> None:
        if written.done():
            return
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)

    ctx.cluster.markers.write_marker(name, index, marker, raises_epochs, told)
    return written
