"""The runtime keeps what machine.py promises, on a log that delays, fails and forgets."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.context import LATER
from kbroker.machine import Batch, Effects, Loaded, Marker, Origin, Producer, Record, Reply, Ticket, Timer
from kbroker.machine_log import Landed, replay
from kbroker.runtime import Runtime
from storage.engine import Chunk, OutOfRange
from tests.kbroker.virtual import VirtualWorld, passed, run, settle
from wire.batch import Batch as BatchView
from wire.batch import stamp
from wire.durable.catalog import CatalogConfig, CatalogConfigKey, CatalogConfigValue
from wire.errors import ErrorCode, KafkaError

# --- a machine that is small enough to see through ------------------------------------------------------------------


@dataclass(frozen=True)
class Put:
    """Write, then wake whoever waits for the key. Answered with (name, number of records that the machine has seen)."""

    ticket: Ticket
    name: str
    value: str | None
    producer: Producer | None = None


@dataclass(frozen=True)
class Note:
    """Write, and answer nobody."""

    name: str


@dataclass(frozen=True)
class Close:
    """Write, and answer without waiting for that."""

    ticket: Ticket
    name: str


@dataclass(frozen=True)
class Get:
    ticket: Ticket
    name: str


@dataclass(frozen=True)
class Wait:
    ticket: Ticket
    name: str


@dataclass(frozen=True)
class Wake:
    """Answer whoever waits, and write nothing."""

    ticket: Ticket
    name: str


@dataclass(frozen=True)
class End:
    """End a producer's transaction."""

    ticket: Ticket
    marker: Marker


@dataclass(frozen=True)
class Arm:
    key: str
    at: int | None
    event: object = None


@dataclass(frozen=True)
class Do:
    ticket: Ticket
    task: object


@dataclass(frozen=True)
class Break:
    ticket: Ticket
    error: Exception


