"""A FastStream service and the broker of its test in one event loop: everything that the test waits for is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from compat_tests.tools import need_module
from kbroker.testing import Broker

need_module("faststream")

from compat_tests.examples.faststream.shipping import shipping  # noqa: E402

Test = Callable[[Broker], Awaitable[None]]


def run(kafka: Broker, test: Test) -> None:
    async def body() -> None:
        await kafka.create_topic.aio("orders")
        async with shipping(kafka.bootstrap) as service:
            await service.start()
            await kafka.wait_assigned.aio("shipping")
            await test(kafka)

    asyncio.run(asyncio.wait_for(body(), 60))


async def values(kafka: Broker, topic: str, count: int) -> list[bytes | None]:
    return [record.value for record in await kafka.wait_records.aio(topic, count)]


def test_an_order_is_shipped(kafka: Broker) -> None:
    async def test(kafka: Broker) -> None:
        await kafka.produce.aio("orders", "1")
        assert await values(kafka, "shipments", 1) == [b"order 1 is on its way"]
        await kafka.wait_consumed.aio("shipping", "orders")

    run(kafka, test)


def test_an_order_that_cannot_be_read_is_put_aside(kafka: Broker) -> None:
    async def test(kafka: Broker) -> None:
        await kafka.produce.aio("orders", "rubbish", "2")
        assert await values(kafka, "shipments", 1) == [b"order 2 is on its way"]
        assert await values(kafka, "orders.rubbish", 1) == [b"rubbish"]

    run(kafka, test)


def test_a_lost_answer_ships_nothing_twice(kafka: Broker) -> None:
    async def test(kafka: Broker) -> None:
        lost = await kafka.faults.install.aio("Produce", topic="shipments", drop="after", times=1)
        await kafka.produce.aio("orders", "1")
        await lost.wait.aio(1)
        await kafka.produce.aio("orders", "2")
        assert await values(kafka, "shipments", 2) == [b"order 1 is on its way", b"order 2 is on its way"]

    run(kafka, test)


def test_a_service_whose_session_has_ended_comes_back(kafka: Broker) -> None:
    """Its heartbeats hang, and its session ends by the clock: nobody sleeps."""

    async def test(kafka: Broker) -> None:
        await kafka.clock.freeze.aio()
        hanging = await kafka.faults.install.aio("Heartbeat", hold=True)
        await hanging.wait.aio(1)
        await kafka.clock.advance.aio("11s")
        assert (await kafka.wait_empty.aio("shipping")).members == []
        await kafka.faults.remove.aio(hanging.id)
        await kafka.wait_assigned.aio("shipping")
        await kafka.produce.aio("orders", "3")
        assert await values(kafka, "shipments", 1) == [b"order 3 is on its way"]

    run(kafka, test)
