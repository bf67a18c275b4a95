"""A partition that is opened from its log is the one that was there before: whatever happened to it, in whatever
order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.machine import Marker, Producer
from kbroker.partitions import Partition
from wire.errors import KafkaError

from .support import TestEngine, TestWorld, batch, marked, partition, produce, turns
from .test_partition import snapshot

steps = st.lists(
    st.one_of(
        st.tuples(st.just("produce"), st.integers(1, 3), st.integers(0, 2), st.integers(0, 9)),
        st.tuples(st.just("plain"), st.integers(1, 4)),
        st.tuples(st.just("transact"), st.integers(1, 3), st.integers(0, 2), st.integers(0, 9)),
        st.tuples(st.just("mark"), st.integers(1, 3), st.integers(0, 2), st.booleans(), st.integers(0, 1)),
        st.tuples(st.just("fail"), st.integers(1, 3)),
        st.tuples(st.just("note")),
        st.tuples(st.just("delete"), st.sampled_from((-1, 1, 2, 3, 4, 6, 8))),
        st.tuples(st.just("epoch"), st.integers(1, 2)),
        st.tuples(st.just("restart"), st.booleans()),
    ),
    max_size=25,
)


class Life:
    def __init__(self) -> None:
        self.engine, self.world = TestEngine(), TestWorld()
        self.epoch = 0
        self.one = partition(self.engine, self.world)

    async def step(self, kind: str, *arguments: Any) -> None:
        with suppress(KafkaError):
            await getattr(self, kind)(*arguments)
        await turns(2)

    async def produce(self, producer: int, epoch: int, sequence: int) -> None:
        produce(self.one, batch(2, producer=(producer, epoch, sequence)))

    async def transact(self, producer: int, epoch: int, sequence: int) -> None:
        produce(self.one, batch(2, producer=(producer, epoch, sequence), transactional=True))

    async def mark(self, producer: int, epoch: int, committed: bool, coordinator_epoch: int) -> None:
        await marked(self.one, Marker(Producer(producer, epoch), committed, coordinator_epoch), False)

    async def plain(self, count: int) -> None:
        produce(self.one, batch(count))

    async def fail(self, count: int) -> None:
        """Several writes under way, and the disk refuses the first of them."""
        self.engine.held, self.engine.failing = True, {"t/0"}
        for sequence in range(count):
            with suppress(KafkaError):
                produce(self.one, batch(1, producer=(5, 0, sequence)))
        self.engine.let_go(len(self.engine.waiting))
        self.engine.held, self.engine.failing = False, set()

    async def note(self) -> None:
        await self.one.note()

    async def delete(self, offset: int) -> None:
        await self.one.delete_records(offset)

    async def epoch_(self, raised: int) -> None:
        self.epoch += raised
        self.one.lead(1, self.epoch, (1,), (1,))

    async def restart(self, clean: bool) -> None:
        if clean and (note := self.one.close()) is not None:
            await note
        self.one = await self.opened()

    async def opened(self) -> Partition:
        again = partition(self.engine, self.world, leader_epoch=self.epoch)
        await again.ready()
        return again


@settings(max_examples=100)
@given(steps)
def test_a_partition_opened_again_equals_the_one_before(life: list[tuple[Any, ...]]) -> None:
    async def test() -> None:
        lived = Life()
        for kind, *arguments in life:
            await lived.step("epoch_" if kind == "epoch" else kind, *arguments)
            assert lived.one.is_open
            assert lived.one.end == lived.engine.bounds("t/0").end
            assert snapshot(await lived.opened()) == snapshot(lived.one)

    asyncio.run(test())
