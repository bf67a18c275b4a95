"""A hint for the commonest mistake: a client reads Metadata, and cannot reach the address that it is told there.

The broker cannot see through NAT, containers and forwarded ports. But it can see that a client asked for Metadata and
then, for ten seconds, never did anything else, neither on that connection nor on another one of the same host and
client id. Then one line in the log says what was advertised, and which flag changes it. Once per host.

A client of the same machine that connected to the very address that it is told has come already: it may ask for nothing
but Metadata for ever. Of another machine that proves nothing: behind a forwarded port the connection arrives at the
same address, whatever the client connected to.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from kbroker.context import WILDCARD

if TYPE_CHECKING:
    from kbroker.server.connection import Connection
    from kbroker.world import Handle, World

T = TypeVar("T")

log = logging.getLogger("kbroker.hints")

PATIENCE_SECONDS = 10.0
_METADATA, _API_VERSIONS = 3, 18
_LOOKING_AROUND = frozenset((_METADATA, _API_VERSIONS, 17, 36, 60))  # SASL, DescribeCluster
_MOST_REMEMBERED = 1000


class Hints:
    """Who has read Metadata and not come back yet, and who has."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._waiting: dict[tuple[str, str | None], Handle] = {}
        self._known: dict[tuple[str, str | None], None] = {}
        self._hinted: dict[str, None] = {}

    def requested(self, connection: Connection, key: int, client_id: str | None) -> bool:
        """A connection that may still be only looking around has sent a request; False: it need not be told of more."""
        client = (connection.host, client_id)
        if client in self._known:
            return False
        if key not in _LOOKING_AROUND:
            self._settle(client)
            return False
        if key == _METADATA and client not in self._waiting:
            if _is_there_already(connection):
                self._settle(client)
                return False
            listener = connection.listener
            host = listener.advertised_host or connection.local_host
            told = f"{host}:{listener.advertised_port}"
            self._waiting[client] = self.world.later(PATIENCE_SECONDS, self._missed, client, listener.name, told)
        return True

    def stop(self) -> None:
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()

    def _settle(self, client: tuple[str, str | None]) -> None:
        handle = self._waiting.pop(client, None)
        if handle is not None:
            handle.cancel()
        _remember(self._known, client)

    def _missed(self, client: tuple[str, str | None], listener: str, told: str) -> None:
        del self._waiting[client]
        self._settle(client)
        if client[0] in self._hinted:
            return
        _remember(self._hinted, client[0])
        log.warning(
            "client %s from %s read Metadata but never came to %s, the address it was told there: if it cannot reach "
            "that, name one that it can with --advertise %s://HOST:PORT",
            client[1], client[0], told, listener,
        )  # fmt: skip


def _is_there_already(connection: Connection) -> bool:
    """Whether a client of this machine is connected to where it is told to go."""
    listener, local = connection.listener, connection.local_host
    return (
        connection.host == local
        and listener.advertised_port == listener.port
        and listener.advertised_host in (WILDCARD, local, "localhost")
    )


def _remember(table: dict[T, None], key: T) -> None:
    """Not everybody for ever: the one known longest is forgotten."""
    table[key] = None
    if len(table) > _MOST_REMEMBERED:
        del table[next(iter(table))]
