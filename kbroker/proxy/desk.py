"""What the control verbs of faults and requests have at hand where a proxy stands in the place of a broker.

They are the same verbs, acting through the same `control.faults` and `control.history`: here a request's handler is
the cluster, asked over the wire. What only a broker knows, a proxy does not: who a client has logged in as, what was
true a while ago. Names of topics and numbers of brokers it learns from the answers that go by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from kbroker.context import Listener, LocalNode
from kbroker.control.faults import Faults
from kbroker.control.history import History, Pending
from kbroker.control.shapes import Effect, Match, When
from kbroker.control.table import ControlError
from kbroker.control.watch import Watch
from kbroker.proxy.addresses import Place
from kbroker.server.apis import Entry
from kbroker.server.dispatch import Call
from kbroker.server.sessions import FetchSessions
from wire.errors import ProtocolError
from wire.header import decode_request_header
from wire.registry import APIS
from wire.schema import Response

if TYPE_CHECKING:
    import asyncio

    from kbroker.control.faults.plan import Plan
    from kbroker.world import World
    from wire.primitives import Buffer

METADATA = 3
UNKNOWN = -1
"""The number of a broker that nobody has named yet."""
NOUNS = frozenset(("faults", "requests"))
"""Whose verbs there are."""


class Topics:
    """The names and ids of topics, as Metadata has told them to anybody."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def learn(self, topics: Iterable[Any]) -> None:
        for topic in topics:
            if topic.name is not None:
                self._names[topic.topic_id] = topic.name

    def topic_by_id(self, topic_id: bytes) -> Any:
        name = self._names.get(topic_id)
        return None if name is None else SimpleNamespace(name=name, id=topic_id)

    def topic(self, name: str) -> Any:
        found = (id for id, known in self._names.items() if known == name)
        return SimpleNamespace(name=name, id=next(found, bytes(16)))

    def topics(self) -> list[Any]:
        return [SimpleNamespace(name=name, id=id) for id, name in self._names.items()]


class _NoEntries:
    """A table of APIs without handlers: nothing is put in their places, the relay asks before it passes on."""

    on_first_use: Callable[[Entry], object] | None = None

    def entries(self) -> list[Entry]:
        return []


class Upstream:
    """What of `context.Cluster` faults ask for."""

    authorizer = throttle = None

    def __init__(self, world: World) -> None:
        self.world = world
        self.catalog = Topics()
        self.apis = _NoEntries()


class ProxyFaults(Faults):
    """Those of a proxy: without what a proxy cannot know."""

    def install(self, name: str, match: Match, when: When, effect: Effect) -> Plan:
        if match.principal is not None:
            raise ControlError("argument", "a proxy does not know who a client has logged in as")
        if effect.stale:
            raise ControlError("argument", "a proxy does not keep what was true before")
        return super().install(name, match, when, effect)


class _Watch(Watch):
    """Everything that moves here is told by the desk."""

    def _attach(self) -> None:
        self._attached = True


class Peer:
    """A client's connection to one broker, for who asks after it: see `server.connection.Connection`."""

    principal = ""
    software_name = software_version = ""
    login = None

    def __init__(self, id: int, client: Place, broker: Place, transport: Any, world: World) -> None:
        self.id = id
        self.host, self.port = client
        self.local_host = ""
        self.broker = broker
        self.node = LocalNode(UNKNOWN)
        self.node.fetch_sessions = FetchSessions(0, world.random)  # none: they are the client's and the cluster's
        self.listener = Listener("", "", "", 0, "", 0)
        self.transport = transport
        self.world = world
        self.ended = ""
        self.done: asyncio.Future[None]

    def flush(self) -> None:
        """Everything is written at once."""

    def answered(self, call: Call) -> None:
        if not self.done.done():
            self.done.set_result(None)


class Desk:
    """One for each proxy. `history_bytes` of 0 remembers nothing."""

    house = None

    def __init__(self, world: World, history_bytes: int = 0) -> None:
        self.cluster = cast(Any, Upstream(world))
        self.watch = _Watch(self.cluster)
        self.listeners: list[Callable[[], object]] = []
        self.faults = ProxyFaults(self)  # type: ignore[arg-type]
        self._history: History | None = None
        self._entries: dict[int, Entry] = {}
        self._nodes: dict[Place, int] = {}
        self._numbers = count(1)
        if history_bytes:
            self._history = History(world, history_bytes)
            self._history.tell = self._told

    @property
    def recorded(self) -> History:
        if self._history is None:
            raise ControlError("missing", "this proxy remembers nothing: it was started without --http")
        return self._history

    def afflicted(self, call: Call, what: str) -> None:
        """A fault has met a request."""
        if call.seen is not None:
            call.seen.faults += (what,)
        self.watch.tell()

    def asked(self, peer: Peer, frame: bytes) -> Pending | None:
        """A request has come; what to tell `answered` with."""
        peer.node.id = self._nodes.get(peer.broker, UNKNOWN)
        if self._history is None:
            return None
        return self._history.asked(peer, frame)  # type: ignore[arg-type]

    def answered(self, seen: Pending | None, reply: bytes | None) -> None:
        """The request's answer has come, None where there is none."""
        if seen is None or self._history is None:
            return
        parts: list[Buffer] = [] if reply is None else [len(reply).to_bytes(4, "big"), reply]
        self._history.answered(seen, parts, "")

    def lost(self, peer: Peer, reason: str) -> None:
        """A connection has ended."""
        self.faults.lost(peer)  # type: ignore[arg-type]
        if self._history is not None:
            peer.ended = reason
            self._history.lost(peer)  # type: ignore[arg-type]

    def learn(self, response: Response) -> None:
        """What an answer, as the cluster gave it, says of topics and of brokers' numbers."""
        if response.__api_key__ == METADATA:
            told: Any = response
            self.cluster.catalog.learn(told.topics)
            self._nodes |= {(broker.host, broker.port): broker.node_id for broker in told.brokers}

    def met(self, call: Call) -> list[Plan]:
        """The faults that meet this request; each of them counts it."""
        faults = self.faults
        return [plan for plan in faults.plans.values() if plan.fits(call.request, call) and plan.meets(faults.marks)]

    def peer(self, client: Place, broker: Place, transport: Any) -> Peer:
        """A client that has connected to our port for this broker."""
        return Peer(next(self._numbers), client, broker, transport, self.cluster.world)

    def call(self, peer: Peer, frame: bytes, seen: Pending | None) -> Call:
        """The request that is in this frame, read. Raises ProtocolError."""
        key, version, correlation_id, client_id, offset = decode_request_header(frame)
        if not APIS[key].min_version <= version <= APIS[key].max_version:
            raise ProtocolError(f"{APIS[key].kafka_name} v{version} is not known here")
        entry = self._entries.get(key)
        if entry is None:
            api = APIS[key]
            entry = Entry(api, _nobody, api.request_class(), api.response_class())
            self._entries[key] = entry
        now = self.cluster.world.loop_time()
        call = Call(self.cluster, peer, frame, entry, client_id, version, correlation_id, now)  # type: ignore[arg-type]
        call.request, _ = entry.request_class.decode_from(frame, offset, version)
        call.seen = seen
        return call

    def _told(self) -> None:
        self.watch.tell()
        for listener in self.listeners:
            listener()


def _nobody(request: Any, ctx: Any) -> Any:
    raise AssertionError("the relay hands its own handler over")
