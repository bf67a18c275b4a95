"""The two times of a broker, its timers, and its dice."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kbroker import world as world_module
from kbroker.world import RealWorld, random_uuid
from wire.primitives import uuid_text


def in_a_world(body: Callable[[RealWorld], Awaitable[None]]) -> None:
    async def main() -> None:
        await body(RealWorld(asyncio.get_running_loop(), seed=1))

    asyncio.run(main())


def test_a_timer_fires_when_its_time_has_come_and_not_before() -> None:
    async def body(world: RealWorld) -> None:
        fired = world.future()
        at = world.time_ms() + 20
        world.at(at, lambda: fired.set_result(world.time_ms()))
        assert await fired >= at

    in_a_world(body)


def test_moving_the_time_fires_what_is_due_in_order_of_time_then_of_setting() -> None:
    async def body(world: RealWorld) -> None:
        now, fired, done = world.time_ms(), [], world.future()
        world.at(now + 3_600_000, fired.append, "an hour")
        world.at(now + 60_000, fired.append, "a minute")
        world.at(now + 60_000, fired.append, "a minute, set later")
        world.at(now + 7_200_000, done.set_result, None)
        world.shift(7_200_000)
        assert fired == [], "never inside the call"
        await done
        assert fired == ["a minute", "a minute, set later", "an hour"]
        assert now + 7_200_000 <= world.time_ms() < now + 7_260_000

    in_a_world(body)


def test_moving_the_time_leaves_loop_time_alone() -> None:
    async def body(world: RealWorld) -> None:
        before = world.loop_time()
        world.shift(1_000_000_000)
        assert world.loop_time() - before < 60

    in_a_world(body)


def test_time_only_moves_forward() -> None:
    async def body(world: RealWorld) -> None:
        with pytest.raises(ValueError, match="forward"):
            world.shift(-1)

    in_a_world(body)


def test_a_cancelled_timer_never_fires_not_even_when_another_one_cancels_it_in_the_same_moment() -> None:
    async def body(world: RealWorld) -> None:
        now, fired, done = world.time_ms(), [], world.future()
        cancelled = world.at(now + 10, fired.append, "cancelled")
        victim = world.at(now + 30, fired.append, "victim")
        world.at(now + 20, lambda: victim.cancel())
        world.at(now + 40, done.set_result, None)
        cancelled.cancel()
        cancelled.cancel()
        world.shift(50)
        await done
        assert fired == []

    in_a_world(body)


def test_thousands_of_cancelled_timers_do_not_stay() -> None:
    async def body(world: RealWorld) -> None:
        now = world.time_ms()
        for _ in range(5_000):
            world.at(now + 1_000_000, print).cancel()
        assert len(world._alarms) < 200

    in_a_world(body)


def test_a_timer_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def body(world: RealWorld) -> None:
        now, done = world.time_ms(), world.future()
        world.at(now, lambda: 1 // 0)
        world.at(now, done.set_result, None)
        await done

    in_a_world(body)
    assert "a timer failed" in caplog.text


def test_a_background_chain_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def body(world: RealWorld) -> None:
        async def fails() -> None:
            raise RuntimeError("out of luck")

        await asyncio.wait([world.spawn(fails())])
        await asyncio.sleep(0)

    in_a_world(body)
    assert "out of luck" in caplog.text


def test_random_ids_are_of_version_4_and_never_begin_with_a_dash() -> None:
    from random import Random

    rng = Random(7)
    ids = [random_uuid(rng) for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert not any(uuid_text(one).startswith("-") for one in ids)
    assert all(one[6] >> 4 == 4 and one[8] >> 6 == 2 for one in ids)


def test_what_is_free_is_given_back_now_and_then_wherever_that_can_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        asked: list[int] = []
        monkeypatch.setattr(world_module, "_malloc_trim", lambda: asked.append)
        world = RealWorld(asyncio.get_running_loop())
        assert (world.tidy(), world.tidy(), asked) == (True, False, [0])

    world_module._malloc_trim()(0)  # whatever the C library is
    asyncio.run(body())
