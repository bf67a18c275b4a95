"""Binding sockets: one port for all addresses of a name, and one sentence when it cannot be."""

import asyncio
import socket
import sys

import pytest

from kbroker.listeners import ListenerSpec
from kbroker.server.listener import CannotListen, Doors, bind

from .surroundings import run


def spec(host: str, port: int = 0) -> ListenerSpec:
    return ListenerSpec("PLAINTEXT", "PLAINTEXT", host, port, host, 0)


async def bound(host: str, port: int = 0) -> Doors:
    return await bind(asyncio.get_running_loop(), spec(host, port), asyncio.Protocol, 50)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_localhost_is_both_of_its_addresses_with_one_port() -> None:
    async def body() -> None:
        doors = await bound("localhost")
        assert doors.places == [f"127.0.0.1:{doors.port}", f"[::1]:{doors.port}"]
        await doors.serve()
        for host in ("127.0.0.1", "::1"):
            _, writer = await asyncio.open_connection(host, doors.port)
            writer.close()
            await writer.wait_closed()
        doors.close()

    run(body)


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
@pytest.mark.parametrize("host", ["", "::"])
def test_all_addresses_are_those_of_both_kinds(host: str) -> None:
    async def body() -> None:
        doors = await bound(host)
        assert sorted(doors.places) == [f"0.0.0.0:{doors.port}", f"[::]:{doors.port}"]
        doors.close()

    run(body)


@pytest.mark.skipif(sys.platform != "linux", reason="needs more than one address of its own")
def test_a_name_of_several_addresses_has_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async def both(*_: object, **__: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0)) for host in ("127.0.0.1", "127.0.0.2")]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
        doors = await bound("several")
        assert sorted(doors.places) == [f"127.0.0.1:{doors.port}", f"127.0.0.2:{doors.port}"]
        doors.close()

    run(body)


def test_port_0_is_a_free_one_and_nobody_is_accepted_before_serving_begins() -> None:
    async def body() -> None:
        doors = await bound("127.0.0.1")
        assert doors.port
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", doors.port)
        doors.close()

    run(body)


def test_a_port_in_use_is_said() -> None:
    async def body() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(CannotListen) as caught:
                await bound("127.0.0.1", port)
        assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: the port is in use"
        assert caught.value.in_use

    run(body)


def test_an_address_of_another_machine_is_said() -> None:
    async def body() -> None:
        with pytest.raises(CannotListen) as caught:
            await bound("192.0.2.1", 9092)
        assert str(caught.value) == "cannot listen on 192.0.2.1:9092: this machine has no such address"
        assert not caught.value.in_use

    run(body)
