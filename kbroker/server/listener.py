"""Sockets that listen: binding them before anything else happens, serving when the broker is ready.

`localhost` is ::1 first for some clients and 127.0.0.1 for others, so both are bound, with one port. All addresses
means IPv4 and IPv6 where `::` or no host was asked for, IPv4 alone for 0.0.0.0. A machine without IPv6 does without.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from kbroker.listeners import ListenerSpec, place

if TYPE_CHECKING:
    from kbroker.server.connection import Connection
    from kbroker.server.guards import Guard

_TRIES = 16
_HOSTS = {"localhost": ("127.0.0.1", "::1"), "": ("0.0.0.0", "::"), "::": ("::", "0.0.0.0")}


class CannotListen(Exception):
    """One clear sentence; `in_use` says that somebody else has the port."""

    def __init__(self, sentence: str, in_use: bool) -> None:
        super().__init__(sentence)
        self.in_use = in_use


class Receiver(asyncio.BufferedProtocol):
    """What asyncio holds of a connection. It asks for a class of its own kind, which a compiled connection
    (hatch_build.py) cannot be; what comes for every piece of bytes is the connection's own."""

    __slots__ = ("_connection", "buffer_updated", "get_buffer")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.get_buffer = connection.get_buffer  # type: ignore[method-assign]
        self.buffer_updated = connection.buffer_updated  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connection.connection_made(transport)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connection.connection_lost(exc)


def received(make: Callable[[], Connection]) -> Callable[[], Receiver]:
    """The protocol factory of a listener that makes such connections."""
    return lambda: Receiver(make())


class Doors:
    """The bound sockets of one listener: one, or two with the same port."""

    def __init__(
        self, servers: list[Any], places: list[str], port: int, again: Callable[[], Awaitable[Doors]]
    ) -> None:
        """`again` binds the same places."""
        self._servers = servers
        self._again = again
        self._kept: list[socket.socket] = []
        self.places = places
        self.port = port

    async def serve(self) -> None:
        for server in self._servers:
            await server.start_serving()

    def close(self, *, keeps_port: bool = False) -> None:
        """Refuse from now on. A port that is kept is nobody else's until `open_again`."""
        for server in self._servers:
            server.close()
        self._servers = []
        self._let_go()
        if keeps_port:
            self._kept = [_bound(*parts) for parts in map(_parts, self.places)]

    async def open_again(self) -> None:
        """Listen where it did before `close`."""
        self._let_go()
        self._servers = (await self._again())._servers
        await self.serve()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, []
        for one in kept:
            one.close()


def _parts(where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    return host.strip("[]"), int(port)


def _bound(host: str, port: int) -> socket.socket:
    """Bound, but not listening: whoever connects is refused."""
    kept = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in host:
        kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    kept.bind((host, port))
    return kept


async def bind(
    loop: asyncio.AbstractEventLoop,
    spec: ListenerSpec,
    factory: Callable[[], Any],
    backlog: int,
    guard: Guard | None = None,
) -> Doors:
    """Bind what the spec asks for, without accepting yet."""
    secured: dict[str, Any] = {}
    if guard is not None and guard.tls is not None:
        secured = {"ssl": guard.tls, "ssl_handshake_timeout": guard.handshake_seconds}
    hosts = _HOSTS.get(spec.host, (spec.host,))
    for tries_left in reversed(range(_TRIES)):
        servers: list[Any] = []
        places: list[str] = []
        port = spec.port
        try:
            for host in hosts:
                try:
                    server = await loop.create_server(
                        factory, host, port, backlog=backlog, start_serving=False, **secured
                    )
                except OSError as error:
                    if servers and _has_no_such_address(error):
                        continue
                    raise
                servers.append(server)
                names = [each.getsockname()[:2] for each in server.sockets]
                if len({port for _, port in names}) > 1:  # a name of several addresses, each with another free port
                    hosts = tuple(dict.fromkeys(host for host, _ in names))
                    raise OSError(errno.EADDRINUSE, "not one port")
                port = names[0][1]
                places += [place(*name) for name in names]
            return Doors(servers, places, port, partial(bind, loop, spec._replace(port=port), factory, backlog, guard))
        except OSError as error:
            for server in servers:
                server.close()
            in_use = error.errno == errno.EADDRINUSE
            # The free port of the first address may be taken at the second.
            if not (in_use and servers and spec.port == 0 and tries_left):
                raise CannotListen(_sentence(spec, error, in_use), in_use) from None
    raise AssertionError


def _has_no_such_address(error: OSError) -> bool:
    """From Python 3.13 on asyncio passes such addresses over, and when none is left its error has no number."""
    return error.errno in (None, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)


def _sentence(spec: ListenerSpec, error: OSError, in_use: bool) -> str:
    where = place(spec.host, spec.port)
    if in_use:
        return f"cannot listen on {where}: the port is in use"
    if isinstance(error.errno, int) and error.errno == errno.EACCES:
        return f"cannot listen on {where}: not allowed"
    if error.errno in (None, errno.EADDRNOTAVAIL):
        return f"cannot listen on {where}: this machine has no such address"
    return f"cannot listen on {where}: {(error.strerror or str(error)).lower()}"