class Shelf:
    """Keeps texts by name; those of a producer count when its transaction is committed."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.open: dict[int, list[tuple[str, str | None]]] = {}
        self.seen = 0
        self.origins: list[Origin] = []
        self.waiting: dict[str, list[Ticket]] = {}
        self.events: list[object] = []
        self.loaded_at: int | None = None
        self.fail_to_apply = False

    @property
    def durable(self) -> tuple[object, ...]:
        return self.texts, self.open, self.seen, self.origins

    def step(self, event: object, now: int, rng: Random) -> Effects:
        self.events.append(event)
        match event:
            case Put(ticket, name, value, producer):
                key = CatalogConfigKey(resource_type=2, resource_name=name)
                text = None if value is None else CatalogConfigValue(configs=[CatalogConfig(name="", value=value)])
                replies = [Reply(waiter, ("woken", name, self.seen + 1)) for waiter in self.waiting.pop(name, [])]
                replies.append(Reply(ticket, ("put", name, self.seen + 1)))
                return Effects([Batch([Record(key, text)], producer)], replies)
            case Note(name):
                text = CatalogConfigValue(configs=[CatalogConfig(name="", value="noted")])
                return Effects([Batch([Record(CatalogConfigKey(resource_type=2, resource_name=name), text)])])
            case Close(ticket, name):
                text = CatalogConfigValue(configs=[CatalogConfig(name="", value="closed")])
                record = Record(CatalogConfigKey(resource_type=2, resource_name=name), text)
                return Effects([Batch([record])], [Reply(ticket, ("closed", name, self.seen), is_early=True)])
            case Get(ticket, name):
                return Effects(replies=[Reply(ticket, ("got", self.texts.get(name), self.seen))])
            case Wait(ticket, name):
                self.waiting.setdefault(name, []).append(ticket)
            case Wake(ticket, name):
                woken = [Reply(waiter, "woken") for waiter in self.waiting.pop(name, [])]
                return Effects(replies=[*woken, Reply(ticket, "woke")])
            case End(ticket, marker):
                return Effects([marker], [Reply(ticket, ("ended", "", self.seen + 1))])
            case Arm(key, at, event):
                return Effects(timers=[Timer(key, at, event)])
            case Do(ticket, task):
                return Effects(replies=[Reply(ticket, None)], tasks=[task])
            case Break(_, error):
                raise error
            case Loaded(now):
                self.loaded_at = now
        return Effects()

    def apply(self, record: Record, origin: Origin) -> None:
        if self.fail_to_apply:
            raise ZeroDivisionError
        assert isinstance(record.key, CatalogConfigKey)
        assert record.value is None or isinstance(record.value, CatalogConfigValue)
        text = None if record.value is None else record.value.configs[0].value
        self.seen += 1
        self.origins.append(origin)
        if origin.producer is not None:
            self.open.setdefault(origin.producer.id, []).append((record.key.resource_name, text))
        else:
            self.put(record.key.resource_name, text)

    def put(self, name: str, text: str | None) -> None:
        if text is None:
            self.texts.pop(name, None)
        else:
            self.texts[name] = text

    def apply_marker(self, marker: Marker, origin: Origin) -> None:
        self.seen += 1
        self.origins.append(origin)
        for name, text in self.open.pop(marker.producer.id, []):
            if marker.committed:
                self.put(name, text)


class Settled(NamedTuple):
    outcome: int | Exception


class ScriptedLog:
    """A log whose appends wait for the test to say what became of them."""

    def __init__(self) -> None:
        self.log_start = 0
        self.batches: list[bytes] = []
        self.asked: list[tuple[Callable[[Landed], object], list[bytes]]] = []
        self.unreadable = False
        self.reads = 0
        self.opening: asyncio.Future[None] | None = None

    def ready(self) -> asyncio.Future[None]:
        if self.opening is not None:
            return self.opening
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    @property
    def end(self) -> int:
        return BatchView.parse(self.batches[-1]).next_offset if self.batches else self.log_start

    def put(self, batches: Sequence[bytearray], settled: Callable[[Landed], object]) -> None:
        self.asked.append((settled, [bytes(batch) for batch in batches]))

    def gather(self, callback: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_soon(callback)

    def read(self, offset: int, max_bytes: int) -> asyncio.Future[Chunk]:
        self.reads += 1
        future: asyncio.Future[Chunk] = asyncio.get_running_loop().create_future()
        if self.unreadable:
            future.set_result(Chunk((), offset, 0, OutOfRange("log", offset, 0, 0)))
            return future
        batch = next(batch for batch in self.batches if BatchView.parse(batch).next_offset > offset)
        future.set_result(Chunk((batch,), BatchView.parse(batch).next_offset, len(batch)))
        return future

    def write(self, batches: Sequence[bytes]) -> int:
        base = self.end
        for batch in batches:
            stamped = bytearray(batch)
            stamp(stamped, self.end, 0)
            self.batches.append(bytes(stamped))
        return base

    def finish(self) -> None:
        """The oldest append under way is durable."""
        settled, batches = self.asked.pop(0)
        settled(Settled(self.write(batches)))

    def fail(self, *, written: bool = False) -> None:
        """It fails; whether its bytes are there nobody knows but who reads the log."""
        settled, batches = self.asked.pop(0)
        if written:
            self.write(batches)
        settled(Settled(OSError("no space left on device")))

    def replayed(self) -> Shelf:
        machine = Shelf()
        for batch in self.batches:
            replay(machine, BatchView.parse(batch))
        return machine


class Caller:
    """A request under way: hears its answer later, unless `serve` has returned it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.is_calling = False

    def answer(self, response: Any) -> None:
        assert not self.is_calling, "it is answered by what the call returns"
        self.heard.append(response)


class Bench:
    def __init__(self, world: VirtualWorld) -> None:
        self.world = world
        self.log = ScriptedLog()
        self.tasks: list[object] = []
        self.runtime: Runtime[Shelf] = Runtime(Shelf, self.log, world, run_task=self.tasks.append)

    @property
    def shelf(self) -> Shelf:
        return self.runtime.machine

    def put(self, name: str, value: str | None = "text", producer: Producer | None = None) -> asyncio.Future[Any]:
        return self.runtime.ask(lambda ticket: Put(ticket, name, value, producer))

    def serve(self, caller: Caller, event: object) -> Any:
        caller.is_calling = True
        try:
            return self.runtime.serve(caller, event)
        finally:
            caller.is_calling = False

    def get(self, name: str) -> asyncio.Future[Any]:
        return self.runtime.ask(lambda ticket: Get(ticket, name))

    def wait(self, name: str) -> asyncio.Future[Any]:
        return self.runtime.ask(lambda ticket: Wait(ticket, name))


def refused(future: asyncio.Future[Any]) -> ErrorCode:
    error = future.exception()
    assert isinstance(error, KafkaError)
    return error.code


