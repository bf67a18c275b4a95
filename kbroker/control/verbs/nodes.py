"""The brokers of a cluster in one process: stopped, killed, hung, and started again.

A node that goes away takes no data along: there is one log of each partition. But what it had copied by then is
remembered, and whoever is elected without having copied everything cuts the log to what it has, as in Kafka.
"""

from __future__ import annotations

from kbroker.context import LocalNode
from kbroker.control.control import Control
from kbroker.control.shapes import Node
from kbroker.control.table import ControlError, verb
from kbroker.listeners import place
from kbroker.server import nodes as server_nodes

RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"


@verb
def list_(control: Control) -> list[Node]:
    """All of them: where they listen, how they are, how many partitions each leads."""
    return [_node(control, node) for node in control.broker.nodes]


@verb
def get(control: Control, node: int) -> Node:
    """One of them."""
    return _node(control, control.node(node))


@verb
async def stop(control: Control, node: int, elect: bool = True) -> Node:
    """Stop a broker in good order: others lead before it closes its connections; then its port refuses. With
    elect=False nobody notices that it is gone, until `notice` or a start."""
    found = _running(control, node)
    await control.cluster.catalog.run_node(node, False, elects=elect)
    found.is_stopped = True
    server_nodes.close(control.server, found)
    return _told(control, found)


@verb
async def kill(control: Control, node: int, elect: bool = True) -> Node:
    """Kill a broker: connections break in the middle of what they do, its port refuses, then others lead. With
    elect=False nobody notices, until `notice` or a start."""
    found = _running(control, node)
    found.is_stopped = True
    server_nodes.kill(control.server, found)
    await control.cluster.catalog.run_node(node, False, elects=elect)
    return _told(control, found)


@verb
async def pause(control: Control, node: int, elect: bool = False) -> Node:
    """Let a broker hang, as SIGSTOP does: it accepts connections and answers nobody. It leads on until somebody
    notices: with elect=True that is now."""
    found = _running(control, node)
    if found.is_paused:
        raise ControlError("refused", f"broker {node} is paused already")
    server_nodes.pause(control.server, found)
    if elect:
        await control.cluster.catalog.run_node(node, False)
    return _told(control, found)


@verb
async def notice(control: Control, node: int) -> Node:
    """The controller notices that a broker is gone or hangs: it leaves the in-sync replicas, and others lead."""
    found = control.node(node)
    if not (found.is_stopped or found.is_paused):
        raise ControlError("refused", f"broker {node} runs")
    await control.cluster.catalog.run_node(node, False)
    return _told(control, found)


@verb
async def start(control: Control, node: int) -> Node:
    """Start a broker that was stopped or killed, where it was, or let a paused one go on. It copies what it has missed
    and is in sync again; it leads what nobody leads, if it was in sync. Its fetch sessions are gone if it was
    stopped."""
    found = control.node(node)
    if not (found.is_stopped or found.is_paused):
        raise ControlError("refused", f"broker {node} runs")
    await revive(control, found)
    return _told(control, found)


@verb
async def restart(control: Control, node: int) -> Node:
    """Stop a broker in good order, and start it again."""
    await stop(control, node)
    return await start(control, node)


@verb
def advertise(control: Control, node: int, host: str, port: int) -> Node:
    """Tell clients from now on that they reach a broker there, on every listener. It listens where it did."""
    found = control.node(node)
    for listener in found.listeners.values():
        listener.advertised_host, listener.advertised_port = host, port
        control.cluster.catalog.members[node].endpoints[listener.name] = (host, port)
    control.cluster.catalog.memo.clear()
    return _told(control, found)


@verb
def move_rack(control: Control, node: int, rack: str | None = None) -> Node:
    """Let a broker stand in another rack, until it is started anew."""
    found = control.node(node)
    found.rack = control.cluster.catalog.members[node].rack = rack
    control.cluster.catalog.memo.clear()
    return _told(control, found)


async def revive(control: Control, node: LocalNode) -> None:
    """It listens before anybody is told of it."""
    catalog = control.cluster.catalog
    if node.is_stopped:
        await server_nodes.open_again(control.server, node)
        node.is_stopped = False
    if node.id not in catalog.nodes:
        await catalog.run_node(node.id, True)
    if node.is_paused:
        server_nodes.resume(control.server, node)


def _running(control: Control, node_id: int) -> LocalNode:
    node = control.node(node_id)
    if node.is_stopped:
        raise ControlError("refused", f"broker {node_id} is stopped already")
    return node


def _told(control: Control, node: LocalNode) -> Node:
    control.watch.tell()
    return _node(control, node)


def _node(control: Control, node: LocalNode) -> Node:
    catalog = control.cluster.catalog
    listeners = node.listeners.values()
    return Node(
        id=node.id,
        rack=node.rack,
        state=STOPPED if node.is_stopped else PAUSED if node.is_paused else RUNNING,
        bootstrap=",".join(place(each.advertised_host or "127.0.0.1", each.advertised_port) for each in listeners),
        leads=sum(each.leader == node.id for topic in catalog.topics() for each in topic.partitions),
        connections=len(server_nodes.connections(control.server, node)),
    )
