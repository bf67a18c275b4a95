"""A desk at which handlers are asked in any version, as over a connection: all that passes goes through the codec."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

from kbroker.catalog import Catalog, Node
from kbroker.cluster import Cluster
from kbroker.config import Config
from kbroker.context import LATER, Context, Listener, LocalNode
from kbroker.server.apis import Apis
from kbroker.server.errors import error_response
from storage.engine import EngineOptions, Identity
from storage.open import open_engine
from tests.kbroker.virtual import VirtualWorld, run
from wire.errors import KafkaError
from wire.registry import APIS
from wire.schema import Request

KEYS = {api.name: api.key for api in APIS.values()}


class Strict(Context):
    """A context whose principal may not do what `denied` holds: (operation, resource type, name). An answer that comes
    later is waited for by a future.
    """

    __slots__ = ("answered", "denied")
    denied: set[tuple[str, str, str]]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def answer(self, response: Any) -> None:
        if self.answered.cancelled():  # a test that waits no longer
            return
        if isinstance(response, Exception):
            self.answered.set_exception(response)
        else:
            self.answered.set_result(response)

    def authorize(self, operation: str, resource_type: str, names: Sequence[str]) -> list[bool]:
        return [(operation, resource_type, name) not in self.denied for name in names]

    def authorize_any(self, operation: str, resource_type: str) -> bool:
        return (operation, resource_type, "*") not in self.denied


class Desk:
    """A cluster of some nodes, listening at host n, port 9000 + n."""

    features: Mapping[str, int] = {}

    def __init__(self, world: VirtualWorld, nodes: Sequence[int], config: Mapping[str, str]) -> None:
        self.world = world
        self.denied: set[tuple[str, str, str]] = set()
        cluster = self.cluster = Cluster()
        cluster.world = world
        cluster.config = Config(dict(config))
        cluster.data = "memory"
        cluster.apis = Apis()
        cluster.engine = open_engine(
            "memory:", files=None, now=world.time_ms, options=EngineOptions(Identity("the-cluster", 1))
        )
        places = {node: Node(node, f"rack{node}", {"PLAINTEXT": (f"host{node}", 9000 + node)}) for node in nodes}
        cluster.catalog = Catalog(
            cluster.engine, world, cluster.config, nodes=places, cluster_id="the-cluster", features=self.features
        )
        cluster.groups = SimpleNamespace(coordinator=lambda group_id: len(group_id) % 50)  # type: ignore[assignment]
        cluster.shares = SimpleNamespace(coordinator=lambda name: len(name) % 50)  # type: ignore[assignment]
        cluster.transactions = SimpleNamespace(coordinator=lambda name: len(name) % 50)  # type: ignore[assignment]

    async def start(self) -> "Desk":
        await self.cluster.engine.open()
        await self.cluster.catalog.start()
        return self

    async def ask(self, request: Request, version: int, *, node: int | None = None) -> Any:
        """The response as a client of that version reads it; errors are put into it as the dispatcher does."""
        api = APIS[request.__api_key__]
        read = type(request).decode(request.encode(version), version)
        entry = self.cluster.apis.entry(api.key)
        assert entry is not None
        try:
            ctx = self.context(api.key, version, node)
            response = entry.handler(read, ctx)
            if response is LATER:
                response = await ctx.answered
            elif isawaitable(response):
                response = await response
        except KafkaError as error:
            response = error_response(entry.response_class, read, version, error.code, error.message)
        return entry.response_class.decode(response.encode(version), version)

    def context(self, key: int, version: int, node: int | None = None) -> Strict:
        listener = Listener("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9092, "127.0.0.1", 9092)
        here = LocalNode(node or min(self.cluster.catalog.nodes))
        peer = SimpleNamespace(local_host="10.0.0.7")
        ctx = Strict(self.cluster, here, listener, peer, "a-client", key, version, 1, 0.0)  # type: ignore[arg-type]
        ctx.denied = self.denied
        return ctx


def at_a_desk(
    test: Callable[[Desk], Any], *, nodes: Sequence[int] = (1,), config: Mapping[str, str] | None = None
) -> None:
    """Run a test at a desk of its own."""

    async def whole(world: VirtualWorld) -> None:
        await test(await Desk(world, nodes, config or {}).start())

    run(whole)


def versions(name: str) -> range:
    """All versions that clients may use."""
    api = APIS[KEYS[name]]
    return range(api.min_version, api.max_version + 1)


def together(*awaitables: Any) -> Any:
    return asyncio.gather(*awaitables)