# --- answers and appends ----------------------------------------------------------------------------------------------


def test_an_answer_waits_for_its_append() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        put = bench.put("a")
        await settle()
        assert bench.shelf.texts == {"a": "text"}, "applied in memory at once"
        assert not put.done()
        bench.log.finish()
        await settle()
        assert put.result() == ("put", "a", 1)

    run(test)


def test_who_only_reads_waits_for_what_it_has_seen() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        early = bench.get("a")
        assert early.result() == ("got", None, 0), "nothing to wait for"
        put = bench.put("a")
        got = bench.get("a")
        await settle()
        assert not got.done()
        bench.log.finish()
        await settle()
        assert put.done()
        assert got.result() == ("got", "text", 1)

    run(test)


def test_who_reads_what_was_written_without_an_answer_waits_too() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        bench.runtime.tell(Note("a"))
        collected = bench.get("a")
        await settle()
        under_way = bench.get("a")
        await settle()
        assert not collected.done()
        assert not under_way.done()
        bench.log.finish()
        await settle()
        assert collected.result() == under_way.result() == ("got", "noted", 1)

    run(test)


def test_an_early_answer_waits_for_what_was_before_its_step_alone() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        assert bench.runtime.ask(lambda ticket: Close(ticket, "a")).result() == ("closed", "a", 0)
        await settle()
        early = bench.runtime.ask(lambda ticket: Close(ticket, "b"))
        late = bench.put("c")
        await settle()
        assert not early.done(), "the first is not durable yet, and this one's step has seen it"
        bench.log.finish()
        await settle()
        assert early.done()
        assert not late.done()
        bench.log.finish()
        await settle()
        assert late.result() == ("put", "c", 3)

    run(test)


def test_who_serves_a_request_has_its_answer_at_once_or_is_told_later() -> None:
    async def test(world: VirtualWorld) -> None:
        bench, one, other = Bench(world), Caller(), Caller()
        assert bench.serve(one, Get(Ticket(one), "a")) is LATER, "the log has to be read first"
        await settle()
        assert one.heard == [("got", None, 0)]
        assert bench.serve(one, Get(Ticket(one), "a")) == ("got", None, 0)
        assert bench.serve(one, Put(Ticket(one), "a", "text")) is LATER
        assert bench.serve(other, Get(Ticket(other), "a")) is LATER, "it has seen what is not written yet"
        await settle()
        assert other.heard == []
        bench.log.finish()
        assert one.heard[1:] == [("put", "a", 1)]
        assert other.heard == [("got", "text", 1)]

    run(test)


def test_who_serves_a_request_gets_its_refusal_raised() -> None:
    async def test(world: VirtualWorld) -> None:
        bench, caller = Bench(world), Caller()
        await bench.runtime.load()
        with pytest.raises(KafkaError):
            bench.serve(caller, Break(Ticket(caller), KafkaError(ErrorCode.INVALID_REQUEST)))
        bench.runtime.stop()
        with pytest.raises(KafkaError) as refusal:
            bench.serve(caller, Get(Ticket(caller), "a"))
        assert refusal.value.code is ErrorCode.NOT_COORDINATOR
        assert caller.heard == []

    run(test)


def test_a_request_that_answers_another_does_not_do_so_in_the_middle_of_its_own() -> None:
    async def test(world: VirtualWorld) -> None:
        bench, parked, caller = Bench(world), Caller(), Caller()
        await bench.runtime.load()
        assert bench.serve(parked, Wait(Ticket(parked), "a")) is LATER
        assert bench.serve(caller, Wake(Ticket(caller), "a")) == "woke"
        assert parked.heard == []
        await settle()
        assert parked.heard == ["woken"]

    run(test)


def test_events_of_one_turn_share_an_append_and_those_that_come_meanwhile_share_the_next() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        first = [bench.put("a"), bench.put("b")]
        await settle()
        second = [bench.put("c"), bench.put("d")]
        await settle()
        assert len(bench.log.asked) == 1, "one append at a time"
        bench.log.finish()
        await settle()
        assert all(put.done() for put in first)
        assert not any(put.done() for put in second)
        assert len(bench.log.asked) == 1
        bench.log.finish()
        await settle()
        assert all(put.done() for put in second)
        assert [BatchView.parse(batch).count for batch in bench.log.batches] == [2, 2]

    run(test)


