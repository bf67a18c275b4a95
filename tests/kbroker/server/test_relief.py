"""Memory that a client holds and does nothing with, while others wait for some."""

import struct
from collections.abc import Callable
from typing import Any

import pytest

from kbroker.server.relief import Relief
from wire.frame import Frame
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse

from .surroundings import HEARTBEAT, Client, Surroundings, frame, run, turns

BEAT = frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4)
HALF = struct.pack(">i", 50_000) + bytes(20_000)


class Patience:
    """Loop time by hand: one timer at most."""

    def __init__(self) -> None:
        self.timer: tuple[Callable[..., Any], tuple[Any, ...]] | None = None

    def later(self, seconds: float, callback: Callable[..., Any], *args: Any) -> "Patience":
        assert self.timer is None
        self.timer = callback, args
        return self

    def cancel(self) -> None:
        self.timer = None

    def ends(self) -> None:
        assert self.timer is not None
        (callback, args), self.timer = self.timer, None
        callback(*args)


def scarce() -> tuple[Surroundings, Patience]:
    """A server with next to no memory, whose patience a test ends by hand."""
    here, patience = Surroundings(queued_max_request_bytes="100"), Patience()
    here.server.relief = Relief(patience, here.server.budget, here.server.connections)  # type: ignore[arg-type]
    here.answer(HEARTBEAT, lambda request, ctx: HeartbeatResponse(error_code=0))
    return here, patience


def stuck(here: Surroundings) -> Client:
    """A client that does not read its replies."""
    client = here.client()
    client.transport.buffered = 1_000_000
    client.connection.pause_writing()
    return client


async def gone(client: Client) -> None:
    client.lose()
    await turns()


def test_who_does_not_read_its_replies_is_let_go_when_others_need_the_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body() -> None:
        here, patience = scarce()
        slow, other = stuck(here), here.client()
        other.send(BEAT)
        assert other.transport.paused
        patience.ends()
        assert slow.transport.aborted
        await gone(slow)
        assert not other.transport.paused
        assert not other.transport.closed

    run(body)
    assert ["others need the memory" in record.getMessage() for record in caplog.records] == [True]


def test_who_reads_slowly_but_reads_stays() -> None:
    async def body() -> None:
        here, patience = scarce()
        slow, other = stuck(here), here.client()
        other.send(BEAT)
        slow.transport.buffered -= 1
        patience.ends()
        assert not slow.transport.closed
        patience.ends()
        assert slow.transport.aborted, "it has been looked at again"

    run(body)


def test_half_a_large_frame_that_does_not_go_on_is_let_go_and_the_next_one_gets_its_turn() -> None:
    async def body() -> None:
        here, patience = scarce()
        first, second = here.client(), here.client()
        first.send(HALF)
        second.send(HALF)
        assert second.transport.paused
        patience.ends()
        assert first.transport.aborted
        assert not second.transport.closed, "it was not let"
        await gone(first)
        assert not second.transport.paused

    run(body)


def test_while_there_is_memory_nobody_is_looked_at() -> None:
    async def body() -> None:
        here = Surroundings()
        patience = Patience()
        here.server.relief = Relief(patience, here.server.budget, here.server.connections)  # type: ignore[arg-type]
        stuck(here)
        here.answer(HEARTBEAT, lambda request, ctx: HeartbeatResponse(error_code=0))
        here.client().send(BEAT)
        assert patience.timer is None

    run(body)


def test_halves_of_large_frames_do_not_take_more_than_there_is() -> None:
    """Whoever grows asks first, and one frame at a time may be completed beyond the limit."""

    async def body() -> None:
        limit, claim = 8 << 20, 6 << 20
        here = Surroundings(queued_max_request_bytes=str(limit))
        most = 0
        take = here.server.pool.take

        def watched(size: int) -> Frame:
            nonlocal most
            most = max(most, size)
            return take(size)

        here.server.pool.take = watched  # type: ignore[method-assign]
        clients = [here.client() for _ in range(40)]
        held = 0
        for client in clients:
            client.send(struct.pack(">i", claim) + bytes(10))
        for _ in range(40):  # as the loop does: one piece of each that may be read, turn after turn
            for client in clients:
                if not client.transport.paused:
                    client.send(bytes(256 << 10))
            held = max(held, sum(len(own) for one in clients if (own := one.connection._reader._own) is not None))
        assert limit // 2 < held <= limit + claim + len(clients) * (32 << 10)
        assert most <= claim

    run(body)
