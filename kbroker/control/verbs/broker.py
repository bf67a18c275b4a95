"""The broker as a whole: what it is, everything at a glance, its configs while it runs, and its log."""

from __future__ import annotations

import os

from kbroker.catalog.state import BROKER
from kbroker.control import views
from kbroker.control.control import Control, accept
from kbroker.control.shapes import Connection, LogLine, Started, State
from kbroker.control.table import ControlError, verb
from kbroker.control.verbs import groups, topics, transactions
from kbroker.server.connection import Connection as LiveConnection
from kbroker.version import VERSION
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

SET, DELETE = 0, 1
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@verb
def info(control: Control) -> Started:
    """Where the broker is and what it is called."""
    return started(control)


def started(control: Control) -> Started:
    broker = control.broker
    return Started(
        bootstrap=",".join(broker.bound),
        cluster_id=broker.cluster.catalog.cluster_id,
        node_ids=[node.id for node in broker.nodes],
        pid=os.getpid(),
        version=VERSION,
        http=broker.http,
    )


@verb
async def state(control: Control, internal: bool = False) -> State:
    """Everything at a glance: topics, groups, transactions, connections, the time."""
    world = control.cluster.world
    return State(
        cluster_id=control.cluster.catalog.cluster_id,
        time_ms=world.time_ms(),
        frozen=bool(getattr(world, "is_frozen", False)),
        topics=await topics.list_(control, internal),
        groups=await groups.list_(control),
        transactions=await transactions.list_(control),
        connections=connections(control),
    )


@verb
def connections(control: Control) -> list[Connection]:
    """The clients that are connected now."""
    return [views.connection_of(each) for each in control.server.connections]


@verb
def disconnect(control: Control, connection: int | None = None, client_id: str | None = None) -> int:
    """Close connections at once: one by its number, those that have named this client id, or all. How many."""
    chosen = _chosen(control, connection, client_id)
    for each in chosen:
        each.drop("a test asked for it")
    return len(chosen)


def _chosen(control: Control, connection: int | None, client_id: str | None) -> list[LiveConnection]:
    return [
        each
        for each in list(control.server.connections)
        if connection in (None, each.id) and client_id in (None, each.client_id)
    ]


@verb
def half_open(control: Control, connection: int | None = None, client_id: str | None = None) -> int:
    """Let connections be half open: to the client they are there, but nobody reads or answers any more, as after a
    power failure or behind a firewall that has forgotten them. New ones work. How many they were; `disconnect` ends
    them."""
    chosen = _chosen(control, connection, client_id)
    for each in chosen:
        each.freeze()
    return len(chosen)


@verb
def log(control: Control, level: str = "INFO", limit: int = 200) -> list[LogLine]:
    """The newest lines of the broker's log, of this level (INFO, WARNING, ERROR) and above."""
    if level not in LEVELS:
        raise ControlError("argument", f"there is no level {level}; there are {', '.join(LEVELS)}")
    lines = [] if control.journal is None else control.journal.since(control.begun_ms)
    return [line for line in lines if LEVELS.index(line.level) >= LEVELS.index(level)][-limit:]


@verb
async def configure(control: Control, configs: dict[str, str | None]) -> None:
    """Set broker configs while the broker runs, those that Kafka can change then; null takes one back."""
    changes = [
        AlterableConfig(name=each, config_operation=DELETE if value is None else SET, value=value)
        for each, value in configs.items()
    ]
    name = str(control.node().id)
    resource = AlterConfigsResource(resource_type=BROKER, resource_name=name, configs=changes)
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=False)
    (result,) = (await control.ask(request)).responses
    accept(result.error_code, result.error_message)