def test_a_parked_ticket_is_answered_by_a_later_step_and_its_append() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        parked = bench.wait("a")
        await settle()
        bench.put("a")
        await settle()
        assert not parked.done()
        bench.log.finish()
        await settle()
        assert parked.result() == ("woken", "a", 1)

    run(test)


def test_a_refusal_from_a_step_keeps_its_place_in_the_order() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        order: list[str] = []
        bench.put("a").add_done_callback(lambda _: order.append("put"))
        refusal = bench.runtime.ask(lambda ticket: Break(ticket, KafkaError(ErrorCode.INVALID_REQUEST)))
        refusal.add_done_callback(lambda _: order.append("refusal"))
        await settle()
        assert order == []
        bench.log.finish()
        await settle()
        assert order == ["put", "refusal"]
        assert refused(refusal) is ErrorCode.INVALID_REQUEST

    run(test)


def test_a_step_that_breaks_costs_only_its_own_event() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        broken = bench.runtime.ask(lambda ticket: Break(ticket, ZeroDivisionError()))
        put = bench.put("a")
        await settle()
        bench.log.finish()
        await settle()
        assert isinstance(broken.exception(), ZeroDivisionError)
        assert put.done()

    run(test)


def test_an_asker_that_has_gone_disturbs_nobody() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        gone, stays = bench.put("a"), bench.put("b")
        gone.cancel()
        await settle()
        bench.log.finish()
        await settle()
        assert stays.done()

    run(test)


def test_tasks_start_when_what_they_rest_on_is_durable() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        bench.put("a")
        bench.runtime.ask(lambda ticket: Do(ticket, "drop the logs"))
        await settle()
        assert bench.tasks == []
        bench.log.finish()
        await settle()
        assert bench.tasks == ["drop the logs"]

    run(test)


def test_the_outcome_of_a_task_is_an_event_even_when_it_comes_at_once() -> None:
    async def test(world: VirtualWorld) -> None:
        log = ScriptedLog()
        runtime: Runtime[Shelf] = Runtime(Shelf, log, world, run_task=lambda task: runtime.tell(("done", task)))
        await runtime.ask(lambda ticket: Do(ticket, "it"))
        await settle()
        assert runtime.machine.events[-1] == ("done", "it")

    run(test)


# --- failure ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [False, True])
def test_a_failed_append_refuses_every_open_ticket_and_reads_the_log_again(written: bool) -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        kept = bench.put("kept")
        await settle()
        bench.log.finish()
        parked = bench.wait("never")
        lost = bench.put("lost")
        await settle()
        meanwhile = bench.put("meanwhile")
        before = bench.shelf
        bench.log.fail(written=written)
        await settle()
        assert kept.result() == ("put", "kept", 1)
        assert refused(lost) is refused(meanwhile) is refused(parked) is ErrorCode.NOT_COORDINATOR
        assert bench.shelf is not before
        assert set(bench.shelf.texts) == ({"kept", "lost"} if written else {"kept"})
        again = bench.put("again")
        await settle()
        bench.log.finish()
        await settle()
        assert again.done()
        assert bench.log.replayed().durable == bench.shelf.durable

    run(test)


def test_what_is_asked_while_the_log_is_read_again_waits_and_is_answered() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        bench.put("lost")
        await settle()
        bench.log.fail()
        bench.log.opening = world.future()
        await settle()
        got = bench.get("lost")
        assert not got.done()
        bench.log.opening.set_result(None)
        await settle()
        assert got.result() == ("got", None, 0)

    run(test)


def test_an_append_that_landed_elsewhere_is_a_failure() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        put = bench.put("a")
        await settle()
        bench.log.write(bench.log.asked[0][1])
        bench.log.finish()
        await settle()
        assert refused(put) is ErrorCode.NOT_COORDINATOR
        assert bench.shelf.seen == 2, "both are in the log"

    run(test)


def test_a_machine_that_cannot_apply_is_made_anew() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        under_way = bench.put("a")
        await settle()
        bench.shelf.fail_to_apply = True
        broken = bench.put("b")
        assert refused(broken) is ErrorCode.NOT_COORDINATOR
        assert refused(under_way) is ErrorCode.NOT_COORDINATOR
        got = bench.get("a")
        await settle()
        assert not got.done(), "nobody knows the log before the append under way is answered"
        bench.log.finish()
        await settle()
        assert got.result() == ("got", "text", 1)

    run(test)


