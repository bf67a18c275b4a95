"""A machine of transactions on a bench: its log is a list, its time a number, its timers a dictionary.

`Bench` plays the runtime: it steps, applies, remembers answers by ticket and orders by id. What it writes goes through
bytes, so that replaying it is what a broker would do after a crash. Producer ids are handed out at once, from 1000 on,
unless `has_ids` is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from kbroker.machine import Batch, Effects, Loaded, Origin, Producer, Record, Ticket, Timer
from kbroker.transactions import events
from kbroker.transactions.machine import TransactionsMachine
from kbroker.transactions.settings import Settings
from kbroker.transactions.states import STATES
from wire.durable.codec import TRANSACTIONS, decode_key, decode_value, encode_key, encode_value
from wire.errors import ErrorCode, KafkaError

START = 1_000_000


@dataclass
class Bench:
    settings: Settings = field(default_factory=Settings)
    now: int = START
    log: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    answers: dict[Ticket, Any] = field(default_factory=dict)
    open: set[Ticket] = field(default_factory=set)
    timers: dict[Any, Timer] = field(default_factory=dict)
    orders: dict[str, events.WriteMarkers] = field(default_factory=dict)
    wanted_ids: int = 0
    has_ids: bool = True
    next_id: int = 1000
    tickets: int = 0
    watch: Callable[[Effects], None] | None = None

    def __post_init__(self) -> None:
        self.rng = Random(7)
        self.machine = TransactionsMachine(self.settings)
        self.step(Loaded(self.now))

    # --- stepping ---------------------------------------------------------------------------------------------------

    def step(self, event: Any, ticket: Ticket | None = None) -> None:
        try:
            effects = self.machine.step(event, self.now, self.rng)
        except KafkaError as error:
            assert ticket is not None, "nobody hears of it"
            effects = Effects()
            self._answer(ticket, error)
        for batch in effects.batches:
            assert isinstance(batch, Batch)
            assert batch.producer is None
            for record in batch.records:
                self._append(record)
        for reply in effects.replies:
            self._answer(reply.ticket, reply.response)
        for timer in effects.timers:
            if timer.at is None:
                self.timers.pop(timer.key, None)
            else:
                self.timers[timer.key] = timer
        if self.watch is not None:
            self.watch(effects)
        for task in effects.tasks:
            if isinstance(task, events.WriteMarkers):
                self.orders[task.transactional_id] = task
            else:
                self.wanted_ids += 1
        if self.has_ids:
            self.give_ids()

    def give_ids(self, error: ErrorCode = ErrorCode.NONE) -> None:
        while self.wanted_ids:
            self.wanted_ids -= 1
            self.next_id += 1
            self.step(events.ProducerIdFetched(-1 if error else self.next_id - 1, error))

    def _append(self, record: Record) -> None:
        name = record.key.transactional_id  # type: ignore[attr-defined]
        before = self.machine.ids.get(name)
        value = None if record.value is None else encode_value(record.value, record.version)
        self.log.append((encode_key(record.key), value))
        self.machine.apply(record, Origin(len(self.log) - 1, self.now))
        after = self.machine.ids.get(name)
        if before is not None and after is not None:
            assert after.state in STATES[before.state].next
            assert after.producer_id != before.producer_id or after.epoch >= before.epoch, "an epoch never goes back"

    def _answer(self, ticket: Ticket, response: Any) -> None:
        assert ticket in self.open, f"{ticket} is answered twice, or nobody asked"
        self.open.remove(ticket)
        self.answers[ticket] = response

    def ask(self, make_event: Callable[[Ticket], Any]) -> Ticket:
        self.tickets += 1
        ticket = Ticket(self.tickets)
        self.open.add(ticket)
        self.step(make_event(ticket), ticket)
        return ticket

    def answer(self, make_event: Callable[[Ticket], Any]) -> Any:
        """For what must be answered at once."""
        ticket = self.ask(make_event)
        assert ticket in self.answers, "no answer yet"
        return self.answers[ticket]

    def advance(self, milliseconds: int) -> None:
        """Let time pass, from timer to timer."""
        end = self.now + milliseconds
        while self.timers:
            timer = min(self.timers.values(), key=lambda timer: (timer.at or 0, str(timer.key)))
            assert timer.at is not None
            if timer.at > end:
                break
            self.now = max(self.now, timer.at)
            del self.timers[timer.key]
            self.step(timer.event)
        self.now = end

    def written(self, name: str) -> None:
        """The markers of that id's last order stand."""
        self.step(events.MarkersWritten(name, self.orders.pop(name).attempt))

    # --- crashing ---------------------------------------------------------------------------------------------------

    def replayed(self) -> TransactionsMachine:
        """A new machine with what the log says."""
        machine = TransactionsMachine(self.settings)
        for offset, (key_bytes, value_bytes) in enumerate(self.log):
            key = decode_key(key_bytes, TRANSACTIONS)
            assert key is not None
            value = None if value_bytes is None else decode_value(key, value_bytes)
            machine.apply(Record(key, value), Origin(offset, self.now))
        return machine

    def crash(self) -> set[Ticket]:
        """The machine is lost and made anew. Whoever was waiting has been answered by the runtime."""
        lost, self.open = self.open, set()
        self.timers.clear()
        self.orders.clear()
        self.wanted_ids = 0
        self.machine = self.replayed()
        self.step(Loaded(self.now))
        return lost

    # --- requests ---------------------------------------------------------------------------------------------------

    def init(self, name: str = "a", timeout_ms: int = 60_000, expected: Producer | None = None) -> Any:
        return self.answer(lambda ticket: events.InitProducer(ticket, name, timeout_ms, expected))

    def add(self, producer: Producer, *partitions: tuple[str, int], name: str = "a", raising: bool = False) -> Any:
        return self.answer(lambda ticket: events.AddPartitions(ticket, name, producer, partitions, raising))

    def end(self, producer: Producer, committed: bool, *, name: str = "a", raising: bool = False) -> Any:
        """Asked and, if markers are needed, completed."""
        ticket = self.ask(lambda ticket: events.EndTransaction(ticket, name, producer, committed, raising))
        if ticket not in self.answers:
            self.written(name)
        return self.answers[ticket]
