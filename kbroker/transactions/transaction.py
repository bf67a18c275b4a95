"""A transactional id as it is now: one value, replaced as a whole. Its record says all of it, in Kafka's own format.

`previous_producer_id` is that of the record before: a client that did not hear of a change of its producer id is known
by it. `next_producer_id` is set between the decision and the completion of the transaction that uses up the epochs.
`raises_epochs` says that the one under way, or the last one, is of version 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kbroker.machine import Producer, Record
from kbroker.transactions.states import STATES, State
from wire.durable.transactions import PartitionsSchema, TransactionLogKey, TransactionLogValue

Partition = tuple[str, int]
"""Topic name and partition index."""

NO_PRODUCER_ID = -1
NO_EPOCH = -1
LAST_EPOCH = 32_766
"""The last one that a client gets. 32767 is left for fencing whoever has it."""

VALUE_VERSION = 1
"""What Apache Kafka writes from transaction.version 1 on."""

_STATES = tuple(State)
_VERSION_1, _VERSION_2 = 0, 2  # the client's generation, as the record says it


class Transaction(NamedTuple):
    producer_id: int
    epoch: int
    timeout_ms: int
    state: State
    partitions: frozenset[Partition]
    started_ms: int
    updated_ms: int
    previous_producer_id: int = NO_PRODUCER_ID
    next_producer_id: int = NO_PRODUCER_ID
    raises_epochs: bool = False

    @property
    def producer(self) -> Producer:
        return Producer(self.producer_id, self.epoch)

    @property
    def is_used_up(self) -> bool:
        """There is no next epoch."""
        return self.epoch >= LAST_EPOCH

    @property
    def due_ms(self) -> int:
        """When an ongoing one is too old."""
        return self.started_ms + self.timeout_ms

    def becomes(self, state: State, now: int, **changes: Any) -> Transaction:
        """The next value. It must be one that the table of states allows."""
        assert state in STATES[self.state].next, f"{self.state} does not become {state}"
        return self._replace(state=state, updated_ms=now, previous_producer_id=self.producer_id, **changes)


def record_of(transactional_id: str, transaction: Transaction | None) -> Record:
    """What the log gets; without a transaction the id is forgotten."""
    key = TransactionLogKey(transactional_id=transactional_id)
    if transaction is None:
        return Record(key, None)
    topics: dict[str, list[int]] = {}
    for topic, index in sorted(transaction.partitions):
        topics.setdefault(topic, []).append(index)
    value = TransactionLogValue(
        producer_id=transaction.producer_id,
        previous_producer_id=transaction.previous_producer_id,
        next_producer_id=transaction.next_producer_id,
        producer_epoch=transaction.epoch,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_status=transaction.state.value,
        transaction_partitions=None
        if transaction.state is State.EMPTY
        else [PartitionsSchema(topic=topic, partition_ids=ids) for topic, ids in topics.items()],
        transaction_last_update_timestamp_ms=transaction.updated_ms,
        transaction_start_timestamp_ms=transaction.started_ms,
        client_transaction_version=_VERSION_2 if transaction.raises_epochs else _VERSION_1,
    )
    return Record(key, value, VALUE_VERSION)


def transaction_of(value: TransactionLogValue) -> Transaction:
    """What the log says. A record of version 0 has no word of producer ids before and after, nor of the generation."""
    return Transaction(
        producer_id=value.producer_id,
        epoch=value.producer_epoch,
        timeout_ms=value.transaction_timeout_ms,
        state=_STATES[value.transaction_status],
        partitions=frozenset(
            [(each.topic, index) for each in value.transaction_partitions or () for index in each.partition_ids]
        ),
        started_ms=value.transaction_start_timestamp_ms,
        updated_ms=value.transaction_last_update_timestamp_ms,
        previous_producer_id=value.previous_producer_id,
        next_producer_id=value.next_producer_id,
        raises_epochs=value.client_transaction_version >= _VERSION_2,
    )
