"""Transactional ids as scenarios: scripts of events and what comes of them, in `tests/scenarios/transactions`.

A step is a line, its outcome stands under `----` up to an empty line. With KBROKER_REWRITE=1 in the environment this
test writes down what really happens, to be read before it is believed. After every step the log is replayed, and says
what the machine believes.

    settings max_timeout=MS expiration=MS check=MS
    init ID [timeout=MS] [as=PID/EPOCH]        add ID PID/EPOCH t/0 ... [raising]      verify ID PID/EPOCH t/0 ...
    end ID PID/EPOCH commit|abort [raising]    written ID     delayed ID               stale ID
    describe ID     list [states=a,b] [producers=1,2] [longer=MS]                      pass MS     crash
    climb ID        to the last epoch of its producer id
    ids off | ids on | ids fail                whether fresh producer ids come at once, come now, or cannot be had

`raising` is transaction version 2. `stale` tells that markers stand that an earlier machine ordered.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from kbroker.machine import Batch, Effects, Producer, Record, Ticket
from kbroker.transactions import events
from kbroker.transactions.settings import Settings
from kbroker.transactions.transaction import LAST_EPOCH, Transaction, transaction_of
from wire.durable.transactions import TransactionLogKey, TransactionLogValue
from wire.errors import ErrorCode, KafkaError

from .bench import START, Bench

FOLDER = Path(__file__).parents[2] / "scenarios" / "transactions"
SETTINGS = {"max_timeout": "max_timeout_ms", "expiration": "expiration_ms", "check": "expiry_check_interval_ms"}


class Play:
    """Runs the lines of one script, and tells what comes of them in the words of the script."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.labels: dict[Ticket, str] = {}
        self.told: set[Ticket] = set()
        self.bench = Bench(watch=self._watch)
        self.old_orders: dict[str, events.WriteMarkers] = {}

    def run(self, line: str) -> str:
        verb, *words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        self.out = []
        getattr(self, f"do_{verb}")([word for word in words if "=" not in word], options)
        for ticket in sorted(self.bench.answers.keys() - self.told):
            self.told.add(ticket)
            self.out.append(f"{self.labels[ticket]}: {_tell(self.bench.answers[ticket])}")
        assert self.bench.replayed().ids == self.bench.machine.ids
        return "\n".join(self.out) + "\n" if self.out else ""

    # --- verbs ------------------------------------------------------------------------------------------------------

    def do_settings(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.settings = Settings(**{SETTINGS[name]: int(value) for name, value in options.items()})
        self.do_crash(plain, options)

    def do_init(self, plain: list[str], options: dict[str, str]) -> None:
        expected = _producer(options["as"]) if "as" in options else None
        timeout_ms = int(options.get("timeout", 60_000))
        self._ask("init", lambda ticket: events.InitProducer(ticket, plain[0], timeout_ms, expected))

    def do_add(self, plain: list[str], options: dict[str, str]) -> None:
        name, producer, *places = plain
        raising = "raising" in places
        partitions = [_partition(word) for word in places if word != "raising"]
        self._ask("add", lambda ticket: events.AddPartitions(ticket, name, _producer(producer), partitions, raising))

    def do_verify(self, plain: list[str], options: dict[str, str]) -> None:
        name, producer, *places = plain
        partitions = [_partition(word) for word in places]
        self._ask("verify", lambda ticket: events.VerifyPartitions(ticket, name, _producer(producer), partitions))

    def do_end(self, plain: list[str], options: dict[str, str]) -> None:
        name, producer, how = plain[:3]
        raising = "raising" in plain
        self._ask(
            how, lambda ticket: events.EndTransaction(ticket, name, _producer(producer), how == "commit", raising)
        )

    def do_written(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.written(plain[0])

    def do_delayed(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.step(events.MarkersDelayed(plain[0], self.bench.orders[plain[0]].attempt))

    def do_stale(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.step(events.MarkersWritten(plain[0], self.old_orders[plain[0]].attempt))

    def do_describe(self, plain: list[str], options: dict[str, str]) -> None:
        self._ask("describe", lambda ticket: events.Describe(ticket, plain[0]))

    def do_list(self, plain: list[str], options: dict[str, str]) -> None:
        states = [word for word in options.get("states", "").split(",") if word]
        producers = [int(word) for word in options.get("producers", "").split(",") if word]
        longer = int(options.get("longer", -1))
        self._ask("list", lambda ticket: events.ListAll(ticket, states, producers, longer))

    def do_pass(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.advance(int(plain[0]))

    def do_crash(self, plain: list[str], options: dict[str, str]) -> None:
        self.old_orders = dict(self.bench.orders)
        for ticket in sorted(self.bench.crash()):
            self.out.insert(0, f"{self.labels[ticket]}: lost")

    def do_climb(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.watch = None
        while self.bench.machine.ids[plain[0]].epoch < LAST_EPOCH:
            self.bench.init(plain[0])
        self.bench.watch = self._watch
        self.told |= self.bench.answers.keys()
        self.bench.log = list(dict(self.bench.log).items())  # compacted

    def do_ids(self, plain: list[str], options: dict[str, str]) -> None:
        self.bench.has_ids = plain[0] == "on"
        if plain[0] != "off":
            self.bench.give_ids(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS if plain[0] == "fail" else ErrorCode.NONE)

    # --- telling ----------------------------------------------------------------------------------------------------

    def _ask(self, label: str, make_event: Any) -> None:
        self.labels[Ticket(self.bench.tickets + 1)] = label
        self.bench.ask(make_event)

    def _watch(self, effects: Effects) -> None:
        for batch in effects.batches:
            assert isinstance(batch, Batch)
            self.out += [f"  writes {_tell_record(record)}" for record in batch.records]
        for task in effects.tasks:
            if isinstance(task, events.WriteMarkers):
                what = "commit" if task.committed else "abort"
                places = " ".join([f"{topic}/{index}" for topic, index in sorted(task.partitions)]) or "nobody"
                self.out.append(f"  tells {places}: {what} {task.producer.id}/{task.producer.epoch}")
            else:
                self.out.append("  wants a producer id")


def _partition(word: str) -> tuple[str, int]:
    topic, _, index = word.partition("/")
    return topic, int(index)


def _producer(word: str) -> Producer:
    return Producer(*map(int, word.split("/")))


def _tell(response: Any) -> str:
    match response:
        case None:
            return "ok"
        case KafkaError():
            return response.code.name
        case Producer():
            return f"{response.id}/{response.epoch}"
        case Transaction():
            return _tell_transaction(response)
        case list():
            return " ".join([f"{name}:{each.state.title}" for name, each in response]) or "nothing"
        case dict():
            return " ".join(
                [f"{topic}/{index}={'in' if not code else code.name}" for (topic, index), code in response.items()]
            )
    raise AssertionError(response)


def _tell_record(record: Record) -> str:
    key, value = record.key, record.value
    assert isinstance(key, TransactionLogKey)
    if value is None:
        return f"{key.transactional_id}: gone"
    assert isinstance(value, TransactionLogValue)
    return f"{key.transactional_id}: {_tell_transaction(transaction_of(value))}"


def _tell_transaction(each: Transaction) -> str:
    words = [each.state.title, f"{each.producer_id}/{each.epoch}"]
    if each.previous_producer_id != each.producer_id:
        words.append(f"before={each.previous_producer_id}")
    if each.next_producer_id >= 0:
        words.append(f"next={each.next_producer_id}")
    if each.partitions:
        words.append(",".join([f"{topic}/{index}" for topic, index in sorted(each.partitions)]))
    if each.started_ms >= 0:
        words.append(f"since={each.started_ms - START}")
    if each.raises_epochs:
        words.append("raising")
    return " ".join(words)


def play(script: str) -> str:
    """The script with what really happens."""
    stage, out, skipping = Play(), [], False
    for line in script.splitlines():
        if line == "----":
            skipping = True
        elif skipping:
            skipping = bool(line)
        elif not line or line.startswith("#"):
            out.append(line)
        else:
            result = stage.run(line)
            out += [line, "----", *result.splitlines(), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out).rstrip() + "\n")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_scenario_ends_as_it_is_written(path: Path) -> None:
    written = path.read_text()
    happens = play(written)
    if os.environ.get("KBROKER_REWRITE"):
        path.write_text(happens)
    else:
        assert happens == written


def test_there_are_scenarios() -> None:
    assert len(list(FOLDER.glob("*.txt"))) >= 8
