"""The loop in which time is a number, and connections in memory: what a life may rely on."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from .loop import Stuck, VirtualLoop, live, passed
from .network import Network, Pipe


class End(asyncio.Protocol):
    """One end of a connection, which writes down what happens to it."""

    def __init__(self, name: str = "client") -> None:
        self.name = name
        self.pieces: list[bytes] = []
        self.heard: list[str] = []
        self.pipe: Pipe

    def connection_made(self, transport: Any) -> None:
        self.pipe = transport

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.heard.append("lost" if error else "end")

    def pause_writing(self) -> None:
        self.heard.append("pause")

    def resume_writing(self) -> None:
        self.heard.append("resume")

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


def at_work(body: Callable[[Network, End, End], Coroutine[Any, Any, None]], **options: Any) -> Network:
    """Run the body with the two ends of a connection."""
    loop = VirtualLoop()
    network = Network(loop, random.Random(1), **options)

    async def main() -> None:
        server = End("server")
        await loop.create_server(lambda: server, "here", 1)
        _, client = await loop.create_connection(End, "here", 1)
        await body(network, client, server)

    live(main(), loop)
    return network


# --- the loop ---------------------------------------------------------------------------------------------------------


def test_an_hour_passes_in_no_time() -> None:
    loop = VirtualLoop()
    live(passed(3600), loop)
    assert loop.time() == 3600


def test_timers_fire_in_their_order() -> None:
    async def body() -> list[int]:
        loop, fired = asyncio.get_running_loop(), list[int]()
        for number in (3, 1, 2):
            loop.call_later(number, fired.append, number)
        await passed(4)
        return fired

    assert live(body(), VirtualLoop()) == [1, 2, 3]


def test_what_can_never_come_is_told() -> None:
    async def body() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        live(body(), VirtualLoop())


def test_an_error_that_nobody_took_is_an_error_of_the_run() -> None:
    async def body() -> None:
        asyncio.get_running_loop().call_soon(int, "no number")
        await passed(1)

    with pytest.raises(AssertionError, match="unhandled in the loop"):
        live(body(), VirtualLoop())


# --- connections ------------------------------------------------------------------------------------------------------


def test_bytes_arrive_later_in_order_and_in_pieces() -> None:
    sent = [bytes([number]) * 10 for number in range(200)]

    async def body(network: Network, client: End, server: End) -> None:
        for data in sent:
            client.pipe.write(data)
        assert server.data == b""
        await passed(1)
        assert server.data == b"".join(sent)
        assert len(server.pieces) > len(sent)

    assert at_work(body).hits["frame in pieces"] > 0


def test_what_is_written_is_copied_at_once() -> None:
    async def body(network: Network, client: End, server: End) -> None:
        data = bytearray(b"lent")
        client.pipe.write(data)
        data[:] = b"gone"
        await passed(1)
        assert server.data == b"lent"

    at_work(body)


def test_an_end_that_does_not_read_holds_the_writer_up() -> None:
    async def body(network: Network, client: End, server: End) -> None:
        client.pipe.pause_reading()
        server.pipe.write(bytes(1001))
        assert server.heard == ["pause"] and server.pipe.get_write_buffer_size() == 1001
        await passed(1)
        assert client.data == b"" and server.heard == ["pause"]
        client.pipe.resume_reading()
        await passed(1)
        assert client.data == bytes(1001) and server.heard == ["pause", "resume"]

    at_work(body, high_bytes=1000)


def test_a_close_is_seen_behind_what_was_sent_also_by_who_reads_late() -> None:
    async def body(network: Network, client: End, server: End) -> None:
        server.pipe.pause_reading()
        client.pipe.write(b"last words")
        client.pipe.close()
        await passed(1)
        assert client.heard == ["end"] and server.heard == []
        server.pipe.resume_reading()
        await passed(1)
        assert server.data == b"last words" and server.heard == ["end"]

    at_work(body)


def test_a_cut_loses_what_is_under_way_both_ways() -> None:
    async def body(network: Network, client: End, server: End) -> None:
        client.pipe.write(b"a question")
        server.pipe.write(b"an answer")
        network.cut(client.pipe)
        await passed(1)
        assert client.data == server.data == b"" and client.heard == server.heard == ["lost"]
        assert not network.pipes

    at_work(body)


def test_of_a_client_that_vanished_everything_arrives_and_nothing_reaches_it() -> None:
    async def body(network: Network, client: End, server: End) -> None:
        client.pipe.write(b"a question")
        server.pipe.write(b"an answer")
        network.vanish(client.pipe)
        await passed(1)
        assert (client.data, server.data) == (b"", b"a question")
        assert (client.heard, server.heard) == (["lost"], ["end"])

    at_work(body)


def test_an_ambush_hits_who_it_is_laid_for_when_so_much_was_sent() -> None:
    async def body(network: Network, client: End, server: End) -> None:
        network.ambush("somebody else", 1, True)
        network.ambush("cl", 2, False)
        client.pipe.write(b"one")
        await passed(1)
        assert client.heard == []
        server.pipe.write(b"two")
        await passed(1)
        assert client.heard == ["lost"] and client.data == b""

    at_work(body)


def test_nobody_is_let_in_before_the_server_serves() -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(End, "here", 1, start_serving=False)
        with pytest.raises(ConnectionRefusedError):
            await loop.create_connection(End, "here", 1)
        await server.start_serving()
        await loop.create_connection(End, "here", 1)
        with pytest.raises(OSError, match="in use"):
            await loop.create_server(End, "here", 1)

    loop = VirtualLoop()
    Network(loop, random.Random(1))
    live(body(), loop)
