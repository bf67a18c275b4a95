"""What kind of life it will be, decided before it begins: the broker's configs, the network, and constants made small.

Real limits are generous, so that in a short life nothing would ever roll, be noted, run out or be told to wait. A plan
shrinks some of them, each life others.
"""

import random
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import kbroker.broker
import kbroker.catalog.catalog
import kbroker.catalog.machine
import kbroker.partitions.partition
import kbroker.runtime
import kbroker.server.memory
import storage.disk.handles
import storage.disk.journal
import storage.disk.log
import storage.disk.recovery
import storage.disk.replacement
import storage.disk.rewrite
from storage.engine import EngineOptions

from .patches import Patches

PORT = 9092
COUNTED: tuple[tuple[Any, str, str], ...] = (
    (storage.disk.replacement.Seal, "__init__", "segment sealed"),
    (storage.disk.rewrite.DiskRewrite, "commit", "log compacted"),
    (storage.disk.journal.Journal, "_write_anew", "journal written anew"),
    (storage.disk.recovery._Recovery, "_settle", "log recovered"),
    (storage.disk.handles.Handles, "_shrink", "file closed for another"),
    (kbroker.partitions.partition.Partition, "note", "producers noted"),
    (kbroker.partitions.partition.Partition, "_lost", "write lost by the disk"),
    (kbroker.runtime.Runtime, "_fail", "machine thrown away"),
    (kbroker.server.memory.Budget, "wait", "connection waited for memory"),
)
"""What is counted wherever it happens."""


@dataclass
class Plan:
    nodes: int
    syncs: bool
    """Loss of power takes what was not synced: only a broker that syncs may be asked to survive it."""
    slowest: float
    high_bytes: int
    settings: dict[str, str]
    segment_bytes: int
    catalog_segment_bytes: int
    note_batches: int
    block: int
    open_files: int
    prefix_bytes: int
    trouble: float
    """How likely a fault is at each of the moments at which one may come."""

    @classmethod
    def draw(cls, dice: random.Random) -> "Plan":
        syncs = dice.random() < 0.6
        settings = {
            "listeners": f"PLAINTEXT://127.0.0.1:{PORT}",
            "kbroker.debug.fill.buffers": "true",
            "kbroker.validate.records": dice.choice(("true", "false")),
            "kbroker.fsync": "true" if syncs else "false",
            "offsets.topic.num.partitions": dice.choice(("1", "3")),
            "group.min.session.timeout.ms": "100",
            "group.initial.rebalance.delay.ms": dice.choice(("0", "0", "100")),
            "max.incremental.fetch.session.cache.slots": dice.choice(("1", "1000")),
            "log.initial.task.delay.ms": dice.choice(("100", "30000")),
            "log.cleaner.dedupe.buffer.size": dice.choice(("134217728", "200")),
            "log.cleaner.backoff.ms": dice.choice(("200", "15000")),
            "log.cleaner.min.cleanable.ratio": dice.choice(("0.0", "0.5")),
            "log.cleaner.delete.retention.ms": dice.choice(("0", "86400000")),
            "queued.max.request.bytes": dice.choice(("2000", "100000000")),
        }
        return cls(
            nodes=dice.choice((1, 1, 2)),
            syncs=syncs,
            slowest=dice.choice((0.005, 0.02, 0.1)),
            high_bytes=dice.choice((1000, 65_536)),
            settings=settings,
            segment_bytes=dice.choice((300, 1500, 1 << 30)),
            catalog_segment_bytes=dice.choice((500, 1 << 24)),
            note_batches=dice.choice((3, 10, 4096)),
            block=dice.choice((1, 3, 1000)),
            open_files=dice.choice((5, 500)),
            prefix_bytes=dice.choice((200, 1 << 27)),
            trouble=dice.choice((0.3, 0.6)),
        )

    def apply(self, patches: Patches, hits: Counter[str]) -> None:
        for owner, name, what in COUNTED:
            _count(patches, owner, name, hits, what)
        partition, catalog = kbroker.partitions.partition, kbroker.catalog.catalog
        options_of = partition.log_options
        segment_bytes = self.segment_bytes

        def smaller(config: Any) -> Any:
            return replace(options_of(config), segment_bytes=segment_bytes)

        patches.set(partition, "log_options", smaller)
        patches.set(partition, "NOTE_BATCHES", self.note_batches)
        patches.set(catalog, "OPTIONS", replace(catalog.OPTIONS, segment_bytes=self.catalog_segment_bytes))
        patches.set(kbroker.catalog.machine, "BLOCK", self.block)
        patches.set(kbroker.broker, "EngineOptions", partial(EngineOptions, open_files=self.open_files))
        patches.set(storage.disk.log, "PREFIX_BYTES", self.prefix_bytes)
        patches.set(storage.disk.journal, "SPARE_LINES", 4)


def _count(patches: Patches, owner: Any, name: str, hits: Counter[str], what: str) -> None:
    def counted(*arguments: Any) -> Any:
        hits[what] += 1
        return really(*arguments)

    really = patches.set(owner, name, counted)
