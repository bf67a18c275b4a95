"""Broker: the handle that a test holds.

    with Broker() as broker: ...                                  in memory, on a free port of 127.0.0.1
    async with Broker() as broker: ...                            the same
    with Broker(num_partitions=3, data=tmp_path) as broker: ...   any config of Kafka's; data on disk

Each has a process of its own, with its own modules and event loop, so many run side by side. It ends with the block,
and with the test's process, however that ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kbroker.control.plain import from_plain
from kbroker.control.shapes import Created, Started
from kbroker.testing.clients import client_config
from kbroker.testing.clock import Clock
from kbroker.testing.faults import Faults
from kbroker.testing.groups import text_of
from kbroker.testing.link import BrokerGone, ControlError, Extension, Line, Link
from kbroker.testing.partition import Partition
from kbroker.testing.scenario import Step, load, steps_of
from kbroker.testing.security import Rule, Security
from kbroker.testing.verbs import Verbs

HISTORY_BYTES = 32 << 20


class Broker(Verbs):
    """A broker that runs from `start` (or the beginning of a `with` block) to `close`.

    `configs` are Kafka's broker configs by their names; as keywords they are written with underscores
    (`num_partitions=3`). `topics` are made before anybody connects: names, or names with their numbers of partitions.
    `data` is a directory that keeps the data; without it everything is in memory. `port` 0 is a free one. `history` is
    whether requests are remembered. `brokers` is how many nodes there are. `seed` makes ids and chance repeatable.
    `emulate` is an older release whose versions it serves, "2.8" to "4.3".
    `tls`, `sasl` (a mechanism), `users` (with passwords) and `acls` are told of in `security.py`.
    """

    def __init__(
        self,
        configs: Mapping[str, object] | None = None,
        *,
        topics: Mapping[str, int] | Sequence[str] = (),
        data: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        history: bool = True,
        seed: int | None = None,
        brokers: int = 1,
        emulate: str | None = None,
        tls: bool = False,
        sasl: str | None = None,
        users: Mapping[str, str] | None = None,
        acls: Sequence[Rule] = (),
        **keywords: object,
    ) -> None:
        given = {name.replace("_", "."): value for name, value in keywords.items()} | dict(configs or {})
        self._security = Security.of(tls, sasl, users or {}, acls)
        texts = {"listeners": f"{self._security.protocol}://{host}:{port}", **self._security.configs()}
        texts |= {"kbroker.memory": "true"} if data is None else {"log.dirs": os.fspath(data)}
        texts |= {name: text_of(value) for name, value in given.items() if value is not None}
        self._emulated = emulate
        self._topics = topics if isinstance(topics, Mapping) else dict.fromkeys(topics, 1)
        remembered = HISTORY_BYTES if history else 0
        self._wish: dict[str, Any] = {"configs": texts, "history_bytes": remembered, "seed": seed, "nodes": brokers}
        self._wish["certificates"] = self._security.folder
        self._running: Line | None = None
        self._own: Link | None = None
        self.faults = Faults(lambda: self._link)
        self.clock = Clock(lambda: self._link)
        self._started: Started | None = None
        self._recording = ""

    @classmethod
    def from_recording(cls, path: str | os.PathLike[str], **arguments: Any) -> Self:
        """A broker with the topics and records that a recording of the wire has seen (`kbroker trace --record FILE`,
        `kbroker proxy --record FILE`); `arguments` are those of any broker. They are there once it has started."""
        broker = cls(**arguments)
        broker._recording = Path(path).read_text()
        return broker

    # --- from start to end --------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it; BrokerGone says why it does not. Ready when this returns."""
        if self._running is None:
            self._running = self._own = Link(self._wish)
            self._started = from_plain(Started, self._own.ready)
            if self._emulated is not None:
                self.emulate(self._emulated)
            for name, partitions in self._topics.items():
                self.create_topic(name, partitions)
            if self._recording:
                self.load_recording(self._recording)
            for rule in self._security.acls:
                self.allow(*rule)
        return self

    def close(self) -> None:
        """End it; harmless twice."""
        running, self._running, self._own = self._running, None, None
        if running is not None:
            running.close()
        self._security.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(error)
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._tell, error)
        await asyncio.to_thread(self.close)

    def _tell(self, error: BaseException | None) -> None:
        """An error that leaves the block has what the broker saw as a note, whichever way tests are run."""
        if isinstance(error, Exception) and self._running is not None:
            from kbroker.testing.report import report

            try:
                error.add_note(f"what the broker saw:\n{report(self)}")
            except (BrokerGone, ControlError):  # it was about that, then
                pass

    def another(
        self, configs: Mapping[str, object] | None = None, *, seed: int | None = None, **keywords: object
    ) -> Broker:
        """One more broker in the same process, with data, clock, faults, history and port of its own: it is there in
        milliseconds. It ends with `close`, or with this one."""
        if self._own is None:
            raise BrokerGone("only a broker with a process of its own makes another one in it")
        given = {name.replace("_", "."): value for name, value in keywords.items()} | dict(configs or {})
        texts = {name: text_of(value) for name, value in given.items() if value is not None}
        created: Created = self._ask(Created, "brokers.create", configs=texts, seed=seed).now()
        broker = Broker()
        broker._running = Extension(self._own, created.number)
        broker._started = created.broker
        return broker

    def play(self, scenario: str | os.PathLike[str] | Sequence[Step]) -> None:
        """Do what a scenario says, step by step: a file (`scenario.py` has its form), or steps of it."""
        steps = load(os.fspath(scenario)) if isinstance(scenario, str | os.PathLike) else scenario
        for verb, arguments in steps:
            self._ask(None, verb, **arguments).now()

    def scenario(self) -> list[dict[str, Any]]:
        """What this test has done to the broker until now, as a scenario that `play` takes from a file."""
        return steps_of(self._link.asked)

    def partition(self, topic: str, index: int = 0) -> Partition:
        """A partition: who leads it, and whether anybody does."""
        return Partition(lambda: self._link, topic, index)

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def bootstrap(self) -> str:
        """HOST:PORT, what clients call bootstrap.servers."""
        return self.info.bootstrap

    @property
    def cluster_id(self) -> str:
        return self.info.cluster_id

    @property
    def pid(self) -> int:
        """Of its process."""
        return self.info.pid

    @property
    def info(self) -> Started:
        if self._started is None:
            raise BrokerGone("the broker has not been started")
        return self._started

    @property
    def _link(self) -> Line:
        if self._running is None:
            raise BrokerGone("the broker has not been started" if self._started is None else "the broker was closed")
        return self._running

    def client_config(self, client: str, *, user: str | None = None) -> dict[str, Any]:
        """What a client of that library takes to connect, TLS and login included: "kafka-python", "aiokafka",
        "confluent", "librdkafka", "java", "spring", "kafkajs", "platformatic"."""
        return client_config(client, self._security.access(self.bootstrap, user))

    def name(self, text: str) -> str:
        """The name of a topic, group or transactional id: as it is. On a real Kafka a test's names get a prefix, so a
        test that shall run there too asks for them here."""
        return text

    def __repr__(self) -> str:
        where = "not started" if self._started is None else self.bootstrap + (" closed" if not self._running else "")
        return f"<Broker {where}>"
