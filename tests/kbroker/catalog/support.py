"""A catalog's machine by hand: step, apply, look."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from kbroker.catalog.events import Start
from kbroker.catalog.machine import CatalogMachine
from kbroker.config import Config
from kbroker.machine import Batch, Loaded, Origin, Record, Ticket
from wire.durable.codec import decode_key, decode_value, encode_key, encode_value

CLUSTER = "a-cluster"


class Life:
    """One process after another over the same records."""

    def __init__(self, nodes: tuple[int, ...] = (1,), config: Mapping[str, str] | None = None) -> None:
        self.nodes = nodes
        self.config = Config(dict(config or {}))
        self.log: list[tuple[bytes, bytes | None]] = []
        self.rng = Random(4)
        self.tasks: list[tuple[type, object]] = []
        self.written = 0
        self.machine = CatalogMachine(self.config, nodes)
        self.boot()

    def boot(self, nodes: tuple[int, ...] | None = None, features: Mapping[str, int] | None = None) -> None:
        """A new process reads the log and starts. Without a Stop before, the last one ended uncleanly."""
        self.nodes = nodes or self.nodes
        self.machine = self.replayed()
        self.machine.step(Loaded(0), 0, self.rng)
        racks = dict.fromkeys(self.nodes)
        self.ask(lambda ticket: Start(ticket, CLUSTER, racks, features or {}))

    def replayed(self, *, compacted: bool = False) -> CatalogMachine:
        machine = CatalogMachine(self.config, self.nodes)
        last = {key_bytes: offset for offset, (key_bytes, _) in enumerate(self.log)}
        for offset, (key_bytes, value_bytes) in enumerate(self.log):
            if compacted and offset < last[key_bytes]:
                continue
            key = decode_key(key_bytes)
            assert key is not None
            value = None if value_bytes is None else decode_value(key, value_bytes)
            machine.apply(Record(key, value), Origin(offset, 0))
        return machine

    def ask(self, make_event: Callable[[Ticket], object]) -> Any:
        ticket = Ticket(1)
        effects = self.machine.step(make_event(ticket), 0, self.rng)
        self.written = 0
        for batch in effects.batches:
            assert isinstance(batch, Batch)
            for record in batch.records:
                self.write(record)
        self.tasks = told(*effects.tasks)
        (reply,) = effects.replies
        return reply.response

    def write(self, record: Record) -> None:
        value = None if record.value is None else encode_value(record.value, record.version)
        self.log.append((encode_key(record.key), value))
        self.machine.apply(record, Origin(len(self.log) - 1, 0))
        self.written += 1

    def epochs(self) -> dict[tuple[bytes, int], int]:
        return {
            (topic.id, index): partition.leader_epoch
            for topic in self.machine.by_id.values()
            for index, partition in enumerate(topic.partitions)
        }


def told(*changes: object) -> list[tuple[type, object]]:
    """Changes beside their types: two tuples of different types may be equal."""
    return [(type(change), change) for change in changes]


def state(machine: CatalogMachine) -> object:
    """What must be the same after a replay, also of a compacted log."""
    topics = [
        (topic.name, topic.id, topic.partitions, topic.overrides, topic.config.overrides)
        for topic in machine.sorted_topics()
    ]
    return (
        topics, set(machine.by_id), machine.nodes, machine.features, machine.cluster_id, machine._folded,
        machine.next_block, machine.configs, machine.registers.users, machine.registers.quotas,
        machine.registers._levels, machine.registers.offered, machine.registers.tokens,
    )  # fmt: skip
