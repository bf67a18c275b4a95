"""The runtime drives one machine over one log; `machine.py` says what each of the two promises to the other.

    event --> step --> records --> applied at once --> collected --> one append at a time
                 \\-> replies, tasks --> outbox: held until the append is done that the machine's state rested on

Events are stepped as they come, also while an append is under way: what they write goes into the next one, which
starts as soon as the loop turn is over and the append before it is done. Everything that leaves (replies, tasks) goes
through the outbox in step order. An entry rests on the last append that had been asked for when it was made, whether
or not it wrote anything itself: who reads a state must not hear of it before it is durable.

A failed append ends the machine's life: open tickets get the retriable error, timers are cancelled, and a new machine
reads the log. Start-up is the same path. Events that come meanwhile wait for it; among them may be outcomes of tasks
that an earlier machine started.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from kbroker.context import LATER
from kbroker.machine import Batch, Effects, Loaded, Machine, Marker, Origin, Reply, Ticket
from kbroker.machine_log import Landed, MachineLog, Writing, build, encode, replay
from kbroker.timers import Timers
from kbroker.world import World
from wire.batch import batches
from wire.durable.codec import GROUPS, Types
from wire.errors import ErrorCode, KafkaError

log = logging.getLogger("kbroker.runtime")

READ_BYTES = 1 << 20
INSIST_S = 1.0
JOINED_BYTES = 64 << 10  # single events share a batch up to here, which stays far below any max.message.bytes


M = TypeVar("M", bound=Machine)


class Asker(Protocol):
    """Who waits for an answer, and is its own ticket: a request under way, or the future of `ask`."""

    def answer(self, response: Any) -> None:
        """The machine's reply, or an exception. It may come in any turn of the loop, and comes once."""


