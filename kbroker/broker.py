"""The composition root: what a broker is made of, in which order it comes up, and how it goes down.

    bind the sockets       a port in use is found before anything is touched
    open the engine        the lock, the format and the identity of the data; recovery
    catalog                its log is read
    transactions           what was decided before the last stop is told to the partitions
    serve                  from here on clients are accepted

Groups, transactions and the cleaner are made, and imported, when somebody needs them: to the first client of a fresh
broker they would only be time.

The parts meet here and nowhere else: what one needs of another is handed over below. One process may hold several
nodes; they share everything but their id and their listeners, and every handler asks the catalog which of them leads.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from kbroker.catalog import Catalog, Change, NewTopic, Node, TopicCreated, TopicDeleted
from kbroker.catalog.log import CATALOG
from kbroker.catalog.state import CLIENT_METRICS
from kbroker.cluster import Cluster
from kbroker.config import Config
from kbroker.listeners import ListenerSpec, for_node, listener_of, listeners, parse_address
from kbroker.nodes import for_several, local_nodes
from kbroker.partitions import Partitions
from kbroker.server.apis import Apis
from kbroker.server.listener import bind, received
from kbroker.server.server import Server
from kbroker.server.sessions import FetchSessions
from kbroker.world import RealWorld
from storage.engine import Engine, EngineOptions, Identity, StorageError
from storage.open import open_engine
from wire.errors import KafkaError
from wire.primitives import uuid_text

if TYPE_CHECKING:
    from kbroker.cleaner import Cleaner
    from kbroker.control.control import Control
    from kbroker.groups import Groups
    from kbroker.http.door import HttpDoor
    from kbroker.machine import Producer
    from kbroker.markers import Markers
    from kbroker.security.authorizer import Authorizer
    from kbroker.server.guards import Guard, Guards
    from kbroker.server.listener import Doors
    from kbroker.settings import Seed
    from kbroker.shares import Shares
    from kbroker.telemetry import Telemetry
    from kbroker.transactions import Transactions
    from kbroker.transactions.coordinator import Admission
    from kbroker.world import World

log = logging.getLogger("kbroker.broker")

MEMORY = "memory:"
_LATE = ("cleaner", "groups", "markers", "shares", "transactions")  # made at their first use
PLAINTEXT = "PLAINTEXT"

# What is finalized (KIP-584): clients act on these levels.
FEATURES = {
    "eligible.leader.replicas.version": 1,
    "group.version": 1,
    "kraft.version": 1,
    "metadata.version": 33,
    "share.version": 2,
    "streams.version": 1,
    "transaction.version": 2,
}


class CannotStart(Exception):
    """Why a broker cannot start, in one clear sentence."""


class Broker:
    """A broker of one or more nodes. `start`, then `bound` says where it listens, then `stop`."""

    def __init__(
        self,
        config: Config,
        *,
        world: World | None = None,
        nodes: int | None = None,
        engine_url: str | None = None,
        topics: Sequence[Seed] = (),
    ) -> None:
        """`topics` are made at the start where they are not there. `nodes` is kbroker.brokers, unless it is given."""
        count: int = nodes or config["kbroker.brokers"]
        self.config = config = for_several(config, count) if count > 1 else config
        self.cluster = Cluster()
        self.bound: list[str] = []
        self.is_serving = False
        """Whether clients are accepted."""
        self._world = world
        self._specs = listeners(config)
        self.nodes = local_nodes(config, count)
        self._url = engine_url or engine_url_of(config)
        self._seeds = topics
        self._engine: Engine | None = None
        self._server: Server | None = None
        self._guards: Guards | None = None
        self._http: HttpDoor | None = None
        self.control: Control | None = None
        self._started: list[str] = []

    async def start(self) -> None:
        """Come up; raises CannotStart, CannotListen or StorageError, and leaves nothing behind then."""
        cluster = self.cluster
        cluster.config = self.config
        cluster.data = self.data
        cluster.world = self._world or self._make_world()
        cluster.apis = Apis()
        try:
            await self._bind()
            cluster.engine = await self.open_engine()
            await self._compose()
            await self._plant()
            if self._http is not None:
                await self._http.open(self._make_control())
            for doors in self._doors():
                await doors.serve()
            self.is_serving = True
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Go down in good order: nobody is accepted, what is under way ends, everything that saves time is saved."""
        self.is_serving = False
        if self.control is not None and self.control.house is not None:
            await self.control.house.close()
        for doors in self._doors():
            doors.close()
        if self._server is not None:
            await self._server.stop()
        try:
            await self._stop_parts()
        finally:
            if self._engine is not None:
                await self._engine.close()
            if self._http is not None:
                await self._http.close()
            self._server, self._engine, self._http = None, None, None
            for node in self.nodes:
                node.doors = []
            self._guards = None

    async def _stop_parts(self) -> None:
        if "transactions" in self._started:
            await self.cluster.transactions.stop()
        if "shares" in self._started:
            await self.cluster.shares.stop()
        if "groups" in self._started:
            await self.cluster.groups.stop()
        if "cleaner" in self._started:
            await self.cluster.cleaner.close()
        if "partitions" in self._started:
            await self.cluster.partitions.close()
        try:
            if "catalog" in self._started:
                await self.cluster.catalog.stop()
        finally:
            self._started = []

    async def begin_anew(self, change: Callable[[Engine], Awaitable[Engine]], first_leader_epoch: int) -> None:
        """Forget everything that is known, let go of every client, and begin again with what `change` makes of the
        data. The ports stay; who connects meanwhile is served when it is done."""
        self.server.pause()
        try:
            for connection in list(self.server.connections):
                connection.drop("the broker begins anew")
            await self._stop_parts()
            self.cluster.engine = self._engine = await change(self.cluster.engine)
            self.cluster.forget(_LATE)
            await self._compose(first_leader_epoch)
            await self._plant()
        finally:
            self.server.go_on()

    def _doors(self) -> list[Doors]:
        return [doors for node in self.nodes for doors in node.doors]

    async def _plant(self) -> None:
        """The topics to begin with; those that are there stay as they are."""
        catalog = self.cluster.catalog
        new = [seed for seed in self._seeds if catalog.topic(seed.name) is None]
        if not new:
            return
        wanted = [NewTopic(seed.name, seed.partitions, configs=tuple(seed.configs.items())) for seed in new]
        for seed, made in zip(new, await catalog.create_topics(wanted), strict=True):
            if isinstance(made, KafkaError):
                raise CannotStart(f"the topic {seed.name} cannot be made: {made}")

    @property
    def server(self) -> Server:
        """What all connections share, between start and stop."""
        assert self._server is not None
        return self._server

    @property
    def http(self) -> str:
        """Where the HTTP door is; empty without one."""
        return "" if self._http is None else self._http.place

    @property
    def data(self) -> str:
        """Where the data is, for people: "memory" or the directory."""
        return "memory" if self._url == MEMORY else self._url.removeprefix("file://")

    async def _bind(self) -> None:
        """Bind every listener of every node. The server that answers them is made with them, and serves nobody yet."""
        self._server = Server(self.cluster)
        if self.config["kbroker.http"]:
            self._http = self._http_door()
        loop = asyncio.get_running_loop()
        backlog = self.config["socket.listen.backlog.size"]
        for index, node in enumerate(self.nodes):
            for spec in for_node(self._specs, index):
                listener = listener_of(spec)
                guard = None if spec.security_protocol == PLAINTEXT else self._guard(spec)
                gate = None if guard is None else guard.gate
                make = received(self.server.connection(node, listener, gate))
                doors = await bind(loop, spec, make, backlog, guard)
                listener.port = doors.port
                listener.advertised_port = spec.advertised_port or doors.port
                node.listeners[spec.name] = listener
                node.doors.append(doors)
                self.bound += doors.places

    def _guard(self, spec: ListenerSpec) -> Guard:
        """What a listener has that not everybody may pass; nothing of it is imported for others."""
        from kbroker.server.guards import Guards

        if self._guards is None:
            self._guards = self.cluster.listening = Guards(self.cluster, self.server.dispatcher)
        return self._guards.of(spec)

    def _http_door(self) -> HttpDoor:
        """With it requests are counted."""
        from kbroker.http.door import HttpDoor, NoDoor
        from kbroker.server.metered import count_replies

        address = parse_address(self.config["kbroker.http"], "kbroker.http")
        metrics = count_replies(self.cluster, self.server.dispatcher)
        try:
            return HttpDoor(self, metrics, (address.host, address.port), self.config["kbroker.http.token"])
        except NoDoor as error:
            raise CannotStart(str(error)) from None

    def _make_world(self) -> World:
        """A world whose time is in somebody's hand, where the control verbs are on."""
        if not self.config["kbroker.control"]:
            return RealWorld(asyncio.get_running_loop())
        from kbroker.control.world import ControlledWorld

        return ControlledWorld(asyncio.get_running_loop())

    def _make_control(self) -> Control | None:
        """What the HTTP door's verbs act on, where they are on."""
        if self.config["kbroker.control"]:
            from kbroker.control.control import Control

            self.control = Control(self, history_bytes=self.config["kbroker.control.history.bytes"])
        return self.control

    async def open_engine(self) -> Engine:
        """An engine over the data as it lies there."""
        world = self.cluster.world
        asked = Identity(uuid_text(world.uuid()), self.nodes[0].id)
        options = EngineOptions(identity=asked, fsync=self.config["kbroker.fsync"])
        engine = open_engine(self._url, files=world.files, now=world.time_ms, options=options, at=world.at)
        await engine.open()
        self._engine = engine
        found = engine.identity.node_id
        if found != asked.node_id and (self.config.is_set("node.id") or self.config.is_set("broker.id")):
            raise CannotStart(f"the data in {self.data} belongs to node {found}, but node.id is {asked.node_id}")
        for index, node in enumerate(self.nodes):
            node.id = found + index
        return engine

    async def _compose(self, first_leader_epoch: int = 0) -> None:
        cluster, config, world, engine = self.cluster, self.config, self.cluster.world, self.cluster.engine
        nodes = {
            node.id: Node(
                node.id,
                node.rack,
                {name: (one.advertised_host, one.advertised_port) for name, one in node.listeners.items()},
            )
            for node in self.nodes
        }
        cluster.catalog = Catalog(
            engine,
            world,
            config,
            nodes=nodes,
            cluster_id=engine.identity.cluster_id,
            features=FEATURES,
            first_leader_epoch=first_leader_epoch,
        )
        cluster.partitions = Partitions(
            engine,
            world,
            producer_expiration_ms=config["producer.id.expiration.ms"],
            every_record=config["kbroker.validate.records"],
        )
        for node in self.nodes:
            node.fetch_sessions = FetchSessions(config["max.incremental.fetch.session.cache.slots"], world.random)
        cluster.catalog.subscribe(self._changed)
        cluster.catalog.on_configured(self._configured)
        cluster.partitions.on_growth = lambda log: cluster.cleaner.grown(log)
        for make in (self._cleaner, self._groups, self._markers, self._shares, self._telemetry, self._transactions):
            cluster.late[make.__name__.removeprefix("_")] = make
        cluster.authorizer = _authorizer(config)
        cluster.catalog.on_rules(self._rules_changed)
        cluster.catalog.on_nodes(self._nodes_changed)
        self._started += ["partitions", "catalog"]
        try:
            await cluster.catalog.start()
        except KafkaError as error:
            raise CannotStart(f"the catalog in {self.data} cannot be read and written; the log says why") from error
        if self.config.is_set("kbroker.scram.users"):
            from kbroker.server.scram_users import add_scram_users

            await add_scram_users(cluster)
        self._configured()
        if self._guards is not None:
            self._guards.renew()
        self._rules_changed()
        if cluster.catalog.topic("__transaction_state") is not None:
            cluster.transactions.resume()
        if cluster.catalog.topics():
            cluster.cleaner.start()

    # --- what is made at its first use --------------------------------------------------------------------------------

    def _cleaner(self) -> Cleaner:
        from kbroker.cleaner import Cleaner

        cluster = self.cluster
        self._started.append("cleaner")
        return Cleaner(cluster.engine, cluster.world, self.config, cluster.catalog, cluster.partitions, CATALOG)

    def _groups(self) -> Groups:
        from functools import partial

        from kbroker.groups import Groups
        from kbroker.internal_topics import make_internal_topics

        cluster = self.cluster
        self._started.append("groups")
        make = partial(make_internal_topics, cluster.catalog, cluster.world)
        groups = Groups(self.config, cluster.world, cluster.catalog, cluster.partitions, self._admit, make)
        groups.share_states = lambda: cluster.shares
        return groups

    def _markers(self) -> Markers:
        from kbroker.markers import Markers

        cluster = self.cluster
        return Markers(cluster.catalog, cluster.partitions, cluster.groups)

    def _shares(self) -> Shares:
        from kbroker.share_groups import make_shares

        self._started.append("shares")
        return make_shares(self.cluster, self.server)

    def _telemetry(self) -> Telemetry:
        from kbroker.telemetry import Telemetry

        catalog = self.cluster.catalog

        def wanted() -> Mapping[str, Mapping[str, str]]:
            return {name: catalog.overrides(CLIENT_METRICS, name) for name in catalog.configured(CLIENT_METRICS)}

        return Telemetry(wanted, self.config["telemetry.max.bytes"])

    def _transactions(self) -> Transactions:
        from kbroker.transactions import Transactions

        cluster, catalog = self.cluster, self.cluster.catalog
        self._started.append("transactions")
        return Transactions(self.config, cluster.world, catalog, cluster.partitions, catalog, cluster.markers)

    def _configured(self) -> None:
        """Broker configs are others, or were so before this start. Who reads the config each time needs no word."""
        self.server.configure(self.config)
        self.cluster.partitions.expire_producers_after(self.config["producer.id.expiration.ms"])

    def _rules_changed(self) -> None:
        """Access rules or quotas are others, or were so before this start."""
        if self.cluster.authorizer is not None:
            self.cluster.authorizer.rules_changed(self.cluster.catalog.acls)
        self.server.limit(self.cluster.catalog.quotas)

    def _nodes_changed(self) -> None:
        """Other nodes are live. What follows from it for partitions is told of each."""
        cluster = self.cluster
        cluster.partitions.nodes_away(cluster.catalog.members.keys() - cluster.catalog.nodes.keys())
        for topic in cluster.catalog.topics():
            cluster.partitions.changed(topic)

    def _admit(
        self, transactional_id: str, producer: Producer, partitions: Collection[tuple[str, int]], raises_epochs: bool
    ) -> Admission | asyncio.Future[Admission]:
        """Groups and transactions need each other; groups are there first."""
        return self.cluster.transactions.admit(transactional_id, producer, partitions, raises_epochs)

    def _changed(self, change: Change) -> None:
        """What the catalog has decided, partitions follow, and the cleaner."""
        self.cluster.cleaner.grown(CATALOG)
        if isinstance(change, TopicDeleted):
            self.cluster.partitions.drop(change.topic)
        elif not isinstance(change, TopicCreated):
            self.cluster.partitions.changed(change.topic)
            self.cluster.cleaner.changed(change.topic)


def _authorizer(config: Config) -> Authorizer | None:
    """Who decides what clients may do; nobody asks if there is none."""
    if not config["authorizer.class.name"]:
        return None
    from kbroker.security.authorizer import Authorizer, super_users

    try:
        admins = super_users(config["super.users"])
    except ValueError as error:
        raise CannotStart(str(error)) from None
    return Authorizer(super_users=admins, allow_if_no_acl=config["allow.everyone.if.no.acl.found"])


def engine_url_of(config: Config) -> str:
    """Which engine the config asks for."""
    if config["kbroker.memory"]:
        return MEMORY
    name = "log.dirs" if config.is_set("log.dirs") else "log.dir"
    directories: tuple[str, ...] = config[name]
    if len(directories) != 1:
        raise CannotStart(f"{name} has {len(directories)} directories, but this broker keeps its data in one")
    return "file://" + os.path.abspath(os.path.expanduser(directories[0])).replace(os.sep, "/")


__all__ = ["Broker", "CannotStart", "StorageError"]
