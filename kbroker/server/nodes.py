"""One node of a process that holds several: it stops, dies, hangs and comes back, while the others go on.

What is seen from outside is what a broker's process would show: a stopped one refuses connections and keeps its port, a
killed one drops them in the middle of an answer, a paused one accepts them and says nothing. Who leads what meanwhile
is for the catalog to decide (`catalog/outages.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kbroker.server.sessions import FetchSessions

if TYPE_CHECKING:
    from kbroker.context import LocalNode
    from kbroker.server.connection import Connection
    from kbroker.server.server import Server


def connections(server: Server, node: LocalNode) -> list[Connection]:
    """Those that clients have to this node."""
    return [each for each in server.connections if each.node is node and not each.closing]


def close(server: Server, node: LocalNode) -> None:
    """Refuse everybody, and let go of who is there; what has been written to them is still sent."""
    _shut(node)
    for connection in connections(server, node):
        connection.end()


def kill(server: Server, node: LocalNode) -> None:
    """Refuse everybody, and break off what is under way."""
    _shut(node)
    for connection in connections(server, node):
        connection.drop(f"broker {node.id} was killed")


def pause(server: Server, node: LocalNode) -> None:
    """Answer nobody."""
    node.is_paused = True
    for connection in connections(server, node):
        connection.freeze()


def resume(server: Server, node: LocalNode) -> None:
    """Answer again, first what was asked meanwhile."""
    node.is_paused = False
    for connection in connections(server, node):
        connection.thaw()


async def open_again(server: Server, node: LocalNode) -> None:
    """Listen again, where it did, and know nothing of clients that were there."""
    slots = server.dispatcher.cluster.config["max.incremental.fetch.session.cache.slots"]
    node.fetch_sessions = FetchSessions(slots, server.world.random)
    for doors in node.doors:
        await doors.open_again()


def _shut(node: LocalNode) -> None:
    node.is_paused = False
    for doors in node.doors:
        doors.close(keeps_port=True)
