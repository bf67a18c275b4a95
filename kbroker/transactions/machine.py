"""All transactional ids of one partition of `__transaction_state`, as one machine.

`ids` is durable: it changes by `apply` alone, one record for each change of one id. The rest is volatile, and a new
machine does well without it: whose EndTxn waits for its markers, which epoch came before, fresh producer ids.

Two things make a step wait for something from elsewhere. A decision that takes a fresh producer id, when there is none
at hand, is put aside and made again when one has come. And the end of a transaction: the decision is written, the
markers are sent (`WriteMarkers`, a task), and `MarkersWritten` completes it; only then EndTxn is answered, so that who
reads after a commit sees it. The record of the completion it need not wait for: the decision is durable, and who finds
nothing more in the log sends the markers again. If a marker is delayed, the answer is given at once: it is decided.

After a restart `Loaded` sends the markers of every decided transaction again; a partition that has its marker already
gets a second one, which ends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from kbroker.machine import Batch, Effects, Loaded, Marker, Origin, Record, Reply, Ticket, Timer
from kbroker.transactions import decisions, events
from kbroker.transactions.decisions import Decided, NeedsProducerId
from kbroker.transactions.settings import Settings
from kbroker.transactions.states import PREPARED, State
from kbroker.transactions.transaction import NO_EPOCH, Transaction, record_of, transaction_of
from wire.durable.transactions import TransactionLogKey, TransactionLogValue
from wire.errors import ErrorCode, KafkaError

_TRY_AGAIN_MS = 1_000
_EXPIRY_KEY = ()  # the timers of ids are keyed by their names


class Dice(Protocol):
    """The chance that a machine is given: `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int: ...


class _Sending:
    """The markers of one id are on their way. `askers` hear of the end, and what is `waiting` happens after it."""

    __slots__ = ("askers", "attempt", "waiting")

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.askers: list[Ticket] = []
        self.waiting: list[events.AddPartitions] = []


class _Turn:
    """One step: what it knows of the world, and its effects as they gather."""

    __slots__ = ("effects", "now", "rng")

    def __init__(self, now: int, rng: Dice) -> None:
        self.now = now
        self.rng = rng
        self.effects = Effects()

    def answer(self, ticket: Ticket, response: object) -> None:
        self.effects.replies.append(Reply(ticket, response))


class TransactionsMachine:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ids: dict[str, Transaction] = {}
        self._last_epochs: dict[str, int] = {}
        self._sending: dict[str, _Sending] = {}
        self._fresh: list[int] = []
        self._thirsty: list[Any] = []  # events that wait for a fresh producer id
        self._next_check: int | None = None
        self._dispatch: dict[type, Callable[[Any, _Turn], None]] = {
            Loaded: self._loaded,
            events.InitProducer: self._init,
            events.AddPartitions: self._add,
            events.VerifyPartitions: self._verify,
            events.EndTransaction: self._end,
            events.UseUp: self._use_up,
            events.Describe: self._describe,
            events.ListAll: self._list,
            events.TimedOut: self._timed_out,
            events.ExpiryCheck: self._expire,
            events.ProducerIdFetched: self._producer_id_fetched,
            events.MarkersWritten: self._markers_written,
            events.MarkersDelayed: self._markers_delayed,
        }

    # --- the machine ------------------------------------------------------------------------------------------------

    def step(self, event: object, now: int, rng: Dice) -> Effects:
        turn = _Turn(now, rng)
        self._handle(event, turn)
        return turn.effects

    def apply(self, record: Record, origin: Origin) -> None:
        key, value = record.key, record.value
        assert isinstance(key, TransactionLogKey)
        if value is None:
            self.ids.pop(key.transactional_id, None)
        else:
            assert isinstance(value, TransactionLogValue)
            self.ids[key.transactional_id] = transaction_of(value)

    def apply_marker(self, marker: Marker, origin: Origin) -> None:
        """Nobody writes to this log in a transaction."""

    def _handle(self, event: Any, turn: _Turn) -> None:
        try:
            self._dispatch[type(event)](event, turn)
        except NeedsProducerId:
            self._thirsty.append(event)
            turn.effects.tasks.append(events.FetchProducerId())

    def _write(self, transactional_id: str, transaction: Transaction, turn: _Turn) -> None:
        turn.effects.batches.append(Batch([record_of(transactional_id, transaction)]))
        if transaction.state is State.ONGOING:
            turn.effects.timers.append(Timer(transactional_id, transaction.due_ms, events.TimedOut(transactional_id)))
        at = decisions.expires_at(transaction, self.settings.expiration_ms)
        if at is not None and self._next_check is None:
            self._check_at(at, turn)

    # --- requests ---------------------------------------------------------------------------------------------------

    def _init(self, event: events.InitProducer, turn: _Turn) -> None:
        if not 0 < event.timeout_ms <= self.settings.max_timeout_ms:
            raise KafkaError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        name = event.transactional_id
        known = self.ids.get(name)
        if known is None:
            if not self._fresh:
                raise NeedsProducerId
            decided = decisions.fresh(self._fresh.pop(), event.timeout_ms, turn.now)
        else:
            last_epoch = self._last_epochs.get(name, NO_EPOCH)
            decided = decisions.init(known, last_epoch, event.timeout_ms, event.expected, self._peek(), turn.now)
            self._taken(decided)
        if decided.transaction.state is State.PREPARE_ABORT:
            self._send(name, decided, turn)
            turn.answer(event.ticket, KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS))
            return
        self._last_epochs[name] = decided.last_epoch
        self._write(name, decided.transaction, turn)
        turn.answer(event.ticket, decided.transaction.producer)

    def _add(self, event: events.AddPartitions, turn: _Turn) -> None:
        name = event.transactional_id
        sending = self._sending.get(name)
        if sending is not None and event.raises_epochs:
            sending.waiting.append(event)
            return
        added = decisions.add(self.ids.get(name), event.producer, event.partitions, event.raises_epochs, turn.now)
        if added is not None:
            self._write(name, added, turn)
        turn.answer(event.ticket, None)

    def _verify(self, event: events.VerifyPartitions, turn: _Turn) -> None:
        found = decisions.verify(self.ids.get(event.transactional_id), event.producer, event.partitions)
        turn.answer(event.ticket, found)

    def _end(self, event: events.EndTransaction, turn: _Turn) -> None:
        name = event.transactional_id
        known = self.ids.get(name)
        last_epoch = self._last_epochs.get(name, NO_EPOCH)
        decided = decisions.end(
            known, last_epoch, event.producer, event.committed, event.raises_epochs, self._peek(), turn.now
        )
        if decided is None:
            assert known is not None
            turn.answer(event.ticket, known.producer)
            return
        self._taken(decided)
        self._send(name, decided, turn).askers.append(event.ticket)

    def _use_up(self, event: events.UseUp, turn: _Turn) -> None:
        known = decisions.used_up(self.ids.get(event.transactional_id), event.epoch)
        self._last_epochs.pop(event.transactional_id, None)
        self._write(event.transactional_id, known, turn)
        turn.answer(event.ticket, None)

    def _describe(self, event: events.Describe, turn: _Turn) -> None:
        turn.answer(event.ticket, self.ids.get(event.transactional_id))

    def _list(self, event: events.ListAll, turn: _Turn) -> None:
        listed = [
            (name, transaction)
            for name, transaction in self.ids.items()
            if decisions.is_listed(transaction, event.states, event.producer_ids, event.longer_than_ms, turn.now)
            and (event.matches is None or event.matches(name))
        ]
        turn.answer(event.ticket, listed)

    # --- markers ----------------------------------------------------------------------------------------------------

    def _send(self, name: str, decided: Decided, turn: _Turn) -> _Sending:
        self._last_epochs[name] = decided.last_epoch
        self._write(name, decided.transaction, turn)
        return self._order(name, decided.transaction, turn)

    def _order(self, name: str, transaction: Transaction, turn: _Turn) -> _Sending:
        attempt = turn.rng.getrandbits(63)
        turn.effects.tasks.append(
            events.WriteMarkers(
                name,
                attempt,
                transaction.producer,
                transaction.state is State.PREPARE_COMMIT,
                transaction.partitions,
                transaction.raises_epochs,
            )
        )
        sending = self._sending[name] = _Sending(attempt)
        return sending

    def _markers_written(self, event: events.MarkersWritten, turn: _Turn) -> None:
        name = event.transactional_id
        sending = self._sending.get(name)
        if sending is None or sending.attempt != event.attempt:
            return  # an earlier machine's order
        completed = decisions.complete(self.ids[name], turn.now)
        self._write(name, completed, turn)
        del self._sending[name]
        for ticket in sending.askers:
            turn.effects.replies.append(Reply(ticket, completed.producer, is_early=True))
        current = completed
        for waiting in sending.waiting:
            try:
                added = decisions.add(current, waiting.producer, waiting.partitions, waiting.raises_epochs, turn.now)
            except KafkaError as error:
                turn.answer(waiting.ticket, error)
                continue
            if added is not None:
                current = added
                self._write(name, added, turn)
            turn.answer(waiting.ticket, None)

    def _markers_delayed(self, event: events.MarkersDelayed, turn: _Turn) -> None:
        """Who waits is not kept waiting for a disk."""
        name = event.transactional_id
        sending = self._sending.get(name)
        if sending is None or sending.attempt != event.attempt:
            return
        for ticket in sending.askers:
            turn.answer(ticket, decisions.after(self.ids[name]))
        for waiting in sending.waiting:
            turn.answer(waiting.ticket, KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS))
        sending.askers, sending.waiting = [], []

    # --- what happens by itself -------------------------------------------------------------------------------------

    def _loaded(self, event: Loaded, turn: _Turn) -> None:
        for name, transaction in self.ids.items():
            if transaction.state in PREPARED:
                self._order(name, transaction, turn)
            elif transaction.state is State.ONGOING:
                turn.effects.timers.append(Timer(name, transaction.due_ms, events.TimedOut(name)))
        self._look_for_expiry(turn)

    def _timed_out(self, event: events.TimedOut, turn: _Turn) -> None:
        """The timer stays when a transaction ends, so it may ring for one that is over, or for a later one."""
        name = event.transactional_id
        transaction = self.ids.get(name)
        if transaction is None or transaction.state is not State.ONGOING:
            return
        if turn.now < transaction.due_ms:
            turn.effects.timers.append(Timer(name, transaction.due_ms, event))
            return
        decided = decisions.fence(transaction, self._peek(), turn.now)
        self._taken(decided)
        self._send(name, decided, turn)

    def _expire(self, event: events.ExpiryCheck, turn: _Turn) -> None:
        self._next_check = None
        for name, transaction in self.ids.items():
            at = decisions.expires_at(transaction, self.settings.expiration_ms)
            if at is not None and at <= turn.now:
                turn.effects.batches.append(Batch([record_of(name, None)]))
                self._last_epochs.pop(name, None)
        self._look_for_expiry(turn)

    def _look_for_expiry(self, turn: _Turn) -> None:
        """Look again when the next one has been idle for long enough, many at once."""
        times = [decisions.expires_at(each, self.settings.expiration_ms) for each in self.ids.values()]
        later = [at for at in times if at is not None and at > turn.now]
        if later:
            self._check_at(min(later), turn)

    def _check_at(self, at: int, turn: _Turn) -> None:
        interval = self.settings.expiry_check_interval_ms
        self._next_check = -(-at // interval) * interval
        turn.effects.timers.append(Timer(_EXPIRY_KEY, self._next_check, events.ExpiryCheck()))

    # --- fresh producer ids -----------------------------------------------------------------------------------------

    def _peek(self) -> int | None:
        return self._fresh[-1] if self._fresh else None

    def _taken(self, decided: Decided) -> None:
        """A decision may have used the id that was at hand."""
        transaction = decided.transaction
        if self._fresh and self._fresh[-1] in (transaction.producer_id, transaction.next_producer_id):
            self._fresh.pop()

    def _producer_id_fetched(self, event: events.ProducerIdFetched, turn: _Turn) -> None:
        """One event has waited for this one. It is stepped as if it had come now."""
        if not event.error:
            self._fresh.append(event.producer_id)
        if not self._thirsty:
            return
        waiting = self._thirsty.pop(0)
        try:
            if event.error:
                raise KafkaError(event.error)
            self._handle(waiting, turn)
        except KafkaError as error:
            if isinstance(waiting, events.TimedOut):
                name = waiting.transactional_id
                turn.effects.timers.append(Timer(name, turn.now + _TRY_AGAIN_MS, waiting))
            else:
                turn.answer(waiting.ticket, error)