def test_timers_do_not_outlive_their_machine() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        bench.runtime.tell(Arm("session", world.time_ms() + 1000, "expired"))
        bench.put("a")
        await settle()
        bench.log.fail()
        await passed(5)
        assert "expired" not in bench.shelf.events
        assert bench.shelf.loaded_at is not None

    run(test)


def test_a_log_that_cannot_be_read_refuses_who_waits_and_is_tried_again_by_the_next() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        bench.put("a")
        await settle()
        bench.log.finish()
        other: Runtime[Shelf] = Runtime(Shelf, bench.log, world, error=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        bench.log.unreadable = True
        first = other.ask(lambda ticket: Get(ticket, "a"))
        await settle()
        assert refused(first) is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        bench.log.unreadable = False
        second = other.ask(lambda ticket: Get(ticket, "a"))
        await settle()
        assert second.result() == ("got", "text", 1)

    run(test)


def test_a_runtime_that_insists_reads_its_log_without_being_asked_again() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        bench.put("a")
        await settle()
        bench.log.finish()
        bench.log.unreadable = True
        other: Runtime[Shelf] = Runtime(Shelf, bench.log, world, insists=True)
        first = other.load()
        await settle()
        assert refused(first) is ErrorCode.NOT_COORDINATOR
        await passed(1.5)
        assert not other.serving
        bench.log.unreadable = False
        await passed(1)
        assert other.serving
        await other.stop()

    run(test)


# --- loading ----------------------------------------------------------------------------------------------------------


def test_the_log_is_read_once_for_all_who_wait_and_loaded_is_the_first_event() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        bench.put("a")
        await settle()
        bench.log.finish()
        await settle()
        bench.log.reads = 0
        other: Runtime[Shelf] = Runtime(Shelf, bench.log, world)
        answers = [other.ask(lambda ticket: Get(ticket, "a")) for _ in range(3)]
        await settle()
        assert [answer.result() for answer in answers] == [("got", "text", 1)] * 3
        assert bench.log.reads == 1
        assert isinstance(other.machine.events[0], Loaded)

    run(test)


def test_records_of_unknown_keys_are_skipped() -> None:
    async def test(world: VirtualWorld) -> None:
        from wire.records import Record as WireRecord
        from wire.records import build_batch

        bench = Bench(world)
        newer = build_batch([WireRecord(b"\x7f\x00later", b"\x00\x00"), WireRecord(None, b"x")], timestamp=5)
        bench.log.write([bytes(newer)])
        bench.put("a")
        await settle()
        bench.log.finish()
        await settle()
        assert bench.shelf.texts == {"a": "text"}
        assert bench.shelf.origins == [Origin(2, world.time_ms())]

    run(test)


# --- transactions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("committed", [True, False])
def test_records_of_a_producer_wait_for_its_marker_live_and_replayed(committed: bool) -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        producer = Producer(7, 3)
        bench.put("plain")
        bench.put("part", "of it", producer)
        await settle()
        bench.log.finish()
        await settle()
        assert bench.shelf.open == bench.log.replayed().open == {7: [("part", "of it")]}
        bench.runtime.ask(lambda ticket: End(ticket, Marker(producer, committed, 4)))
        await settle()
        bench.log.finish()
        await settle()
        assert ("part" in bench.shelf.texts) == committed
        assert bench.log.replayed().durable == bench.shelf.durable
        views = [BatchView.parse(batch) for batch in bench.log.batches]
        assert [(view.is_transactional, view.is_control) for view in views] == [
            (False, False), (True, False), (True, True),
        ]  # fmt: skip
        assert {(view.producer_id, view.producer_epoch) for view in views[1:]} == {(7, 3)}

    run(test)


# --- timers -----------------------------------------------------------------------------------------------------------


def test_a_timer_is_an_event_at_its_time() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        start = world.time_ms()
        bench.runtime.tell(Arm("session", start + 1000, "expired"))
        await passed(0.999)
        assert "expired" not in bench.shelf.events
        await passed(0.002)
        assert bench.shelf.events[-1] == "expired"

    run(test)


@pytest.mark.parametrize(("second", "fires_at"), [(3000, 3000), (500, 500)])
def test_a_timer_set_again_fires_once_at_its_last_time_with_its_last_event(second: int, fires_at: int) -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        start = world.time_ms()
        bench.runtime.tell(Arm("session", start + 1000, "old"))
        bench.runtime.tell(Arm("session", start + second, "new"))
        await passed((fires_at - 1) / 1000)
        assert "new" not in bench.shelf.events
        await passed(0.002)
        assert bench.shelf.events.count("new") == 1
        await passed(10)
        assert bench.shelf.events.count("new") == 1
        assert "old" not in bench.shelf.events

    run(test)


def test_a_timer_that_was_cancelled_never_fires() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        await bench.runtime.load()
        bench.runtime.tell(Arm("session", world.time_ms() + 1000, "expired"))
        bench.runtime.tell(Arm("session", None))
        bench.runtime.tell(Arm("another", None))
        await passed(5)
        assert "expired" not in bench.shelf.events

    run(test)


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_stop_finishes_what_was_stepped_and_refuses_the_parked_and_the_late() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        first = bench.put("a")
        await settle()
        second, parked = bench.put("b"), bench.wait("never")
        stopped = bench.runtime.stop()
        await settle()
        assert refused(parked) is ErrorCode.NOT_COORDINATOR
        assert refused(bench.get("a")) is ErrorCode.NOT_COORDINATOR
        bench.log.finish()
        await settle()
        assert first.done()
        assert not stopped.done()
        bench.log.finish()
        await stopped
        assert second.result() == ("put", "b", 2)
        assert bench.runtime.stop() is stopped

    run(test)


def test_stop_before_anything_was_asked_is_done_at_once() -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        stopped = bench.runtime.stop()
        assert stopped.done()
        assert bench.log.asked == []

    run(test)


# --- in general -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from("abc")
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, st.one_of(st.none(), st.text("xyz", max_size=2)), st.integers(0, 2)),
        st.tuples(st.just("note"), NAMES),
        st.tuples(st.just("close"), NAMES),
        st.tuples(st.just("get"), NAMES),
        st.tuples(st.just("wait"), NAMES),
        st.tuples(st.just("end"), st.integers(1, 2), st.booleans()),
        st.tuples(st.just("finish")),
        st.tuples(st.just("fail"), st.booleans()),
        st.tuples(st.just("turn"), st.integers(1, 8)),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(ACTIONS)
