"""What a handler knows besides the request: who asks, where, in which version - and the cluster that it asks about.

`Context` is made once per request, by `server/dispatch.py`, and handed to the handler: `def metadata(request, ctx)`.
`Cluster` (`cluster.py`) is what `broker.py` has composed. A handler reads a version only from `ctx.version`, and gives
it a name on its first lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from storage import mypyc_attr

if TYPE_CHECKING:
    from kbroker.catalog import Node
    from kbroker.cluster import Cluster
    from kbroker.security.login import Login
    from kbroker.server.listener import Doors
    from kbroker.server.sessions import FetchSessions

WILDCARD = ""  # the host of an endpoint that is answered with the local address of the connection that asks


class Listener:
    """One listener of a node by its name: where it listens, what is told to clients. Ports are the real ones."""

    __slots__ = ("advertised_host", "advertised_port", "host", "name", "port", "security_protocol")

    def __init__(
        self, name: str, security_protocol: str, host: str, port: int, advertised_host: str, advertised_port: int
    ) -> None:
        self.name = name
        self.security_protocol = security_protocol
        self.host = host
        self.port = port
        self.advertised_host = advertised_host
        self.advertised_port = advertised_port


class LocalNode:
    """The node that took the request; one process may hold several. `catalog.nodes[id]` is what the cluster knows."""

    __slots__ = ("doors", "fetch_sessions", "id", "is_paused", "is_stopped", "listeners", "rack")

    fetch_sessions: FetchSessions
    doors: list[Doors]
    """What it listens on."""
    is_paused: bool
    """Whether it accepts connections and answers nobody, as a process that hangs does."""
    is_stopped: bool
    """Whether it refuses them."""

    def __init__(self, id: int, rack: str | None = None) -> None:
        self.id = id
        self.rack = rack
        self.listeners: dict[str, Listener] = {}
        self.doors = []
        self.is_paused = self.is_stopped = False


class Peer(Protocol):
    """What a handler may know of the connection."""

    id: int
    host: str
    port: int
    local_host: str
    principal: str
    login: Login | None
    """How the client logs in, or has; None on a listener without SASL."""
    software_name: str
    software_version: str


class Later:
    """What a handler returns that will call `ctx.answer` in a later turn of the loop, or from a callback."""


LATER = Later()


@mypyc_attr(allow_interpreted_subclasses=True)
class Context:
    """One request's surroundings. `arrived_at` is loop time, in seconds."""

    __slots__ = (
        "api_key",
        "arrived_at",
        "client_id",
        "cluster",
        "connection",
        "correlation_id",
        "listener",
        "node",
        "throttle_ms",
        "version",
        "when_gone",
    )

    def __init__(
        self,
        cluster: Cluster,
        node: LocalNode,
        listener: Listener,
        connection: Peer,
        client_id: str | None,
        api_key: int,
        version: int,
        correlation_id: int,
        arrived_at: float,
    ) -> None:
        self.cluster = cluster
        self.node = node
        self.listener = listener
        self.connection = connection
        self.client_id = client_id
        self.api_key = api_key
        self.version = version
        self.correlation_id = correlation_id
        self.arrived_at = arrived_at
        self.throttle_ms = 0
        self.when_gone: Callable[[], object] | None = None
        """Called when the connection ends before the answer; who waits for others sets it, and answers then."""

    def authorize(self, operation: str, resource_type: str, names: Sequence[str]) -> list[bool]:
        """May the principal do this with each of the named resources? Which request asks what: `security/rights.py`."""
        authorizer = self.cluster.authorizer
        if authorizer is None:
            return [True] * len(names)
        return authorizer.may(self.connection.principal, self.connection.host, operation, resource_type, names)

    def authorize_any(self, operation: str, resource_type: str) -> bool:
        """May the principal do this with any resource of the type, be there one or not?"""
        authorizer = self.cluster.authorizer
        if authorizer is None:
            return True
        return authorizer.may_any(self.connection.principal, self.connection.host, operation, resource_type)

    def answer(self, response: Any) -> None:
        """The answer of a handler that has returned LATER, and not before it has: the response, None where nothing is
        sent, or the exception. The short way for what is asked tens of thousands of times a second: no future and no
        turn of the loop lie between the handler and the reply (2 us). What it does is in `server/dispatch.py: Call`."""

    def throttle(self, milliseconds: int) -> None:
        """Tell the client to wait (throttle_time_ms), and read nothing more from it for that long (KIP-219)."""
        self.throttle_ms = max(self.throttle_ms, milliseconds)

    def endpoint(self, node_id: int) -> tuple[str, int] | None:
        """Where this client reaches that live node, as `endpoint_of`."""
        node = self.cluster.catalog.nodes.get(node_id)
        return None if node is None else self.endpoint_of(node)

    def endpoint_of(self, node: Node) -> tuple[str, int] | None:
        """Where this client reaches a node: by the listener that it came in on. None: the node has no such listener.

        A listener on all addresses without an advertised one is answered with the address that this connection was
        accepted on.
        """
        found = node.endpoints.get(self.listener.name)
        if found is None:
            return None
        host, port = found
        return host if host != WILDCARD else self.connection.local_host, port
