"""All that one partition of `__share_group_state` keeps, as one machine (Kafka's ShareCoordinatorShard).

    initialize   a snapshot that knows nothing but the start
    write        an update: what has changed. After so many updates a snapshot with everything
    forget       a snapshot without a value

The topic is not compacted. What is needed of a share partition begins with its last snapshot, so all below the oldest
of these can go: that is looked at from time to time while there are writes (`prune`). Partitions that nobody writes to
any more would hold the log for ever; they get a new snapshot then.

Two epochs fence writers. The leader epoch: a leader that has lost the partition must not write (FENCED_LEADER_EPOCH).
The state epoch: who works with a state from before it was begun anew must read it again (FENCED_STATE_EPOCH).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kbroker.machine import Batch, Effects, Loaded, Marker, Origin, Record, Reply, Ticket, Timer
from kbroker.shares import events
from kbroker.shares.kept import NOT_COUNTED, UNKNOWN_START, Kept, Key, batches_of, combine, of_snapshot, updated
from wire.durable.share import ShareSnapshotKey, ShareSnapshotValue, ShareUpdateKey, ShareUpdateValue
from wire.errors import ErrorCode, KafkaError

_PRUNE = "prune"


class Settings(NamedTuple):
    updates_per_snapshot: int = 500
    prune_interval_ms: int = 300_000
    cold_after_ms: int = 300_000

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        return cls(
            config["share.coordinator.snapshot.update.records.per.snapshot"],
            config["share.coordinator.state.topic.prune.interval.ms"],
            config["share.coordinator.cold.partition.snapshot.interval.ms"],
        )


class ShareStateMachine:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kept: dict[Key, Kept] = {}
        self._next_offset = 0  # of the log, as far as it was applied
        self._is_watching = False  # the timer for pruning is set
        self._dispatch: dict[type, Callable[[Any, int], Effects]] = {
            Loaded: self._loaded,
            events.Initialize: self._initialize,
            events.Read: self._read,
            events.ReadSummary: self._read_summary,
            events.Write: self._write,
            events.Forget: self._forget,
            events.Prune: self._prune,
        }

    def step(self, event: object, now: int, rng: object) -> Effects:
        return self._dispatch[type(event)](event, now)

    def apply(self, record: Record, origin: Origin) -> None:
        key, value = record.key, record.value
        self._next_offset = origin.offset + 1
        if isinstance(key, ShareSnapshotKey):
            name = (key.group_id, key.topic_id, key.partition)
            if isinstance(value, ShareSnapshotValue):
                self.kept[name] = of_snapshot(value, origin.offset)
            else:
                self.kept.pop(name, None)
        elif isinstance(key, ShareUpdateKey):
            name = (key.group_id, key.topic_id, key.partition)
            known = self.kept.get(name)
            if known is not None and isinstance(value, ShareUpdateValue):
                self.kept[name] = updated(known, value)

    def apply_marker(self, marker: Marker, origin: Origin) -> None:
        """Nobody writes here in transactions."""

    # --- requests ---------------------------------------------------------------------------------------------------

    def _initialize(self, event: events.Initialize, now: int) -> Effects:
        known = self.kept.get(event.key)
        if known is not None and event.state_epoch < known.state_epoch:
            raise KafkaError(ErrorCode.FENCED_STATE_EPOCH)
        new = Kept(
            0 if known is None else known.snapshot_epoch + 1,
            event.state_epoch,
            0 if known is None else known.leader_epoch,
            event.start,
            NOT_COUNTED if event.start == UNKNOWN_START else 0,
            (),
            now,
            now,
            0,
            0,
        )
        return self._written(event.ticket, event.key, new, now)

    def _read(self, event: events.Read, now: int) -> Effects:
        known = self._known(event.key, "Read")
        if event.leader_epoch < known.leader_epoch:
            raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
        if event.leader_epoch == known.leader_epoch:
            return Effects(replies=[Reply(event.ticket, known)])
        led = known._replace(leader_epoch=event.leader_epoch)
        effects = self._update(event.ticket, event.key, led, (), now)
        effects.replies = [Reply(event.ticket, led)]
        return effects

    def _read_summary(self, event: events.ReadSummary, now: int) -> Effects:
        return Effects(replies=[Reply(event.ticket, self.kept.get(event.key))])

    def _write(self, event: events.Write, now: int) -> Effects:
        known = self._known(event.key, "Write")
        if event.leader_epoch < known.leader_epoch:
            raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
        if event.state_epoch < known.state_epoch:
            raise KafkaError(ErrorCode.FENCED_STATE_EPOCH)
        start = known.start if event.start == UNKNOWN_START else event.start
        new = known._replace(leader_epoch=event.leader_epoch, start=start, done=event.done)
        if known.updates < self.settings.updates_per_snapshot:
            return self._update(event.ticket, event.key, new, event.ranges, now)
        ranges = combine(known.ranges, event.ranges, start)
        return self._written(event.ticket, event.key, _next_snapshot(new._replace(ranges=ranges), now), now)

    def _forget(self, event: events.Forget, now: int) -> Effects:
        if event.key not in self.kept:
            return Effects(replies=[Reply(event.ticket, None)])
        group_id, topic_id, partition = event.key
        record = Record(ShareSnapshotKey(group_id=group_id, topic_id=topic_id, partition=partition), None)
        return self._effects(event.ticket, record, now)

    def _known(self, key: Key, what: str) -> Kept:
        known = self.kept.get(key)
        if known is None:
            text = f"{what} operation on uninitialized share partition not allowed."
            raise KafkaError(ErrorCode.INVALID_REQUEST, text)
        return known

    # --- records ----------------------------------------------------------------------------------------------------

    def _written(self, ticket: Ticket, key: Key, kept: Kept, now: int) -> Effects:
        return self._effects(ticket, _snapshot(key, kept), now)

    def _update(self, ticket: Ticket, key: Key, kept: Kept, ranges: Any, now: int) -> Effects:
        group_id, topic_id, partition = key
        value = ShareUpdateValue(
            snapshot_epoch=kept.snapshot_epoch,
            leader_epoch=kept.leader_epoch,
            start_offset=kept.start,
            delivery_complete_count=kept.done,
            state_batches=batches_of(ranges),
        )
        record = Record(ShareUpdateKey(group_id=group_id, topic_id=topic_id, partition=partition), value)
        return self._effects(ticket, record, now)

    def _effects(self, ticket: Ticket, record: Record, now: int) -> Effects:
        return Effects([Batch([record])], [Reply(ticket, None)], self._watch(now))

    # --- the front of the log ---------------------------------------------------------------------------------------

    def _loaded(self, event: Loaded, now: int) -> Effects:
        return Effects(timers=self._watch(now) if self.kept else [])

    def _watch(self, now: int) -> list[Timer]:
        if self._is_watching:
            return []
        self._is_watching = True
        return [Timer(_PRUNE, now + self.settings.prune_interval_ms, events.Prune())]

    def _prune(self, event: events.Prune, now: int) -> Effects:
        """What is below the oldest snapshot can go. Partitions that are cold are written again once half of the log is
        behind them, so that an idle log rests.
        """
        self._is_watching = False
        if not self.kept:
            return Effects()
        key, oldest = min(self.kept.items(), key=lambda item: item[1].snapshot_at)
        effects = Effects(tasks=[events.PruneLog(key, oldest.snapshot_at)])
        since = self._next_offset - oldest.snapshot_at
        if since > 2 * len(self.kept):
            old, long_ago = self._next_offset - since // 2, now - self.settings.cold_after_ms
            cold = [
                _snapshot(each, _next_snapshot(kept, now))
                for each, kept in self.kept.items()
                if kept.written_ms <= long_ago and kept.snapshot_at < old
            ]
            if cold:
                effects.batches.append(Batch(cold))
                effects.timers = self._watch(now)
        return effects


def _next_snapshot(kept: Kept, now: int) -> Kept:
    return kept._replace(snapshot_epoch=kept.snapshot_epoch + 1, written_ms=now)


def _snapshot(key: Key, kept: Kept) -> Record:
    group_id, topic_id, partition = key
    return Record(ShareSnapshotKey(group_id=group_id, topic_id=topic_id, partition=partition), kept.value())