def test_whatever_happens_answers_are_durable_in_order_and_the_log_is_the_state(actions: list[Any]) -> None:
    async def test(world: VirtualWorld) -> None:
        bench = Bench(world)
        open_answers: list[asyncio.Future[Any]] = []
        left: list[int] = []

        def durable() -> int:
            return bench.log.end

        def ask(make: Callable[[Ticket], object], *, parks: bool = False) -> None:
            number = len(open_answers)
            future = bench.runtime.ask(make)
            if not parks:
                open_answers.append(future)

            def answered(done: asyncio.Future[Any]) -> None:
                if done.exception() is None:
                    assert done.result()[2] <= durable(), "an answer left before what it rests on"
                    if not parks:
                        left.append(number)

            future.add_done_callback(answered)

        for action in actions:
            match action:
                case ("put", name, value, producer_id):
                    producer = Producer(producer_id, 0) if producer_id else None
                    ask(lambda ticket, n=name, v=value, p=producer: Put(ticket, n, v, p))  # type: ignore[misc]
                case ("note", name):
                    bench.runtime.tell(Note(name))
                case ("close", name):
                    ask(lambda ticket, n=name: Close(ticket, n))  # type: ignore[misc]
                case ("get", name):
                    ask(lambda ticket, n=name: Get(ticket, n))  # type: ignore[misc]
                case ("wait", name):
                    ask(lambda ticket, n=name: Wait(ticket, n), parks=True)  # type: ignore[misc]
                case ("end", producer_id, committed):
                    marker = Marker(Producer(producer_id, 0), committed, 0)
                    ask(lambda ticket, m=marker: End(ticket, m))  # type: ignore[misc]
                case ("finish",) if bench.log.asked:
                    bench.log.finish()
                case ("fail", written) if bench.log.asked:
                    bench.log.fail(written=written)
                case ("turn", turns):
                    await settle(turns)
        for _ in range(len(actions) + 2):
            await settle(6)
            if bench.log.asked:
                bench.log.finish()
        await settle()
        assert all(future.done() for future in open_answers), "somebody was forgotten"
        assert left == sorted(left), "answers left in another order than their steps"
        if bench.runtime.serving:
            assert bench.shelf.durable == bench.log.replayed().durable

    run(test)
