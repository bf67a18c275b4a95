"""One local port for each broker of the cluster, opened when the broker is first named.

An answer that names a broker needs the port at once, so it is bound there and then; what comes in on it waits in the
system's queue until the loop takes it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kbroker.client.errors import ClientError
from kbroker.client.security import Security
from kbroker.listeners import place
from kbroker.proxy.addresses import Place
from kbroker.proxy.login import log_in
from kbroker.proxy.relay import Relay, Rules, Sink

if TYPE_CHECKING:
    from kbroker.proxy.desk import Desk, Peer

log = logging.getLogger("kbroker.proxy")

BACKLOG = 100


class CannotListen(Exception):
    """The address cannot be listened on; one sentence."""


class Proxy:
    """Between clients and the cluster at `upstream`. `advertise` is the host that clients are told."""

    def __init__(
        self,
        upstream: Sequence[Place],
        listen: Place,
        *,
        security: Security | None = None,
        advertise: str | None = None,
        most: dict[int, int],
        desk: Desk | None = None,
        sink: Sink | None = None,
    ) -> None:
        self._upstream = list(upstream)
        self._listen = listen
        self._host = advertise or listen[0]
        self._security = security or Security()
        self._servers: dict[Place, asyncio.Server] = {}
        self._places: dict[Place, Place] = {}
        self._relays: set[asyncio.Task[None]] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._rules = Rules(self.to_ours, most, desk, sink)
        self._numbers = itertools.count(1)

    async def start(self) -> str:
        """Listen for the first broker; gives HOST:PORT for clients."""
        first, *others = self._upstream
        ours = self._open(first, self._listen[1])
        for other in others:
            self._open(other, 0)
        await asyncio.gather(*self._starting)
        return place(*ours)

    async def stop(self) -> None:
        for server in self._servers.values():
            server.close()
        for task in (*self._relays, *self._starting):
            task.cancel()
        await asyncio.gather(*self._relays, *self._starting, return_exceptions=True)
        await asyncio.sleep(0)  # transports that were closed say so in their next turn

    def to_ours(self, broker: Place) -> Place:
        """Where clients reach that broker."""
        found = self._places.get(broker)
        return self._open(broker, 0) if found is None else found

    def _open(self, broker: Place, port: int) -> Place:
        sock = socket.socket(socket.AF_INET6 if ":" in self._listen[0] else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((self._listen[0], port))
        except OSError as error:
            sock.close()
            why = (error.strerror or str(error)).lower()
            raise CannotListen(f"cannot listen on {place(self._listen[0], port)}: {why}") from None
        sock.listen(BACKLOG)
        ours = self._places[broker] = self._host, sock.getsockname()[1]
        task = asyncio.ensure_future(self._serve(broker, sock))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        log.info("%s is %s", place(*ours), place(*broker))
        return ours

    async def _serve(self, broker: Place, sock: socket.socket) -> None:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._relays.add(task)
            try:
                await self._relay(broker, reader, writer)
            except asyncio.CancelledError:
                pass  # by stop(); asyncio's streams would report it as an error
            finally:
                writer.close()
                self._relays.discard(task)

        self._servers[broker] = await asyncio.start_server(accepted, sock=sock)

    async def _relay(self, broker: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        context = self._security.context()
        try:
            cluster = await asyncio.open_connection(
                *broker, ssl=context, server_hostname=broker[0] if context is not None else None
            )
            if self._security.mechanism is not None:
                await log_in(broker, *cluster, self._security)
        except (OSError, ClientError) as error:
            log.warning("%s cannot be reached: %s", place(*broker), error)
            writer.close()
            return
        client = reader, writer
        peer = self._peer(broker, writer)
        await Relay(self._rules, client, cluster, place(*broker), lambda: next(self._numbers), peer).run()

    def _peer(self, broker: Place, writer: asyncio.StreamWriter) -> Peer | None:
        desk = self._rules.desk
        if desk is None:
            return None
        host, port = writer.get_extra_info("peername")[:2]
        return desk.peer((host, port), broker, writer.transport)
