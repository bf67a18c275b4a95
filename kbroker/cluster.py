"""The parts of a broker as `broker.py` puts them together: what a handler asks with its request (`context.py`).

It is one for the process, shared by all of its nodes. Parts that only some clients need are made when they are first
asked for, by a `__getattr__`, which only a class that is not compiled has (hatch_build.py): hence a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kbroker.catalog import Catalog
    from kbroker.cleaner import Cleaner
    from kbroker.config import Config
    from kbroker.groups import Groups
    from kbroker.markers import Markers
    from kbroker.partitions import Partitions
    from kbroker.security.authorizer import Authorizer
    from kbroker.server.apis import Apis
    from kbroker.server.throttle import Throttle
    from kbroker.shares import Shares
    from kbroker.telemetry import Telemetry
    from kbroker.transactions import Transactions
    from kbroker.world import World
    from storage.engine import Engine


class Listening(Protocol):
    """What listeners show to clients, and can show anew while the broker runs."""

    def check(self, own: Mapping[str, str]) -> None:
        """Could they with these configs of the broker? Raises ConfigError."""

    def renew(self) -> None:
        """Read again what the configs name. Who connects from now on is shown that."""


class Cluster:
    """The parts of the broker as `broker.py` put them together. Those of `late` are made when they are first asked for:
    a start does not wait for what only some clients need.
    """

    __slots__ = ("apis", "authorizer", "catalog", "cleaner", "config", "data", "engine", "groups", "late",
                 "listening", "markers", "partitions", "shares", "telemetry", "throttle", "transactions",
                 "world")  # fmt: skip

    world: World
    config: Config
    data: str
    """Where the data is: a directory, or "memory"."""
    engine: Engine
    catalog: Catalog
    cleaner: Cleaner
    partitions: Partitions
    groups: Groups
    markers: Markers
    listening: Listening | None
    """None: no listener has anything that could change."""
    shares: Shares
    telemetry: Telemetry
    transactions: Transactions
    apis: Apis
    authorizer: Authorizer | None
    """None: everybody may do everything."""
    throttle: Throttle | None
    """None: nobody has a quota."""

    def __init__(self) -> None:
        self.authorizer = None
        self.listening = None
        self.throttle = None
        self.late: dict[str, Callable[[], object]] = {}

    def forget(self, parts: Iterable[str]) -> None:
        """Of parts that are made late: the next who asks makes new ones."""
        self.late.clear()
        for name in parts:
            try:
                delattr(self, name)
            except AttributeError:  # it was not made yet
                continue

    if not TYPE_CHECKING:  # every part is declared above

        def __getattr__(self, name):
            if name not in self.late:
                raise AttributeError(name)
            part = self.late.pop(name)()
            setattr(self, name, part)
            return part
