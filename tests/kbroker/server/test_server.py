"""The care for all connections: how many there may be, who was silent for too long, how the broker lets go."""

import socket

import pytest

from kbroker.server.server import _write_apart as write_apart
from tests.kbroker.running import connect, serving
from wire.messages.api_versions import ApiVersionsRequest
from wire.messages.fetch import FetchRequest, FetchResponse
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.produce import ProduceRequest, ProduceResponse

from .surroundings import FETCH, HEARTBEAT, PRODUCE, Surroundings, Transport, frame, run, turns

BEAT = frame(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 4)
WRITE = frame(ProduceRequest(acks=1, timeout_ms=1, topic_data=[]), 9)
WAIT = frame(FetchRequest(max_wait_ms=1, min_bytes=1, topics=[]), 12)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"max_connections": "2"}, "there are 2 connections already (max.connections)"),
        ({"max_connections_per_ip": "2"}, "there are 2 connections from its address already"),
        ({"max_connections_per_ip_overrides": "10.0.0.7:2, 10.0.0.8:1"}, "there are 2 connections from its address"),
    ],
)
def test_one_connection_too_many_has_to_go_and_only_that_one(
    config: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        here = Surroundings(**config)
        first, second, third = here.client(), here.client(), here.client()
        assert [one.transport.closed for one in (first, second, third)] == [False, False, True]
        third.lose()
        first.lose()
        assert not here.client().transport.closed, "there is room again"

    run(body)
    assert len(caplog.records) == 1
    assert reason in caplog.text


def test_who_is_silent_for_too_long_is_let_go_but_not_who_waits_for_an_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body() -> None:
        here = Surroundings(connections_max_idle_ms="40")
        here.answer_later(FETCH)
        here.answer(HEARTBEAT, lambda request, ctx: HeartbeatResponse(error_code=0))
        silent, waiting = here.client(), here.client()
        waiting.send(WAIT)
        over = here.world.future()
        here.world.later(0.06, over.set_result, None)
        await over
        assert (silent.transport.closed, waiting.transport.closed) == (True, False)

    run(body)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "it was silent for 0.04 s (connections.max.idle.ms)"
    ]


def test_who_leaves_its_replies_lying_is_silent_also_with_requests_waiting_but_not_while_it_takes_some() -> None:
    async def body() -> None:
        here = Surroundings(connections_max_idle_ms="60000")
        here.answer(HEARTBEAT, lambda request, ctx: HeartbeatResponse(error_code=0))
        stuck, slow = here.client(), here.client()
        for client in (stuck, slow):
            client.transport.buffered = 1_000_000
            client.connection.pause_writing()
            client.send(BEAT)
            client.connection.last_active -= 61
        slow.transport.buffered -= 1000
        here.server._close_idle()
        assert (stuck.transport.closed, slow.transport.closed) == (True, False)

    run(body)


def test_without_connections_no_timer_is_set() -> None:
    async def body() -> None:
        here = Surroundings()
        assert here.server._idle_timer is None
        client = here.client()
        assert here.server._idle_timer is not None
        client.lose()
        assert here.server._idle_timer is None

    run(body)


def test_a_broker_that_stops_lets_what_is_under_way_end_and_starts_nothing_more() -> None:
    async def body() -> None:
        here = Surroundings()
        written, fetched = here.answer_later(PRODUCE), here.answer_later(FETCH)
        here.answer(HEARTBEAT, lambda request, ctx: HeartbeatResponse(error_code=0))
        writer, waiter = here.client(), here.client()
        writer.send(WRITE)
        waiter.send(WAIT)
        stopping = here.world.spawn(here.server.stop())
        await turns()
        assert not writer.transport.closed
        writer.send(BEAT)
        written[0].set_result(ProduceResponse(responses=[]))
        await turns()
        assert len(writer.replies) == 1
        assert writer.transport.closed
        assert waiter.transport.closed, "a parked request does not hold up the end"
        writer.lose()
        waiter.lose()
        await stopping
        fetched[0].set_result(FetchResponse(error_code=0, responses=[]))
        await turns()
        assert waiter.replies == []

    run(body)


def test_where_the_transport_would_join_parts_large_ones_are_written_alone() -> None:
    transport = Transport()
    large = bytes(100_000)
    write_apart(transport, [b"a", b"b", memoryview(large), b"c", large, large, b"d", b"e"])  # type: ignore[arg-type]
    assert transport.writes == [b"ab", large, b"c", large, large, b"de"]


def test_socket_buffers_are_set_only_if_somebody_asks_for_it() -> None:
    async def sizes(**config: str) -> tuple[int, int]:
        async with serving(**config) as broker:
            client = await connect(broker)
            await client.ask(ApiVersionsRequest(), 0)
            (connection,) = broker.server.connections
            there = connection.transport.get_extra_info("socket")
            found = [there.getsockopt(socket.SOL_SOCKET, one) for one in (socket.SO_SNDBUF, socket.SO_RCVBUF)]
            await client.close()
            return found[0], found[1]

    async def body() -> None:
        free = await sizes()
        small = await sizes(socket_send_buffer_bytes="8192", socket_receive_buffer_bytes="8192")
        assert small[0] < free[0]
        assert small[1] < free[1]
        assert await sizes(socket_send_buffer_bytes="-1", socket_receive_buffer_bytes="-1") == free

    run(body)
