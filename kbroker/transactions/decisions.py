"""Choices of the coordinator, as pure functions of values: the next value of a transactional id, or a refusal.

A refusal is a raised `KafkaError`. The order of the checks is Kafka's (TransactionCoordinator): it decides which of
several faults a client hears of.

`last_epoch` is the epoch before the current one, as long as the same producer went from one to the other: a request
that says it repeats one whose answer was lost. It lives in memory only, as in Kafka, and is forgotten when somebody
else takes the id over.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from kbroker.machine import Producer
from kbroker.transactions.states import PREPARED, RESTING, STATES, Add, End, Init, State
from kbroker.transactions.transaction import LAST_EPOCH, NO_EPOCH, NO_PRODUCER_ID, Partition, Transaction
from wire.errors import ErrorCode, KafkaError


class NeedsProducerId(Exception):
    """The decision takes a fresh producer id, and there is none at hand."""


class Decided(NamedTuple):
    """The next value, and what `last_epoch` is with it."""

    transaction: Transaction
    last_epoch: int


def fresh(producer_id: int, timeout_ms: int, now: int) -> Decided:
    """An id that nobody has used before, or not for long."""
    transaction = Transaction(producer_id, 0, timeout_ms, State.EMPTY, frozenset(), -1, now, producer_id)
    return Decided(transaction, NO_EPOCH)


def init(
    transaction: Transaction,
    last_epoch: int,
    timeout_ms: int,
    expected: Producer | None,
    fresh_id: int | None,
    now: int,
) -> Decided:
    """InitProducerId of a known id. PREPARE_ABORT as the outcome means that the asker has to ask again."""
    what = STATES[transaction.state].init
    if what is Init.WAIT:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    if expected is not None and not _is_known(transaction, expected):
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    if what is Init.ABORT_FIRST:
        return fence(transaction, fresh_id, now)
    begin: dict[str, Any] = {"timeout_ms": timeout_ms, "partitions": frozenset(), "started_ms": -1}
    if expected is not None and expected.epoch != transaction.epoch:
        if expected.epoch != last_epoch:
            raise KafkaError(ErrorCode.PRODUCER_FENCED)
        return Decided(transaction.becomes(State.EMPTY, now, **begin), last_epoch)
    last_epoch = NO_EPOCH if expected is None else transaction.epoch
    if not transaction.is_used_up:
        return Decided(transaction.becomes(State.EMPTY, now, epoch=transaction.epoch + 1, **begin), last_epoch)
    if fresh_id is None:
        raise NeedsProducerId
    return Decided(transaction.becomes(State.EMPTY, now, producer_id=fresh_id, epoch=0, **begin), last_epoch)


def _is_known(transaction: Transaction, expected: Producer) -> bool:
    """Is this our producer, or the one that it was before its epochs were used up?"""
    was_used_up = expected.id == transaction.previous_producer_id and expected.epoch >= LAST_EPOCH
    return expected.id == transaction.producer_id or was_used_up


def fence(transaction: Transaction, fresh_id: int | None, now: int) -> Decided:
    """Abort it from here, with a raised epoch: whoever is at it finds out that somebody decided otherwise."""
    return _prepare(transaction, False, fresh_id, now)


def add(
    transaction: Transaction | None,
    producer: Producer,
    partitions: Collection[Partition],
    raises_epochs: bool,
    now: int,
) -> Transaction | None:
    """The transaction with these partitions; None when it has them already."""
    if transaction is None:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    what = STATES[transaction.state].add
    if what is Add.WAIT:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    _check_producer(transaction, producer)
    if what is Add.JOIN and transaction.partitions.issuperset(partitions):
        return None
    began = transaction.started_ms if what is Add.JOIN else now
    return transaction.becomes(
        State.ONGOING,
        now,
        partitions=transaction.partitions.union(partitions),
        started_ms=began,
        raises_epochs=raises_epochs,
    )


def used_up(transaction: Transaction | None, epoch: int) -> Transaction:
    """The transaction as if its id had come to this epoch by use; its producer, if there is one, is fenced."""
    if transaction is None:
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    if transaction.state not in RESTING or not transaction.epoch <= epoch <= LAST_EPOCH:
        text = f"It is {transaction.state.title} in epoch {transaction.epoch}; epochs only rise, between transactions."
        raise KafkaError(ErrorCode.INVALID_TXN_STATE, text)
    return transaction._replace(epoch=epoch)


def verify(
    transaction: Transaction | None, producer: Producer, partitions: Collection[Partition]
) -> dict[Partition, ErrorCode]:
    """Which of these partitions are in the transaction."""
    if transaction is None:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    _check_producer(transaction, producer)
    if transaction.state in PREPARED:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    return {
        each: ErrorCode.NONE if each in transaction.partitions else ErrorCode.TRANSACTION_ABORTABLE
        for each in partitions
    }


def _check_producer(transaction: Transaction, producer: Producer) -> None:
    if producer.id != transaction.producer_id:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    if producer.epoch != transaction.epoch:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)


def end(
    transaction: Transaction | None,
    last_epoch: int,
    producer: Producer,
    committed: bool,
    raises_epochs: bool,
    fresh_id: int | None,
    now: int,
) -> Decided | None:
    """The decision, to be told to the partitions; None when it was made before, and the answer was lost."""
    if transaction is None:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    what = _ending(transaction, producer, committed, raises_epochs)
    if what is End.DONE_BEFORE:
        return None
    if what is not End.PREPARE and what is not End.PREPARE_NOTHING:
        raise KafkaError(_REFUSALS[what])
    if not raises_epochs:
        return Decided(_decided(transaction, committed, now, raises_epochs=False), last_epoch)
    decided = _prepare(transaction, committed, fresh_id, now)
    if what is End.PREPARE_NOTHING:  # it never began, so it begins now
        decided = Decided(decided.transaction._replace(started_ms=now), decided.last_epoch)
    return decided


_REFUSALS = {
    End.REFUSED: ErrorCode.INVALID_TXN_STATE,
    End.FENCED: ErrorCode.PRODUCER_FENCED,
    End.WAIT: ErrorCode.CONCURRENT_TRANSACTIONS,
}


def _ending(transaction: Transaction, producer: Producer, committed: bool, raises_epochs: bool) -> End:
    """What the table of states says to this end, once it is clear of which transaction it speaks."""
    row = STATES[transaction.state]
    if not raises_epochs:
        _check_producer(transaction, producer)
        return row.end.of(committed)
    if transaction.state in PREPARED:  # asked first: the producer may already have the id that is about to be its own
        return End.WAIT
    is_before_new_id = producer == (transaction.previous_producer_id, LAST_EPOCH) and transaction.epoch == 0
    if producer.id != transaction.producer_id and not is_before_new_id:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    if is_before_new_id or producer.epoch == transaction.epoch - 1:
        return row.end_repeated.of(committed)
    if producer.epoch != transaction.epoch:
        return End.FENCED
    return row.end_raising.of(committed)


def _prepare(transaction: Transaction, committed: bool, fresh_id: int | None, now: int) -> Decided:
    """Decided, with the next epoch. The last one of a producer id is for the markers only: its client goes on with a
    new id.
    """
    next_id = NO_PRODUCER_ID
    if transaction.is_used_up:
        if fresh_id is None:
            raise NeedsProducerId
        next_id = fresh_id
    epoch = transaction.epoch
    decided = _decided(transaction, committed, now, epoch=epoch + 1, next_producer_id=next_id, raises_epochs=True)
    return Decided(decided, epoch)


def _decided(transaction: Transaction, committed: bool, now: int, **changes: Any) -> Transaction:
    return transaction.becomes(State.PREPARE_COMMIT if committed else State.PREPARE_ABORT, now, **changes)


def complete(transaction: Transaction, now: int) -> Transaction:
    """Every marker stands."""
    goes_on = after(transaction)
    return transaction.becomes(
        PREPARED[transaction.state],
        now,
        producer_id=goes_on.id,
        epoch=goes_on.epoch,
        next_producer_id=NO_PRODUCER_ID,
        partitions=frozenset(),
    )


def after(transaction: Transaction) -> Producer:
    """The producer that may go on, once a decided transaction is complete."""
    if transaction.next_producer_id != NO_PRODUCER_ID:
        return Producer(transaction.next_producer_id, 0)
    return transaction.producer


def expires_at(transaction: Transaction, expiration_ms: int) -> int | None:
    """When an id is forgotten if nobody uses it; not while something is open."""
    return transaction.updated_ms + expiration_ms if transaction.state in RESTING else None


def is_listed(
    transaction: Transaction, states: Collection[str], producer_ids: Collection[int], longer_than_ms: int, now: int
) -> bool:
    """Does it pass the filters of ListTransactions?"""
    if producer_ids and transaction.producer_id not in producer_ids:
        return False
    if states and transaction.state.title not in states:
        return False
    return longer_than_ms < 0 or now - transaction.started_ms > longer_than_ms
