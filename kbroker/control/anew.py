"""Beginning anew: reset, snapshot and restore.

All three are one thing: the data is changed under a broker that stands still, and everything that is known is read from
it again (`Broker.begin_anew`), as at a start. Clients are let go of; ports stay.

Data comes back, counters never do. What has been told to clients once is not told again for something else:

    leader epochs          every partition that comes back, and every new one, is above all that there were
    producer ids           handed out from where they were
    the features' epoch    above what it was
    generations            of a group that comes back: above its own, and nobody is in it
    transactional ids      keep producer id and epoch, so that an idle producer goes on; what was open is aborted

In memory a snapshot shares the bytes with the log. On disk it is a copy of the files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from kbroker.catalog.log import CATALOG, OPTIONS
from kbroker.catalog.machine import CatalogMachine
from kbroker.control import views
from kbroker.control.counters import Counters, catalog_records, group_records, transaction_records
from kbroker.control.settling import made
from kbroker.control.storage import WatchedFiles, forget_unsynced, unsynced_bytes
from kbroker.control.table import ControlError
from kbroker.control.verbs.nodes import revive
from kbroker.groups.machine import GroupsMachine
from kbroker.machine import Batch, Machine, Record
from kbroker.machine_log import build, encode, replay
from kbroker.transactions.machine import TransactionsMachine
from storage.engine import Appended, Engine, Read, Write
from storage.memory import Log as MemoryLog
from storage.memory import MemoryEngine
from wire.batch import batches, stamp
from wire.durable.codec import GROUPS, TRANSACTIONS, Types

if TYPE_CHECKING:
    from kbroker.control.control import Control

OFFSETS, TRANSACTION_STATE = "__consumer_offsets", "__transaction_state"
READ_BYTES = 1 << 20


class Kept(NamedTuple):
    """A snapshot: logs of the engine in memory, or a directory."""

    logs: Mapping[str, MemoryLog] | None
    directory: str


class Anew:
    """What a broker has kept, and its counters over all its lives."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._counters = Counters()
        self._kept: dict[int, Kept] = {}
        self._last = 0

    # --- the three ----------------------------------------------------------------------------------------------------

    async def snapshot(self) -> int:
        """Keep what there is; the number to bring it back by."""
        engine = self._control.cluster.engine
        self._last += 1
        if isinstance(engine, MemoryEngine):
            self._kept[self._last] = Kept(engine.copy(), "")
        else:
            await self._control.cluster.partitions.close()  # notes, so that less is read when it comes back
            directory = tempfile.mkdtemp(prefix="kbroker-snapshot-")
            shutil.copytree(self._control.cluster.data, directory, dirs_exist_ok=True)
            self._kept[self._last] = Kept(None, directory)
        return self._last

    async def restore(self, number: int) -> None:
        kept = self._kept.get(number)
        if kept is None:
            known = ", ".join(map(str, self._kept)) or "none"
            raise ControlError("missing", f"there is no snapshot {number}; there are {known}")

        async def change(engine: Engine) -> Engine:
            if isinstance(engine, MemoryEngine):
                assert kept.logs is not None
                engine.replace(kept.logs)
                return engine
            return await self._put_back(engine, kept.directory)

        await self._begin(change)

    async def reset(self, keep: str = "") -> None:
        """Empty everything; with "topics" the topics stay, with their configs and ids."""
        if keep not in ("", "topics"):
            raise ControlError("argument", f'keep is "topics" or empty, not {keep!r}')

        async def change(engine: Engine) -> Engine:
            if keep and isinstance(engine, MemoryEngine):
                engine.replace({name: log for name, log in engine.copy().items() if name == CATALOG})
            elif isinstance(engine, MemoryEngine):
                engine.replace({})
            else:
                gone = [name for name in engine.logs() if not keep or name != CATALOG]
                await engine.delete(gone)
            return engine

        await self._begin(change)

    async def crash(self) -> int:
        """The power is gone and comes back: what was never synced is lost. How many bytes."""
        cluster = self._control.cluster
        safe = cluster.world.files.safe() if isinstance(cluster.world.files, WatchedFiles) else {}
        in_memory = isinstance(cluster.engine, MemoryEngine)
        lost = cluster.engine.usage().size if in_memory else unsynced_bytes(safe)

        async def change(engine: Engine) -> Engine:
            if isinstance(engine, MemoryEngine):
                engine.replace({})
                return engine
            await engine.close()
            forget_unsynced(safe)
            return await self._control.broker.open_engine()

        for node in self._control.broker.nodes:
            await revive(self._control, node)
        self._control.watch.detach()
        await self._control.broker.begin_anew(change, 0)
        self._control.watch.tell()
        return lost

    def forget(self, number: int) -> None:
        kept = self._kept.pop(number, None)
        if kept is not None and kept.directory:
            shutil.rmtree(kept.directory, ignore_errors=True)

    def close(self) -> None:
        for number in list(self._kept):
            self.forget(number)

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _begin(self, change: Callable[[Engine], Awaitable[Engine]]) -> None:
        control = self._control
        for name in ("groups", "transactions"):
            part = made(control.cluster, name)
            for runtime in list(part.coordinators.all()) if part is not None else ():
                await runtime.load()
        self._counters.note(control.cluster)

        async def changed(engine: Engine) -> Engine:
            engine = await change(engine)
            await self._count_on(engine)
            return engine

        for node in control.broker.nodes:
            await revive(control, node)
        control.guard.stand()
        control.watch.detach()
        await control.broker.begin_anew(changed, self._counters.leader_epoch + 1)
        await self._keep_producers()
        control.watch.tell()

    async def _put_back(self, engine: Engine, directory: str) -> Engine:
        data = self._control.cluster.data
        await engine.close()
        for name in os.listdir(data):
            path = os.path.join(data, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        shutil.copytree(directory, data, dirs_exist_ok=True)
        return await self._control.broker.open_engine()

    async def _count_on(self, engine: Engine) -> None:
        """Write into the data that has come back that counters stand where they stood."""
        counters, config, nodes = self._counters, self._control.cluster.config, self._control.broker.nodes
        now = self._control.cluster.world.time_ms()
        catalog = CatalogMachine(config, [node.id for node in nodes])
        if CATALOG in engine.logs():
            await _replay(engine, CATALOG, catalog, GROUPS)
        else:
            await engine.create([(CATALOG, OPTIONS)])
        await _write(engine, CATALOG, catalog_records(catalog, counters), 0, now)
        epoch = counters.leader_epoch + 1
        for name in (OFFSETS, TRANSACTION_STATE):
            topic = catalog.by_name.get(name)
            for index in range(0 if topic is None else len(topic.partitions)):
                log = f"{topic.id.hex()}/{index}" if topic is not None else ""
                if log not in engine.logs():
                    continue
                if name == OFFSETS:
                    groups = GroupsMachine(self._control.cluster.groups.settings)
                    await _replay(engine, log, groups, GROUPS)
                    await _write(engine, log, group_records(groups, counters, now), epoch, now)
                else:
                    ids = TransactionsMachine(self._control.cluster.transactions.settings)
                    await _replay(engine, log, ids, TRANSACTIONS)
                    await _write(engine, log, transaction_records(ids.ids, counters, now), epoch, now)

    async def _keep_producers(self) -> None:
        """Transactional ids that are in nobody's log: their producers are still there."""
        cluster = self._control.cluster
        if not self._counters.transactions:
            return
        for runtime in list(cluster.transactions.coordinators.all()):
            await runtime.load()
        known = {each.transactional_id for each in views.transactions(cluster)}
        missing = {name: each for name, each in self._counters.transactions.items() if name not in known}
        if not missing:
            return
        await cluster.catalog.ensure_internal(TRANSACTION_STATE)
        now = cluster.world.time_ms()
        for name, record in ((name, self._counters.record_of(name, now)) for name in missing):
            partition = await self._control.partition(TRANSACTION_STATE, cluster.transactions.coordinator(name))
            await partition.append([build(encode(Batch([record]), now), now)])


async def _replay(engine: Engine, log: str, machine: Machine, types: Types) -> None:
    bounds = engine.bounds(log)
    offset = bounds.start
    while offset < bounds.end:
        (chunk,) = await engine.read([Read(log, offset, READ_BYTES)])
        if chunk.error is not None:
            raise chunk.error
        for buffer in chunk.buffers:
            for batch in batches(buffer):
                replay(machine, batch, types)
        if chunk.next_offset <= offset:
            break
        offset = chunk.next_offset


async def _write(engine: Engine, log: str, records: Iterable[Record], epoch: int, now: int) -> None:
    found = list(records)
    if not found:
        return
    batch = build(encode(Batch(found), now), now)
    end = engine.bounds(log).end
    stamp(batch, end, epoch)
    (outcome,) = await engine.append([Write(log, end, [batch])])
    if not isinstance(outcome, Appended):
        raise ControlError("failed", f"the log {log} cannot be written: {outcome}")
