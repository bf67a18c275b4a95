"""The cleaner: looks at logs when something may be due, and does it.

    written to ----> a look, at the next multiple of the interval     log.retention.check.interval.ms, and for compacted
    config changed                                                    topics log.cleaner.backoff.ms
    too young then -> a look when the oldest piece will be old enough

A look is cheap and asks only the engine. What is due is done by one chain, one log at a time, so that however many logs
there are, the loop is never held: retention first, then the dirtiest log is compacted (as Kafka's LogCleanerManager).
A log that nobody writes to is not looked at again before its oldest piece is due; nothing is polled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kbroker.world import ServantGone
from storage import retention
from storage.compaction import blocked_until, measure
from storage.engine import Corrupt, Engine, Read, StorageError, UnknownLog
from wire.batch import batches
from wire.errors import KafkaError

from .breath import Breath, Stopped
from .dirty import first_dirty, young
from .ports import Partition, Partitions, Topic, Topics
from .schedule import Schedule
from .settings import CATALOG, FOREVER_MS, Pace, Policy, Settings

if TYPE_CHECKING:
    from kbroker.world import Handle, World

    from .sieve import Last

log = logging.getLogger("kbroker.cleaner")


class Log:
    """One log under the cleaner's eyes: its policy, and how to get at its writer."""

    __slots__ = ("index", "name", "policy", "title", "topic")

    def __init__(self, name: str, policy: Policy, topic: Topic | None = None, index: int = 0) -> None:
        self.name = name
        self.policy = policy
        self.topic = topic
        self.index = index
        self.title = name if topic is None else f"{topic.name}-{index}"


