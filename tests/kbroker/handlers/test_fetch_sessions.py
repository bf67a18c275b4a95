"""Fetch sessions look only at partitions that have moved, and answer as if they had looked at all.

Twins read the same partitions and ask the same: one session as it is, the other made to look at everything each time.
Whatever happens to the partitions, their answers are the same bytes, and they are parked and woken together.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.handlers._fetched import Slot
from kbroker.handlers.fetch import _Fetching
from kbroker.partitions import Partition
from kbroker.partitions.waiters import Waiters
from kbroker.server.sessions import Interest, Session
from tests.kbroker.partitions.support import batch, produce, run, turns
from wire.records import transaction_marker

from .fetching import BY_NAME, request
from .support import Stage

TOPICS, INDEXES = ("t", "u"), 3
PRODUCER = 7
Asked = dict[tuple[str, int], int]


class Twin:
    """One session, and the offsets that its client is at."""

    def __init__(self, stage: Stage, looks_at_all: bool) -> None:
        self.stage = stage
        self.looks_at_all = looks_at_all
        self.id = self.epoch = 0

    def ask(self, asked: Asked, forgotten: list[tuple[str, int]], **options: Any) -> Any:
        if self.looks_at_all and self.id:
            self.session.view = None
            for interest in self.session.interests.values():
                interest.wake()
        named: dict[str, list[int]] = {}
        for topic, index in forgotten:
            named.setdefault(topic, []).append(index)
        wanted = [(topic, index, offset) for (topic, index), offset in asked.items()]
        told = {"session_id": self.id, "session_epoch": self.epoch, "forgotten": named}
        return self.stage.call(request(*wanted, **told, **options), BY_NAME)

    @property
    def session(self) -> Session:
        return self.stage.nodes[1].fetch_sessions._sessions[self.id]

    def told(self, response: Any) -> bytes:
        """The answer, but for the id."""
        if self.epoch:
            assert response.error_code == 0 and response.session_id == self.id
        self.id, self.epoch = response.session_id, self.epoch + 1
        response.session_id = 0
        return bytes(response.encode(BY_NAME))


class Life:
    """What happens to partitions and clients, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.stage = Stage()
        for name in TOPICS:
            self.stage.catalog.add(name, INDEXES, nodes=(1, 2))
        self.quick, self.thorough = Twin(self.stage, False), Twin(self.stage, True)
        self.positions: Asked = {}
        self.level = self.random.randrange(2)
        self.sequences: dict[Partition, int] = {}
        self.quiet = 0

    def anywhere(self) -> tuple[str, int]:
        return self.random.choice(TOPICS), self.random.randrange(INDEXES)

    # --- the partitions -----------------------------------------------------------------------------------------------

    def something_happens(self) -> None:
        name, index = self.anywhere()
        topic = self.stage.catalog.topic(name)
        if topic is None:
            self.stage.catalog.add(name, INDEXES, nodes=(1, 2))
            return
        one = self.stage.partition(name, index)
        if not one.is_open:
            return
        if one.replicas.leader == 2:
            self.moved(one, topic, index)
        kinds = (self.written, self.written, self.in_transaction, self.ended, self.trimmed, self.held, self.released)
        rare = (self.moved, self.deleted, self.lost)
        self.random.choice(rare if self.random.random() < 0.05 else kinds)(one, topic, index)

    def written(self, one: Partition, topic: Any, index: int) -> None:
        produce(one, batch(self.random.randint(1, 3)))

    def in_transaction(self, one: Partition, topic: Any, index: int) -> None:
        sequence = self.sequences.get(one, 0)
        produce(one, batch(1, producer=(PRODUCER, 0, sequence), transactional=True))
        self.sequences[one] = sequence + 1

    def ended(self, one: Partition, topic: Any, index: int) -> None:
        committed = self.random.random() < 0.5
        of = {"producer_id": PRODUCER, "producer_epoch": 0}
        one.append([transaction_marker(committed, coordinator_epoch=0, timestamp=1, **of)])

    def trimmed(self, one: Partition, topic: Any, index: int) -> None:
        one.delete_records(self.random.randint(one.log_start, one.high_watermark))

    def held(self, one: Partition, topic: Any, index: int) -> None:
        if one.replicas.leader != 2:
            one.replicas.hold(2)

    def released(self, one: Partition, topic: Any, index: int) -> None:
        one.release(2)

    def moved(self, one: Partition, topic: Any, index: int) -> None:
        state = topic.partitions[index]
        state.leader, state.leader_epoch = 3 - state.leader, state.leader_epoch + 1
        self.stage.catalog.version += 1
        self.stage.partitions.changed(topic)

    def deleted(self, one: Partition, topic: Any, index: int) -> None:
        self.stage.catalog.remove(topic)
        self.stage.partitions.drop(topic)

    def lost(self, one: Partition, topic: Any, index: int) -> None:
        """A write fails; for a moment, while a second one is under way, the partition is closed."""
        engine = self.stage.engine
        engine.held = True
        produce(one, batch(1))
        produce(one, batch(1))
        engine.held = False
        engine.failing.add(one.log)
        engine.let_go()
        self.ask_both(0)
        engine.let_go()
        engine.failing.discard(one.log)

    # --- the clients --------------------------------------------------------------------------------------------------

    def caught_up(self) -> Asked:
        """Who has read all that there is asks for what comes next, and for partitions that are new to it."""
        asked: Asked = {}
        for name in TOPICS:
            topic = self.stage.catalog.topic(name)
            for index in range(INDEXES):
                end = 0 if topic is None else self.stage.partitions.open(topic, index).high_watermark
                if topic is not None and self.positions.get((name, index)) != end:
                    asked[name, index] = end
        return asked

    def ask_both(self, max_wait_ms: int) -> list[Any]:
        """What both ask for now; answers, or futures of them."""
        random = self.random
        asked = self.caught_up() if random.random() < 0.8 else {}
        if random.random() < 0.1 or not self.quick.epoch:
            asked[self.anywhere()] = random.randint(0, 6)
        away = [key for key in self.positions if key not in asked and random.random() < 0.05]
        if len(away) == len(self.positions):
            away = []
        self.positions = {key: at for key, at in {**self.positions, **asked}.items() if key not in away}
        options = {
            "max_wait_ms": max_wait_ms,
            "min_bytes": random.choice((1, 1, 200)),
            "max_bytes": random.choice((1 << 20, 100)),
            "isolation_level": self.level if random.random() < 0.95 else 1 - self.level,
        }
        answers = [twin.ask(asked, away, **options) for twin in (self.quick, self.thorough)]
        if not max_wait_ms:
            self.compare(answers)
        return answers

    def compare(self, answers: list[Any]) -> None:
        mine, other = self.quick.told(answers[0]), self.thorough.told(answers[1])
        assert mine == other
        session = self.quick.session
        for key, interest in session.interests.items():
            assert key in session.awake or interest.waiters is not None, "nobody would ever look at it again"
        self.quiet += len(session.interests) - len(session.awake)

    async def go_on(self) -> None:
        if self.random.random() < 0.5 or not self.quick.epoch:
            for _ in range(self.random.randint(0, 2)):
                self.something_happens()
            await turns()
            self.ask_both(0)
            return
        answers = self.ask_both(500)
        for _ in range(3):
            await turns()
            parked = [asyncio.isfuture(one) and not one.done() for one in answers]
            assert parked[0] == parked[1], "they are parked and woken together"
            if not parked[0]:
                break
            name, index = self.anywhere()
            if (topic := self.stage.catalog.topic(name)) is not None:
                self.written(self.stage.partition(name, index), topic, index)
        self.stage.world.pass_s(0.5)
        self.compare([await one if asyncio.isfuture(one) else one for one in answers])


