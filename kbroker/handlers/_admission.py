"""Admission: the leader of a partition asks the coordinator of a transaction whether the first batch may be written
(KIP-890). Nobody can then open a transaction here that no marker would ever end.

    up to version 11   the client has added the partition (AddPartitionsToTxn), and it is verified
    version 12         transaction version 2: the partition is added now

What the client hears depends on what its version knows. A refusal that is not of its making becomes an error that it
retries without asking for metadata: NOT_ENOUGH_REPLICAS (19), oddly, as in Kafka.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any

from kbroker.context import Context
from kbroker.machine import Producer
from kbroker.partitions.undecided import NOT_ADDED
from wire.crc import Buffer
from wire.errors import ErrorCode, KafkaError

_PRODUCER = Struct(">qhi")
_PRODUCER_AT = 43

ASK_AGAIN = frozenset(
    (
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.NETWORK_EXCEPTION,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
    )
)


def header_of(records: Buffer | None) -> tuple[int, int, int] | None:
    """Producer id, epoch and first sequence, as the bytes claim; None without a producer."""
    if records is None or len(records) < _PRODUCER_AT + _PRODUCER.size:
        return None
    producer_id, epoch, sequence = _PRODUCER.unpack_from(records, _PRODUCER_AT)
    return (producer_id, epoch, sequence) if producer_id >= 0 else None


def ask(
    ctx: Context,
    transactional_id: str,
    producer: Producer,
    places: Sequence[tuple[str, int]],
    adds_partitions: bool,
    tell: Callable[[Sequence[KafkaError | None]], object],
) -> None:
    """`tell` gets the refusal of each place, or None, now or later."""
    knows_abortable = ctx.version >= 11  # KIP-890

    def refusal(code: ErrorCode) -> KafkaError | None:
        if not code:
            return None
        if code is ErrorCode.PRODUCER_FENCED:
            return KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH)
        if code is ErrorCode.TRANSACTION_ABORTABLE and not knows_abortable:
            return KafkaError(ErrorCode.INVALID_TXN_STATE, NOT_ADDED)
        if code in ASK_AGAIN and not (adds_partitions and code is ErrorCode.CONCURRENT_TRANSACTIONS):
            message = f"Unable to verify the partition has been added to the transaction. Underlying error: {code.name}"
            return KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, message)
        return KafkaError(code)

    def answered(done: asyncio.Future[Any]) -> None:
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is None:
            admitted(done.result())
        else:
            code = error.code if isinstance(error, KafkaError) else ErrorCode.UNKNOWN_SERVER_ERROR
            tell([refusal(code) for _ in places])

    def admitted(codes: Mapping[tuple[str, int], ErrorCode] | None) -> None:
        tell([refusal(codes.get(place, ErrorCode.NONE)) if codes else None for place in places])

    try:
        asking = ctx.cluster.transactions.admit(transactional_id, producer, places, adds_partitions)
    except KafkaError as error:
        tell([refusal(error.code) for _ in places])
        return
    if isinstance(asking, asyncio.Future):
        asking.add_done_callback(answered)
    else:
        admitted(asking)
