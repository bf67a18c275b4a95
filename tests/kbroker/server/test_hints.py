"""The hint for a client that cannot reach what it was told to connect to."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kbroker.context import Listener
from kbroker.server.hints import PATIENCE_SECONDS, Hints
from tests.kbroker.running import Client, run, serving
from wire.messages.metadata import MetadataRequest

METADATA, API_VERSIONS, PRODUCE = 3, 18, 0


class Later:
    """Loop time by hand."""

    def __init__(self) -> None:
        self.set: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def later(self, seconds: float, callback: Callable[..., Any], *args: Any) -> "Timer":
        assert seconds == PATIENCE_SECONDS
        self.set.append((callback, args))
        return Timer(self, self.set[-1])

    def pass_by(self) -> None:
        while self.set:
            callback, args = self.set.pop(0)
            callback(*args)


class Timer:
    def __init__(self, world: Later, entry: Any) -> None:
        self.world, self.entry = world, entry

    def cancel(self) -> None:
        self.world.set.remove(self.entry)


class Peer:
    def __init__(self, host: str = "10.0.0.7", local_host: str = "172.17.0.2", advertised: str = "") -> None:
        self.host = host
        self.local_host = local_host
        self.listener = Listener("OUTSIDE", "PLAINTEXT", "0.0.0.0", 9092, advertised, 9092)


@pytest.fixture
def world() -> Later:
    return Later()


@pytest.fixture
def hints(world: Later) -> Hints:
    return Hints(world)  # type: ignore[arg-type]


def ask(hints: Hints, connection: Peer, key: int, client_id: str = "c") -> bool:
    return hints.requested(connection, key, client_id)  # type: ignore[arg-type]


def test_who_reads_metadata_and_never_comes_back_is_hinted_at_once(
    hints: Hints, world: Later, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        connection = Peer()
        ask(hints, connection, API_VERSIONS)
        ask(hints, connection, METADATA)
    world.pass_by()
    ask(hints, Peer(), METADATA)
    world.pass_by()
    assert len(caplog.records) == 1
    assert "never came to 172.17.0.2:9092" in caplog.text
    assert "--advertise OUTSIDE://HOST:PORT" in caplog.text


def test_who_comes_back_on_another_connection_is_not(
    hints: Hints, world: Later, caplog: pytest.LogCaptureFixture
) -> None:
    ask(hints, Peer(), METADATA)
    assert not ask(hints, Peer(), PRODUCE)
    world.pass_by()
    assert not ask(hints, Peer(), METADATA), "and need not be watched any more"
    assert caplog.text == ""


def test_another_client_of_the_same_host_is_another_matter(
    hints: Hints, world: Later, caplog: pytest.LogCaptureFixture
) -> None:
    ask(hints, Peer(), METADATA, "stranded")
    ask(hints, Peer(), PRODUCE, "arrived")
    world.pass_by()
    assert "client stranded" in caplog.text
    assert "client arrived" not in caplog.text


def test_a_host_is_hinted_once_however_many_clients_it_has(
    hints: Hints, world: Later, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        ask(hints, Peer(), METADATA, f"client {number}")
        world.pass_by()
    ask(hints, Peer("10.0.0.8"), METADATA)
    world.pass_by()
    assert [record.getMessage().partition(" read ")[0] for record in caplog.records] == [
        "client client 0 from 10.0.0.7",
        "client c from 10.0.0.8",
    ]


@pytest.mark.parametrize("advertised", ["", "127.0.0.1", "localhost"])
def test_who_asks_for_nothing_but_metadata_at_the_very_address_it_is_told_has_come(
    hints: Hints, world: Later, caplog: pytest.LogCaptureFixture, advertised: str
) -> None:
    watcher = Peer("127.0.0.1", "127.0.0.1", advertised)
    assert not ask(hints, watcher, METADATA), "and need not be watched"
    world.pass_by()
    assert caplog.text == ""


def test_who_came_through_a_forwarded_port_arrives_at_the_address_too_and_is_hinted(
    hints: Hints, world: Later, caplog: pytest.LogCaptureFixture
) -> None:
    ask(hints, Peer("172.17.0.1", "172.17.0.2", "172.17.0.2"), METADATA)
    ask(hints, Peer("127.0.0.1", "127.0.0.1", "broker.example"), METADATA)
    world.pass_by()
    assert len(caplog.records) == 2


def test_a_broker_that_stops_forgets_them(hints: Hints, world: Later) -> None:
    ask(hints, Peer(), METADATA)
    hints.stop()
    assert world.set == []


def test_not_everybody_is_remembered_for_ever(hints: Hints) -> None:
    for number in range(3_000):
        ask(hints, Peer(f"host {number}"), PRODUCE)
    assert len(hints._known) == 1_000


def test_through_a_forwarded_port_the_hint_names_the_flag(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: what a client sees that came in through a port which the broker cannot know of."""
    monkeypatch.setattr("kbroker.server.hints.PATIENCE_SECONDS", 0.02)

    async def body() -> None:
        async with serving(advertised_listeners="PLAINTEXT://broker.example:9092") as broker:
            port = int(broker.bound[0].rpartition(":")[2])

            async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

            door = await asyncio.start_server(forward, "127.0.0.1", 0)
            client = Client(*await asyncio.open_connection(*door.sockets[0].getsockname()))
            (told,) = (await client.ask(MetadataRequest(topics=[]), 12)).brokers
            assert (told.host, told.port) == ("broker.example", 9092)
            over = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.05, over.set_result, None)
            await over
            await client.close()
            door.close()

    run(body)
    assert "never came to broker.example:9092" in caplog.text
    assert "--advertise PLAINTEXT://HOST:PORT" in caplog.text


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()