class _Promise:
    """An asker that waits by a future."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future

    def answer(self, response: Any) -> None:
        _answer(self.future, response)


class _Put:
    """A write of the log that is under way; `over` is there for who waits until nothing is."""

    __slots__ = ("expected", "over")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.over: asyncio.Future[None] | None = None


class Runtime(Generic[M]):
    """`serve`, `ask` and `tell` are the ways in; they load the log first when that has not been done. `on_loaded` hears
    of every machine that is made, and may return events for it that come before what waits. A log that cannot be read
    is tried again by the next who asks; where `insists`, also by and by without anybody asking.
    """

    def __init__(
        self,
        make_machine: Callable[[], M],
        log: MachineLog,
        world: World,
        *,
        types: Types = GROUPS,
        error: ErrorCode = ErrorCode.NOT_COORDINATOR,
        run_task: Callable[[object], None] | None = None,
        on_loaded: Callable[[M], Sequence[object] | None] | None = None,
        insists: bool = False,
    ) -> None:
        self._make_machine = make_machine
        self._log = log
        self._world = world
        self._random = world.random
        self._types = types
        self._error = error
        self._run_task = run_task
        self._on_loaded = on_loaded
        self._insists = insists
        self.machine = make_machine()
        self.serving = False
        self._stopped = False
        self._loading: asyncio.Future[None] | None = None
        self._events: deque[tuple[object, Asker | None]] = deque()
        self._stepping = False
        self._served: Asker | None = None  # whose call of `serve` has not returned yet
        self._answer: Any = LATER  # what it is going to return
        self._parked: dict[Asker, None] = {}  # those whose step has left them without a reply
        self.timers = Timers(world, self._ring)
        self._outbox: deque[tuple[int, Asker | None, object]] = deque()
        self._writing: list[Writing | Marker] = []
        self._next_offset = 0  # of the next record that is applied
        self._asked_to = 0  # where the next append has to land
        self._collecting = 1  # the number of the next append
        self._done = 0  # the number of the last one that is durable
        self._in_flight: _Put | None = None
        self._flush_set = False
        self._stopping: asyncio.Future[None] | None = None
        self.on_step: Callable[[], object] | None = None
        """Told when something may have changed, by whoever has just changed it."""

    # --- the ways in ------------------------------------------------------------------------------------------------

    def serve(self, asker: Asker, event: object) -> Any:
        """Step an event whose ticket is its asker. Returns the answer if it is there at once, and raises it if it is an
        exception; else LATER, and `asker.answer` is called in a later turn of the loop, perhaps a much later one.
        """
        if self._stopped:
            raise KafkaError(self._error)
        if self._stepping or not self.serving:
            self._submit(event, asker)
            return LATER
        self._served = asker
        try:
            self._submit(event, asker)
        finally:
            self._served = None
            answer, self._answer = self._answer, LATER
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, make_event: Callable[[Ticket], object]) -> asyncio.Future[Any]:
        """The same for an asker that waits by a future: for the event that `make_event` makes for its ticket."""
        future = self._world.future()
        if self._stopped:
            _answer(future, KafkaError(self._error))
        else:
            promise = _Promise(future)
            self._submit(make_event(Ticket(promise)), promise)
        return future

    def tell(self, event: object) -> None:
        """Step an event that nobody waits for."""
        if not self._stopped:
            self._submit(event, None)

    def _ring(self, event: object) -> None:
        self._submit(event, None)

    def load(self) -> asyncio.Future[None]:
        """Read the log and serve. Once that is done this is a finished future; after a failure it is tried again."""
        if self._loading is None:
            self._loading = self._world.future()
            self._world.spawn(self._replay(self._loading))
        return self._loading

    def stop(self) -> asyncio.Future[None]:
        """Serve no more. Open tickets get the retriable error in the next turn of the loop; done when what was already
        stepped is durable and answered.
        """
        if self._stopping is None:
            self._stopping = self._world.future()
            self._stopped = True
            self.serving = False
            self.timers.forget()
            self._refuse_waiting(KafkaError(self._error))
            self._flush()
            self._finish_stop()
        return self._stopping

    @property
    def is_settled(self) -> bool:
        """Whether everything that it was asked has been stepped, written and answered, but for who is parked."""
        loading = self._loading is not None and not self._loading.done()
        return not (loading or self._events or self._writing or self._outbox or self._in_flight is not None)

    # --- stepping ---------------------------------------------------------------------------------------------------

    def _submit(self, event: object, asker: Asker | None) -> None:
        if self._stepping or not self.serving:
            self._events.append((event, asker))
            if not self.serving:
                self.load()
            return
        self._stepping = True
        try:
            self._step(event, asker)
            if self._events or self._may_let_out:
                self._go_on()
        finally:
            self._stepping = False
        if self.on_step is not None:
            self.on_step()

    def _drain(self) -> None:
        """Step what has come, then let out what may leave."""
        self._stepping = True
        try:
            self._go_on()
        finally:
            self._stepping = False
        if self.on_step is not None:
            self.on_step()

    def _go_on(self) -> None:
        """Tasks may submit events, which are stepped before this returns."""
        while self.serving:
            if self._events:
                self._step(*self._events.popleft())
            elif self._may_let_out:
                self._let_out()
            else:
                break

    @property
    def _may_let_out(self) -> bool:
        return bool(self._outbox) and self._outbox[0][0] <= self._done

    def _step(self, event: object, asker: Asker | None) -> None:
        now = self._world.time_ms()
        try:
            effects = self.machine.step(event, now, self._random)
            batches: Sequence[Batch | Marker] = effects.batches
            writing = [encode(batch, now) for batch in batches] if batches else []
        except Exception as error:  # nothing durable has changed: only this event is lost
            if asker is None or not isinstance(error, KafkaError):
                log.exception("the event %.200r failed", event)
            effects, batches, writing = Effects(), (), []
            if asker is not None:
                effects.replies.append(Reply(Ticket(asker), error))
        if asker is not None:
            self._parked[asker] = None
        rested_on = self._collecting if self._writing else self._collecting - 1
        try:
            for at, encoded in enumerate(writing):
                self._apply(batches[at], encoded, now)
        except Exception as error:
            log.exception("the machine could not apply what it had decided; it is made anew from its log")
            self._fail(error)
            return
        self._take(effects, rested_on)

    def _apply(self, batch: Batch | Marker, encoded: Writing | Marker, now: int) -> None:
        """Into memory at once, and into what the next append takes along."""
        if isinstance(batch, Marker):
            self.machine.apply_marker(batch, Origin(self._next_offset, now, batch.producer))
            self._next_offset += 1
        else:
            for record in batch.records:
                self.machine.apply(record, Origin(self._next_offset, now, batch.producer))
                self._next_offset += 1
        last = self._writing[-1] if self._writing else None
        if (
            isinstance(last, Writing)
            and isinstance(encoded, Writing)
            and last.producer is None is encoded.producer
            and last.size + encoded.size <= JOINED_BYTES
        ):
            last.records += encoded.records
            last.size += encoded.size
        else:
            self._writing.append(encoded)

    def _take(self, effects: Effects, rested_on: int) -> None:
        """What a step wants, once its records are applied. Before it the state rested on the append `rested_on`."""
        if self._writing and not self._flush_set:
            self._flush_set = True
            self._log.gather(self._flush)
        rests_on = self._collecting if self._writing else self._collecting - 1
        for timer in effects.timers:
            self.timers.set(timer)
        for reply in effects.replies:
            asker: Any = reply.ticket
            del self._parked[asker]
            needs = rested_on if reply.is_early else rests_on
            if needs > self._done or self._outbox:
                self._outbox.append((needs, asker, reply.response))
            else:
                self._give(asker, reply.response)
        for task in effects.tasks:
            self._outbox.append((rests_on, None, task))

    # --- appending and answering ------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Ask for the next append, unless one is under way: then this is called again when that is done."""
        self._flush_set = False
        if self._in_flight is not None or not self._writing:
            return
        writing, self._writing, now = self._writing, [], self._world.time_ms()
        put = self._in_flight = _Put(self._asked_to)
        self._asked_to = self._next_offset
        self._collecting += 1
        try:
            self._log.put([build(batch, now) for batch in writing], partial(self._landed, put))
        except Exception as error:
            self._in_flight = None
            self._fail(error)

    def _landed(self, put: _Put, landed: Landed) -> None:
        if put.over is not None:
            put.over.set_result(None)
        if self._in_flight is not put:
            return  # the machine that asked for it is gone
        self._in_flight = None
        outcome = landed.outcome
        if outcome != put.expected:
            another = f"another writer: the append landed at {outcome}, not at {put.expected}"
            self._fail(outcome if isinstance(outcome, Exception) else AssertionError(another))
            return
        self._done += 1
        assert self._done == self._collecting - 1
        if self._writing:
            self._flush()
        if self.serving and not self._stepping:
            self._drain()
        elif self._stopped:
            self._let_out()
            self._finish_stop()

    def _let_out(self) -> None:
        while self._outbox and self._outbox[0][0] <= self._done:
            _, asker, content = self._outbox.popleft()
            if asker is not None:
                self._give(asker, content)
            elif self._run_task is not None and not self._stopped:
                try:
                    self._run_task(content)
                except Exception:
                    log.exception("the task %.200r could not be started", content)

    def _give(self, asker: Asker, answer: object) -> None:
        """Whoever calls `serve` takes its own answer along, and stays undisturbed by what the answers to others set
        off.
        """
        if self._served is None:
            asker.answer(answer)
        elif asker is self._served:
            self._answer = answer
        else:
            self._world.soon(asker.answer, answer)

    # --- failing and loading ----------------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        """Throw the machine away, and all that was to leave; read the log again, unless this is the end."""
        log.error("an append failed; the machine is made anew from its log: %s", error)
        self.serving = False
        self._loading = None
        self._writing.clear()
        self.timers.forget()
        outbox, self._outbox = self._outbox, deque()
        for _, asker, _content in outbox:
            if asker is not None:
                self._give(asker, KafkaError(self._error))
        parked, self._parked = self._parked, {}
        for asker in parked:
            self._give(asker, KafkaError(self._error))
        if self._stopped:
            self._finish_stop()
        else:
            self.load()

    async def _replay(self, loaded: asyncio.Future[None]) -> None:
        try:
            if self._in_flight is not None:  # of the machine before: the log's end is not known until it is answered
                over = self._in_flight.over = self._world.future()
                self._in_flight = None
                await over
            machine, end = await self._read_log()
        except Exception as error:
            if not isinstance(error, KafkaError):  # that one the log itself has told of
                log.exception("a machine's log could not be read")
            self._loading = None
            self._refuse_waiting(KafkaError(self._error))
            _answer(loaded, KafkaError(self._error))
            if self._insists and not self._stopped:
                self._world.later(INSIST_S, self._insist)
            return
        if self._stopped:
            _answer(loaded, KafkaError(self._error))
            return
        self.machine = machine
        self._next_offset = self._asked_to = end
        self._done = self._collecting - 1
        self.serving = True
        first: list[object] = [Loaded(self._world.time_ms())]
        if self._on_loaded is not None:
            first += self._on_loaded(machine) or ()
        self._events.extendleft([(event, None) for event in reversed(first)])
        self._drain()
        _answer(loaded, None)

    def _insist(self) -> None:
        if not self._stopped and self._loading is None:
            self.load()

    async def _read_log(self) -> tuple[M, int]:
        await self._log.ready()
        machine = self._make_machine()
        offset = self._log.log_start
        while offset < self._log.end:
            reading = self._log.read(offset, READ_BYTES)
            if reading.done():  # bytes at hand: let others have a turn all the same
                turn = self._world.future()
                self._world.soon(turn.set_result, None)
                await turn
            chunk = await reading
            if chunk.error is not None:
                raise chunk.error
            if chunk.next_offset == offset:
                break
            for buffer in chunk.buffers:
                for batch in batches(buffer):
                    replay(machine, batch, self._types)
            offset = chunk.next_offset
        return machine, self._log.end

    def _refuse_waiting(self, error: KafkaError) -> None:
        """Whoever waits for an answer, stepped or not, hears the error; what waits for an append keeps waiting."""
        events, self._events = self._events, deque()
        parked, self._parked = self._parked, {}
        for asker in [asker for _, asker in events if asker is not None] + list(parked):
            self._world.soon(asker.answer, error)

    def _finish_stop(self) -> None:
        if self._in_flight is None and not self._writing and self._stopping is not None and not self._stopping.done():
            self._let_out()
            self._stopping.set_result(None)


def _answer(future: asyncio.Future[Any], content: object) -> None:
    if future.done():  # the asker has gone
        return
    if isinstance(content, BaseException):
        future.set_exception(content)
        future.exception()  # an asker that has gone may leave it unread
    else:
        future.set_result(content)
