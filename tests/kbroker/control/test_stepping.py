"""Step mode: nothing goes on but what is let go, and each step says what it has changed."""

import asyncio
from typing import Any

import pytest

from kbroker.control.stepping import moved
from kbroker.control.table import ControlError, find
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.running import run
from wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from wire.records import Record, build_batch


def produce(topic: str) -> ProduceRequest:
    part = PartitionProduceData(index=0, records=bytes(build_batch([Record(None, b"v")], timestamp=1)))
    return ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[TopicProduceData(name=topic, partition_data=[part])])


async def waiting(ask: Hand, count: int) -> Any:
    """Step mode as it is when so many requests wait."""
    stream = find("step.follow").run(ask.control)
    while len((steps := await anext(stream)).waiting) != count:
        pass
    await stream.aclose()
    return steps


def test_requests_go_on_one_by_one_and_tell_what_they_changed() -> None:
    async def body() -> None:
        async with controlling() as ask:
            await ask("topics.create", name="orders")
            first, second = await ask.connect(), await ask.connect()
            assert (await ask("step.begin")).on and (await ask("clock.now")).frozen
            first.send(produce("orders"), 9)
            steps = await waiting(ask, 1)
            second.send(produce("orders"), 9)
            steps = await waiting(ask, 2)
            assert [held.api for held in steps.waiting] == ["Produce", "Produce"]
            step = await ask("step.next", id=steps.waiting[1].id)
            assert step.request == steps.waiting[1] and step.number == 1
            assert [change.what for change in step.moved] == ["log orders/0"]
            assert step.moved[0].after.startswith("0 to 1, high watermark 1")
            assert (await second.receive()).responses[0].partition_responses[0].base_offset == 0
            assert [held.id for held in step.then.waiting] == [steps.waiting[0].id]
            step = await ask("step.next")
            assert (await first.receive()).responses[0].partition_responses[0].base_offset == 1
            assert step.before["log orders/0"] == steps_text(1) and step.after["log orders/0"] == steps_text(2)

    run(body)


def steps_text(end: int) -> str:
    return f"0 to {end}, high watermark {end}, last stable offset {end}"


def test_the_end_lets_everything_go_and_time_run() -> None:
    async def body() -> None:
        async with controlling() as ask:
            await ask("topics.create", name="orders")
            client = await ask.connect()
            await ask("step.begin")
            assert (await ask("step.begin")).done == 0, "beginning twice is beginning"
            client.send(produce("orders"), 9)
            await waiting(ask, 1)
            assert not (await ask("step.end")).on
            assert (await client.receive()).responses[0].partition_responses[0].error_code == 0
            assert not (await ask("clock.now")).frozen and await ask("faults.list") == []

    run(body)


def test_a_clock_that_stood_goes_on_standing_and_faults_cleared_end_it() -> None:
    async def body() -> None:
        async with controlling() as ask:
            await ask("clock.freeze")
            await ask("step.begin")
            await ask("faults.clear")
            assert not (await ask("step.state")).on and (await ask("clock.now")).frozen
            for verb, sentence in (("step.next", "step mode is off"),):
                with pytest.raises(ControlError, match=sentence):
                    await ask(verb)
            await ask("step.begin")
            with pytest.raises(ControlError, match="no request waits"):
                await ask("step.next")
            await ask("step.end")
            assert (await ask("clock.now")).frozen
            await asyncio.sleep(0)

    run(body)


def test_what_has_moved_is_what_is_other_came_or_went() -> None:
    found = moved({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"})
    assert found == [("b", "2", "4"), ("c", "3", ""), ("d", "", "5")]