class Cleaner:
    """See the package for what it offers."""

    def __init__(
        self,
        engine: Engine,
        world: World,
        config: Settings,
        topics: Topics,
        partitions: Partitions,
        catalog_log: str,
    ) -> None:
        self._engine = engine
        self._world = world
        self._topics = topics
        self._partitions = partitions
        self._catalog_log = catalog_log
        self._config = config
        self._schedule = Schedule(world, self._ring)
        self._breath = Breath(world)
        self._first: Handle | None = None
        self._looks: dict[str, None] = {}
        self._dirty: dict[str, float] = {}
        self._asked: dict[str, None] = {}
        self._damaged: set[str] = set()
        self._working = False
        self._idle: list[asyncio.Future[None]] = []

    @property
    def is_idle(self) -> bool:
        return not self._working

    @property
    def _pace(self) -> Pace:
        return Pace.of(self._config)  # may change at run time

    def start(self) -> None:
        """What an earlier process left is looked at soon, but not while everybody connects."""
        self._first = self._world.at(self._world.time_ms() + self._pace.first_look_ms, self._look_at_all)

    def _look_at_all(self) -> None:
        self._first = None
        self._ring(self._engine.logs())

    def grown(self, name: str) -> None:
        """Something was written; not told again before the next look."""
        found = self._find(name)
        if found is not None:
            self._later(found)

    def _later(self, found: Log) -> None:
        policy = found.policy
        if policy.compact and self._pace.enabled:
            self._at(found.name, self._world.time_ms(), self._pace.compaction_interval_ms)
        elif policy.delete and (policy.retention_ms >= 0 or policy.retention_bytes >= 0):
            self._at(found.name, self._world.time_ms(), self._pace.retention_interval_ms)

    def _at(self, name: str, after_ms: int, interval_ms: int) -> None:
        if not self._breath.is_stopped:
            self._schedule.at(name, (after_ms // interval_ms + 1) * interval_ms)

    def changed(self, topic: Topic) -> None:
        """Its config is another one."""
        for index in range(len(topic.partitions)):
            name = f"{topic.id.hex()}/{index}"
            self._damaged.discard(name)
            self.grown(name)

    def run(self, topic: Topic | None = None) -> asyncio.Future[None]:
        """Look now, at all logs or at those of one topic, and compact what has anything to compact. Done when that
        is."""
        names = self._engine.logs()
        if topic is not None:
            own = topic.id.hex() + "/"
            names = [name for name in names if name.startswith(own)]
        self._asked.update(dict.fromkeys(names))
        done: asyncio.Future[None] = self._world.future()
        self._idle.append(done)
        self._ring(names)
        return done

    async def close(self) -> None:
        """Stop within a step."""
        self._breath.stop()
        self._schedule.close()
        if self._first is not None:
            self._first.cancel()
        if self._working:
            done: asyncio.Future[None] = self._world.future()
            self._idle.append(done)
            await done

    # --- the chain ------------------------------------------------------------------------------------------------

    def _ring(self, names: list[str]) -> None:
        self._looks.update(dict.fromkeys(names))
        if not self._working and not self._breath.is_stopped:
            self._working = True
            self._world.spawn(self._work())

    async def _work(self) -> None:
        try:
            self._breath.begin()
            while self._looks or self._dirty:
                if self._looks:
                    name = next(iter(self._looks))
                    del self._looks[name]
                    await self._guarded(name, self._look)
                else:
                    name = max(self._dirty, key=lambda name: self._dirty[name])
                    del self._dirty[name]
                    await self._guarded(name, self._compact)
                await self._breath.take()
        except Stopped:
            pass
        finally:
            self._working = False
            self._world.tidy()
            waiting, self._idle = self._idle, []
            for done in waiting:
                if not done.done():
                    done.set_result(None)

    async def _guarded(self, name: str, work: Any) -> None:
        found = self._find(name)
        if found is None:
            return
        try:
            await work(found)
        except UnknownLog:
            return  # deleted meanwhile, or never written to
        except Corrupt as error:
            self._damaged.add(name)
            log.error("%s is damaged and is not compacted any more: %s", found.title, error)
        except (StorageError, KafkaError, ServantGone) as error:
            if self._breath.is_stopped:
                raise Stopped from None
            log.warning("cleaning %s has to be tried again: %s", found.title, error)
            self._later(found)

    def _find(self, name: str) -> Log | None:
        if name == self._catalog_log:
            return Log(name, CATALOG)
        topic_id, _, index = name.partition("/")
        topic = self._topics.topic_by_id(bytes.fromhex(topic_id)) if len(topic_id) == 32 else None
        if topic is None or not index.isdigit() or int(index) >= len(topic.partitions):
            return None
        return Log(name, Policy.of(topic.config), topic, int(index))

    async def _opened(self, found: Log) -> Partition:
        assert found.topic is not None, "the catalog has no partition"
        partition = self._partitions.open(found.topic, found.index)
        await partition.ready()
        return partition

    # --- looking --------------------------------------------------------------------------------------------------

    async def _look(self, found: Log) -> None:
        asked = found.name in self._asked
        self._asked.pop(found.name, None)
        if found.topic is not None:
            self._partitions.tell_growth(found.topic.id, found.index)
        if found.policy.delete:
            await self._retain(found)
        if found.policy.compact and self._pace.enabled and found.name not in self._damaged:
            await self._weigh(found, asked)

    async def _retain(self, found: Log) -> None:
        """Let go of what is too old or too much (Kafka: UnifiedLog.deleteOldSegments)."""
        policy = found.policy
        start, end = self._engine.bounds(found.name)
        if self._new_start(found, start, end) > start:
            partition = await self._opened(found)
            start = self._engine.bounds(found.name).start
            target = self._new_start(found, start, partition.high_watermark)
            if target > start:
                before = self._engine.extents(found.name)
                await partition.delete_records(target)
                gone = [extent for extent in before if extent.end <= target]
                size = sum(extent.size for extent in gone)
                log.info("%s begins at %d now: %d segments with %d bytes went", partition.name, target, len(gone), size)
        due = retention.due(self._engine.extents(found.name), policy.retention_ms)
        if due is not None:
            self._at(found.name, max(due, self._world.time_ms()), self._pace.retention_interval_ms)

    def _new_start(self, found: Log, start: int, limit: int) -> int:
        extents, policy = self._engine.extents(found.name), found.policy
        start = retention.by_age(extents, start, limit, policy.retention_ms, self._world.time_ms())
        return retention.by_size(extents, start, limit, policy.retention_bytes)

    async def _weigh(self, found: Log, asked: bool) -> None:
        """Whether the log is to be compacted, or when."""
        policy, now, name = found.policy, self._world.time_ms(), found.name
        extents = self._engine.extents(name)
        clean, stable_end = first_dirty(self._engine, name), self._engine.bounds(name).end
        dirt = measure(extents, clean, stable_end, young(policy, now))
        if dirt.dirty:
            forced_at = await self._forced_at(found, clean)
            if asked or dirt.ratio > policy.min_dirty_ratio or forced_at <= now:
                self._dirty[name] = dirt.ratio
            elif forced_at < FOREVER_MS:
                self._at(name, forced_at, self._pace.compaction_interval_ms)
        until = blocked_until(extents, dirt, stable_end, policy.min_lag_ms)
        if until is not None and until > now:
            self._at(name, until, self._pace.compaction_interval_ms)

    async def _forced_at(self, found: Log, clean: int) -> int:
        """When the oldest dirty batch may not wait for the ratio any more (KIP-354)."""
        lag = found.policy.max_lag_ms
        if lag == FOREVER_MS:
            return FOREVER_MS
        chunk = (await self._engine.read([Read(found.name, clean, 1)]))[0]
        first = next((batch for buffer in chunk.buffers for batch in batches(buffer)), None)
        return FOREVER_MS if first is None or first.max_timestamp < 0 else first.max_timestamp + lag

    # --- compacting -----------------------------------------------------------------------------------------------

    async def _compact(self, found: Log) -> None:
        from .run import Run  # with all that knows records, which a start does not need

        source: _CatalogSource | _PartitionSource = _CatalogSource(self._engine, found.name)
        if found.topic is not None:
            source = _PartitionSource(await self._opened(found))
        most_keys, now = self._pace.most_keys, self._world.time_ms()
        hire = self._world.servant
        run = Run(self._engine, found.name, source, found.policy, most_keys, self._breath, now, hire)
        done = await run.run()
        if done.before:
            log.info(
                "%s is compacted up to offset %d: %d bytes became %d", found.title, done.end, done.before, done.after
            )


class _PartitionSource:
    """A partition as `Run` sees it."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition

    def stable_end(self) -> int:
        return min(self._partition.last_stable_offset, self._partition.high_watermark)

    def written_end(self) -> int:
        return self._partition.high_watermark

    def last_batches(self) -> Mapping[int, Last]:
        table = self._partition.producers.table
        return {key: (one.epoch, one.kept[-1].last_offset if one.kept else -1) for key, one in table.items()}

    def save(self, end: int) -> asyncio.Future[None] | None:
        return self._partition.note() if self._partition.noted < end else None


class _CatalogSource:
    """The catalog's log: one writer, no transactions, no producers."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    def stable_end(self) -> int:
        return self._engine.bounds(self._name).end

    written_end = stable_end

    def last_batches(self) -> Mapping[int, Last]:
        return {}

    def save(self, end: int) -> asyncio.Future[None] | None:
        return None
