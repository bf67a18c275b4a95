"""What can happen to the transactional ids of one partition of `__transaction_state`, and what is asked of others.

A request comes with the ticket of its asker. What a version of an API means is decided in the handler; here it has a
name. A task goes out once everything that it rests on is durable, and its outcome comes back as an event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from kbroker.machine import Producer, Ticket
from kbroker.transactions.transaction import Partition
from wire.errors import ErrorCode

# --- requests ---------------------------------------------------------------------------------------------------------


class InitProducer(NamedTuple):
    """A producer begins, or goes on after an error, and then says who it believes to be (KIP-360). Answered with a
    Producer.
    """

    ticket: Ticket
    transactional_id: str
    timeout_ms: int
    expected: Producer | None = None


class AddPartitions(NamedTuple):
    """The transaction is going to write there. Answered with None.

    With `raises_epochs` it is a first write of version 2, for which the partition's leader asks (KIP-890): while the
    last transaction's markers are on their way it waits for them, rather than have the client ask again.
    """

    ticket: Ticket
    transactional_id: str
    producer: Producer
    partitions: Collection[Partition]
    raises_epochs: bool = False


class VerifyPartitions(NamedTuple):
    """Are these partitions in the transaction? Answered with {partition: ErrorCode} (KIP-890)."""

    ticket: Ticket
    transactional_id: str
    producer: Producer
    partitions: Collection[Partition]


class EndTransaction(NamedTuple):
    """How it ends. Answered with the Producer that may go on, when the markers stand."""

    ticket: Ticket
    transactional_id: str
    producer: Producer
    committed: bool
    raises_epochs: bool = False


class UseUp(NamedTuple):
    """Somebody who has the broker in hand lets the epochs of an id come to this one. Answered with None."""

    ticket: Ticket
    transactional_id: str
    epoch: int


class Describe(NamedTuple):
    """Answered with a Transaction, or None."""

    ticket: Ticket
    transactional_id: str


class ListAll(NamedTuple):
    """Answered with a list of (id, Transaction). Empty filters let everything through."""

    ticket: Ticket
    states: Collection[str] = ()
    producer_ids: Collection[int] = ()
    longer_than_ms: int = -1
    matches: Callable[[str], object] | None = None


# --- what happens by itself -------------------------------------------------------------------------------------------


class TimedOut(NamedTuple):
    """A transaction may be older than its timeout."""

    transactional_id: str


class ExpiryCheck(NamedTuple):
    """Look for ids that nobody has used for long."""


# --- tasks, and what comes of them ------------------------------------------------------------------------------------


class FetchProducerId(NamedTuple):
    """A producer id that nobody has had is wanted."""


class ProducerIdFetched(NamedTuple):
    """Here it is, or why there is none."""

    producer_id: int
    error: ErrorCode = ErrorCode.NONE


class WriteMarkers(NamedTuple):
    """The transaction has ended so: tell every partition of it. `attempt` tells this order from every other one, also
    from those of an earlier machine.
    """

    transactional_id: str
    attempt: int
    producer: Producer
    committed: bool
    partitions: Collection[Partition]
    raises_epochs: bool


class MarkersWritten(NamedTuple):
    """All of them stand."""

    transactional_id: str
    attempt: int


class MarkersDelayed(NamedTuple):
    """Some could not be written yet; it is tried again until they stand."""

    transactional_id: str
    attempt: int
