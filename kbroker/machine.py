"""Machines: every decision of a coordinator is a pure function of (state, event, now), and every effect is data.

The catalog, a partition of `__consumer_offsets` (its groups) and a partition of `__transaction_state` are each one
machine on one log. A machine awaits nothing, reads no clock and rolls no dice but `rng`; so a test says
`machine.step(SessionExpired("m1"), 45_001, rng)` and looks at what comes back. `runtime.py` drives it: steps,
applies, appends, answers.

The contract.

1. `step` decides. It may change what is volatile (parked members, deadlines, a block of ids at hand), never what is
   durable: that it returns as records. Raising a `KafkaError` in place of returning answers the ticket with it;
   nothing may have been changed then.
2. `apply` is the only writer of durable state. The runtime calls it at once for every record that a step returned, in
   order, and again for every record of the log when the machine is made anew: a state must come out the same both
   ways. Hence it looks at nothing but the record, its origin and the durable state; what the record's version does
   not carry must not be looked at. A record without a value is a tombstone; keys of an unknown type never come here.
3. Records of one `Batch` reach the log together or not at all. With a `producer` they belong to its open transaction,
   and count only when `apply_marker` says how that ended; a `Marker` among the batches is such an end, written to
   this log by this runtime.
4. Replies leave in step order, and only when everything is durable that the machine had seen by then: an early one
   without what its own step writes. A reply answers a `Ticket`, of this step or of an earlier one (a parked one); each
   ticket is answered once.
5. `tasks` are things done elsewhere (write markers into these logs, drop these logs). They start under the same rule
   as replies leave. What comes of them comes back as an event.
6. A timer is an event: `Timer(key, at, event)` replaces the timer of that key, `at=None` forgets it. It is volatile.
7. If an append fails, the machine is thrown away and a new one is made by applying the whole log. Its first event is
   `Loaded`: there it sets every timer and resumes what was half done. Open tickets, parked ones too, have been
   answered by the runtime with a retriable error.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NewType, Protocol

from wire.schema import Key, Value

if TYPE_CHECKING:
    from random import Random

Ticket = NewType("Ticket", object)
"""Stands for one waiting asker. A machine keeps and answers it, and does not look what it is: the runtime knows."""


class Producer(NamedTuple):
    """A transactional producer, whose records wait for its marker."""

    id: int
    epoch: int


class Record(NamedTuple):
    """A durable record: key and value of `wire.durable`; no value means that the key is forgotten. `version` is the
    value's.
    """

    key: Key
    value: Value | None
    version: int = 0


class Batch(NamedTuple):
    """Records that belong together."""

    records: Sequence[Record]
    producer: Producer | None = None


class Marker(NamedTuple):
    """The end of a producer's transaction on this log."""

    producer: Producer
    committed: bool
    coordinator_epoch: int


class Reply(NamedTuple):
    """An answer: a wire response, any value, or an exception (usually a `KafkaError`), which the asker gets raised. An
    early one stays true if what its step writes is lost.
    """

    ticket: Ticket
    response: object
    is_early: bool = False


class Timer(NamedTuple):
    """`event` comes back once the controllable time has reached `at`; None forgets the timer of this key."""

    key: Hashable
    at: int | None
    event: object = None


@dataclass(slots=True)
class Effects:
    """What a step wants done."""

    batches: list[Batch | Marker] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    tasks: list[object] = field(default_factory=list)


class Origin(NamedTuple):
    """Where a record stands in the log; the producer when it is part of a transaction."""

    offset: int
    timestamp_ms: int
    producer: Producer | None = None


class Loaded(NamedTuple):
    """The log has been read to its end; the machine serves from now on."""

    now: int


class Machine(Protocol):
    def step(self, event: object, now: int, rng: Random) -> Effects: ...

    def apply(self, record: Record, origin: Origin) -> None: ...

    def apply_marker(self, marker: Marker, origin: Origin) -> None: ...