async def live(seed: int, steps: int) -> int:
    """How often a partition was not looked at."""
    life = Life(seed)
    watch = Interest.watch

    def seldom(self: Interest, waiters: Waiters) -> None:
        if self.session is None or self.session.id != life.thorough.id:
            watch(self, waiters)

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(Interest, "watch", seldom)
        for _ in range(steps):
            await life.go_on()
    return life.quiet


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=60)
def test_a_session_that_looks_at_what_moved_answers_as_one_that_looks_at_all(seed: int) -> None:
    run(lambda: live(seed, 40))


def test_most_partitions_are_quiet_in_these_lives() -> None:
    assert run(lambda: live(1, 200)) > 200


def _deaf_to(patches: pytest.MonkeyPatch, cls: type, name: str) -> None:
    patches.setattr(cls, name, lambda *_: None)


@pytest.mark.parametrize(
    ("cls", "name"),
    [(Waiters, "_tell_once"), (Waiters, "closed"), (Interest, "_moved"), (Interest, "wake"), (_Fetching, "_heard")],
)
def test_the_comparison_finds_a_session_that_does_not_hear(cls: type, name: str) -> None:
    with pytest.MonkeyPatch.context() as patches:
        _deaf_to(patches, cls, name)
        with pytest.raises(AssertionError):
            for seed in range(40):
                run(lambda seed=seed: live(seed, 60))  # type: ignore[misc]


def test_a_session_over_many_partitions_looks_at_the_one_that_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        stage = Stage()
        stage.catalog.add("many", 100)
        looked: list[int] = []
        examine = Slot.examine

        def counted(self: Slot, partition: Partition, read_committed: bool) -> None:
            looked.append(self.partition_index)
            examine(self, partition, read_committed)

        monkeypatch.setattr(Slot, "examine", counted)
        full = stage.call(request(*[("many", at, 0) for at in range(100)], session_epoch=0, max_wait_ms=0), BY_NAME)
        assert len(looked) == 100
        looked.clear()
        waiting = stage.call(request(session_id=full.session_id, session_epoch=1), BY_NAME)
        assert looked == []
        produce(stage.partition("many", 42), batch(1))
        told = (await waiting).responses[0].partitions
        assert [one.partition_index for one in told] == looked == [42]

    run(test)
