"""The catalog's decisions. One record of a topic says all of it, so a change is one record and a batch is never half
a change.

Answers are Kafka's, to the word where tools show them (`ReplicationControlManager`, `ConfigurationControlManager`).
What others must do about a change (drop logs, wake readers) leaves as a task: a `Change`, told when it is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kbroker import topic_config
from kbroker.catalog import names, outages, placement
from kbroker.catalog.events import (
    AlterConfigs,
    CreatePartitions,
    CreateTopics,
    DeleteTopics,
    Elect,
    EnsureTopic,
    LeaderChanged,
    LogsOrphaned,
    MoveLeader,
    NextProducerId,
    Reassign,
    RunNode,
    SetInSync,
    Start,
    Stop,
    TopicCreated,
    TopicDeleted,
    TopicGrown,
)
from kbroker.catalog.registers import Registers
from kbroker.catalog.state import BROKER, TOPIC, Features, NewPartitions, NewTopic, PartitionState, Topic
from kbroker.machine import Batch, Effects, Loaded, Marker, Origin, Record, Reply
from kbroker.topic_config import TopicConfig
from kbroker.world import random_uuid
from wire.durable.catalog import (
    CatalogClusterKey,
    CatalogClusterValue,
    CatalogConfig,
    CatalogConfigKey,
    CatalogConfigValue,
    CatalogNodeKey,
    CatalogNodeValue,
    CatalogPartition,
    CatalogProducerIdsKey,
    CatalogProducerIdsValue,
    CatalogTopicKey,
    CatalogTopicValue,
)
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from random import Random

    from kbroker.catalog import alterations
    from kbroker.config import Config

BLOCK = 1000  # producer ids at a time, as in KRaft


class CatalogMachine:
    """State: everything that `apply` writes, and the block of producer ids at hand, which a restart leaves unused."""

    def __init__(self, config: Config, nodes: Sequence[int], first_leader_epoch: int = 0) -> None:
        self.config = config
        self._first_leader_epoch = first_leader_epoch
        self.here = sorted(nodes)
        self.live: list[int] = []  # those of them that run, by the log
        self.version = 0
        self.cluster_id: str | None = None
        self.nodes: dict[int, CatalogNodeValue] = {}
        self.by_id: dict[bytes, Topic] = {}
        self.by_name: dict[str, Topic] = {}
        self.registers = Registers(self.here, self.nodes)
        self._sorted: list[Topic] | None = None
        self._folded: dict[str, str] = {}
        self.configs: dict[tuple[int, str], Mapping[str, str]] = {}  # of what is no topic
        config.change({}, {})
        self._placed = 0  # partitions that were ever placed: where the next topic's leaders begin
        self._gone: list[bytes] | None = []  # topics whose deletion is read from the log
        self.next_block = 0
        self._ids = iter(range(0))
        self._steps: dict[type, Callable[[Any, Random], Effects]] = {
            Loaded: self._loaded,
            Start: self._start,
            Stop: self._stop,
            CreateTopics: self._create_topics,
            EnsureTopic: self._ensure_topic,
            DeleteTopics: self._delete_topics,
            CreatePartitions: self._create_partitions,
            AlterConfigs: self._alter,
            MoveLeader: self._alter,
            SetInSync: self._alter,
            RunNode: self._alter,
            Reassign: self._alter,
            Elect: self._alter,
            NextProducerId: self._next_producer_id,
            **self.registers.steps,
        }

    # --- views ------------------------------------------------------------------------------------------------------

    def sorted_topics(self) -> Sequence[Topic]:
        if self._sorted is None:
            self._sorted = [self.by_name[name] for name in sorted(self.by_name)]
        return self._sorted

    @property
    def features(self) -> Features:
        return self.registers.features

    def overrides(self, kind: int, name: str) -> Mapping[str, str]:
        """The configs that were set for a resource; none for one that nobody knows."""
        if kind != TOPIC:
            return self.configs.get((kind, name), {})
        topic = self.by_name.get(name)
        return {} if topic is None else topic.overrides

    # --- decisions --------------------------------------------------------------------------------------------------

    def step(self, event: object, now: int, rng: Random) -> Effects:
        return self._steps[type(event)](event, rng)

    def _loaded(self, event: Loaded, rng: Random) -> Effects:
        """What a deletion left half done is done now."""
        gone, self._gone = self._gone, None
        return Effects(tasks=[LogsOrphaned(gone)] if gone else [])

    def _start(self, event: Start, rng: Random) -> Effects:
        """A node that still runs by the record ended without a word: its leader epochs rise by one."""
        if self.cluster_id not in (None, event.cluster_id):
            raise KafkaError(
                ErrorCode.INCONSISTENT_CLUSTER_ID,
                f"The data belongs to cluster {self.cluster_id}, not to {event.cluster_id}.",
            )
        records = []
        if self.cluster_id is None:
            records.append(Record(CatalogClusterKey(), CatalogClusterValue(cluster_id=event.cluster_id)))
        for node_id, rack in event.racks.items():
            before = self.nodes.get(node_id)
            starts, unclean_stops = (0, 0) if before is None else (before.starts, before.unclean_stops)
            if before is not None and before.running:
                unclean_stops += 1
            value = CatalogNodeValue(running=True, starts=starts + 1, unclean_stops=unclean_stops, rack=rack)
            records.append(Record(CatalogNodeKey(node_id=node_id), value))
        records += self.registers.offer(event.features)
        batches: list[Batch | Marker] = [Batch(records)]
        changes: list[object] = []
        for topic in self.sorted_topics():
            moved = [self._with_live_leader(partition) for partition in topic.partitions]
            if any(new is not old for new, old in zip(moved, topic.partitions, strict=True)):
                batches.append(Batch([self.record(topic, partitions=moved)]))
                changes += [LeaderChanged(topic, at) for at, new in enumerate(moved) if new is not topic.partitions[at]]
        return Effects(batches, [Reply(event.ticket, None)], tasks=changes)

    def _with_live_leader(self, partition: PartitionState) -> PartitionState:
        """A node that does not come back leaves its partitions to a live replica in sync, if there is one. Whoever does
        is in sync with the one log that there is."""
        live = [replica for replica in partition.isr if replica in self.here]
        leads_on = partition.leader in self.here
        if not leads_on and not live:
            return partition
        missing = [replica for replica in partition.replicas if replica in self.here and replica not in live]
        if leads_on and not missing:
            return partition
        leader, risen = (partition.leader, 0) if leads_on else (live[0], 1)
        return PartitionState(leader, partition.leader_epoch + risen, partition.replicas, [*partition.isr, *missing])

    def _stop(self, event: Stop, rng: Random) -> Effects:
        records = []
        for node_id in self.here:
            before = self.nodes.get(node_id)
            if before is not None and before.running:
                value = CatalogNodeValue(
                    running=False, starts=before.starts, unclean_stops=before.unclean_stops, rack=before.rack
                )
                records.append(Record(CatalogNodeKey(node_id=node_id), value))
        return Effects([Batch(records)] if records else [], [Reply(event.ticket, None)])

    def _create_topics(self, event: CreateTopics, rng: Random) -> Effects:
        default: int = self.config["num.partitions"]
        counts = [len(new.assignments) or (default if new.partitions == -1 else new.partitions) for new in event.topics]
        placement.check_total(sum(max(0, count) for count in counts))
        effects = Effects()
        taken: dict[str, str] = {}  # folded names of this very request
        start = self._placed
        created: list[Topic | KafkaError] = []
        for new in event.topics:
            try:
                topic = self._new_topic(new, taken, start, rng)
            except KafkaError as error:
                created.append(error)
                continue
            taken[names.folded(new.name)] = new.name
            start += len(topic.partitions)
            created.append(topic)
        if not event.validate_only:
            self._install(effects, [topic for topic in created if isinstance(topic, Topic)])
        effects.replies.append(Reply(event.ticket, created))
        return effects

    def _ensure_topic(self, event: EnsureTopic, rng: Random) -> Effects:
        effects = Effects()
        topic = self.by_name.get(event.topic.name)
        if topic is None:
            topic = self._new_topic(event.topic, {}, self._placed, rng)
            self._install(effects, [topic])
        effects.replies.append(Reply(event.ticket, topic))
        return effects

    def _install(self, effects: Effects, topics: Sequence[Topic]) -> None:
        for topic in topics:
            effects.batches.append(Batch([self.record(topic)]))
            effects.tasks.append(TopicCreated(topic))

    def _new_topic(self, new: NewTopic, taken: Mapping[str, str], start: int, rng: Random) -> Topic:
        """The topic that `new` asks for, or a KafkaError; Kafka checks in this order."""
        names.check(new.name)
        if new.name in self.by_name:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{new.name}' already exists.")
        folded = names.folded(new.name)
        other = self._folded.get(folded) or taken.get(folded)
        if other is not None:
            raise KafkaError(
                ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic '{new.name}' collides with existing topic: {other}"
            )
        overrides = topic_config.check(dict(new.configs))
        epoch = self._first_leader_epoch
        partitions = [outages.new(each, epoch, self.live) for each in self._place(new, start)]
        return Topic(new.name, random_uuid(rng), partitions, overrides, TopicConfig(overrides, self.config))

    def _place(self, new: NewTopic, start: int) -> list[list[int]]:
        if new.assignments:
            for said, what in ((new.replication_factor, "replication factor"), (new.partitions, "numPartitions")):
                if said != -1:
                    raise KafkaError(
                        ErrorCode.INVALID_REQUEST,
                        f"A manual partition assignment was specified, but {what} was not set to -1.",
                    )
            return placement.assigned(new.assignments, self.here)
        replication_factor, count = new.replication_factor, new.partitions
        if replication_factor == -1:
            replication_factor = self.config["default.replication.factor"]
        placement.check_replication_factor(replication_factor, self.here)
        if count == -1:
            count = self.config["num.partitions"]
        if count <= 0:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."
            )
        return placement.spread(count, replication_factor, self.here, start)

    def _delete_topics(self, event: DeleteTopics, rng: Random) -> Effects:
        effects = Effects()
        answers: list[Topic | KafkaError] = []
        for topic_id in event.topic_ids:
            topic = self.by_id.get(topic_id)
            if topic is None or topic in answers:
                answers.append(KafkaError(ErrorCode.UNKNOWN_TOPIC_ID))
                continue
            answers.append(topic)
            effects.batches.append(Batch([Record(CatalogTopicKey(topic_id=topic_id), None)]))
            effects.tasks.append(TopicDeleted(topic))
        effects.replies.append(Reply(event.ticket, answers))
        return effects

    def _create_partitions(self, event: CreatePartitions, rng: Random) -> Effects:
        present = {new.name: len(topic.partitions) for new in event.topics if (topic := self.by_name.get(new.name))}
        placement.check_total(sum(max(0, new.count - present.get(new.name, new.count)) for new in event.topics))
        effects = Effects()
        answers: list[Topic | KafkaError] = []
        for new in event.topics:
            try:
                topic, added = self._grown(new)
            except KafkaError as error:
                answers.append(error)
                continue
            answers.append(topic)
            if not event.validate_only:
                effects.batches.append(Batch([self.record(topic, partitions=topic.partitions + added)]))
                effects.tasks.append(TopicGrown(topic, len(topic.partitions)))
        effects.replies.append(Reply(event.ticket, answers))
        return effects

    def _grown(self, new: NewPartitions) -> tuple[Topic, list[PartitionState]]:
        topic = self.by_name.get(new.name)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        present = len(topic.partitions)
        if new.count == present:
            raise KafkaError(ErrorCode.INVALID_PARTITIONS, f"Topic already has {present} partition(s).")
        if new.count < present:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS,
                f"The topic {new.name} currently has {present} partition(s); {new.count} would not be an increase.",
            )
        added = new.count - present
        if new.assignments is None:
            placement.check_replication_factor(topic.replication_factor, self.here)
            # Go on where this topic's leaders stopped.
            last = topic.partitions[-1].replicas[0]
            start = self.here.index(last) + 1 if last in self.here else 0
            replicas = placement.spread(added, topic.replication_factor, self.here, start)
        else:
            if len(new.assignments) != added:
                raise KafkaError(
                    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                    f"Attempted to add {added} additional partition(s), but only {len(new.assignments)} "
                    "assignment(s) were specified.",
                )
            for brokers in new.assignments:
                placement.check_replicas(brokers, self.here, topic.replication_factor)
            replicas = [list(brokers) for brokers in new.assignments]
        return topic, [outages.new(brokers, 0, self.live) for brokers in replicas]

    def _alter(self, event: alterations.Event, rng: Random) -> Effects:
        from kbroker.catalog import alterations  # with every table of configs, which a start does not need

        return alterations.decide(self, event)

    def _next_producer_id(self, event: NextProducerId, rng: Random) -> Effects:
        effects = Effects()
        producer_id = next(self._ids, None)
        if producer_id is None:
            end = self.next_block + BLOCK
            self._ids = iter(range(self.next_block, end))
            producer_id = next(self._ids)
            record = Record(CatalogProducerIdsKey(), CatalogProducerIdsValue(next_producer_id=end))
            effects.batches.append(Batch([record]))
        effects.replies.append(Reply(event.ticket, producer_id))
        return effects

    # --- records ----------------------------------------------------------------------------------------------------

    def record(
        self,
        topic: Topic,
        *,
        partitions: Sequence[PartitionState] | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> Record:
        """The record that makes a topic what it is now, but for what is given."""
        value = CatalogTopicValue(
            name=topic.name,
            partitions=[
                CatalogPartition(
                    leader=partition.leader,
                    leader_epoch=partition.leader_epoch,
                    unclean_stops=self._unclean_stops(partition.leader),
                    replicas=partition.replicas,
                    isr=partition.isr,
                )
                for partition in (topic.partitions if partitions is None else partitions)
            ],
            configs=[
                CatalogConfig(name=name, value=text)
                for name, text in (topic.overrides if overrides is None else overrides).items()
            ],
        )
        return Record(CatalogTopicKey(topic_id=topic.id), value)

    def _unclean_stops(self, node_id: int) -> int:
        node = self.nodes.get(node_id)
        return 0 if node is None else node.unclean_stops

    def apply(self, record: Record, origin: Origin) -> None:
        self.version += 1
        key, value = record.key, record.value
        if isinstance(key, CatalogTopicKey):
            assert value is None or isinstance(value, CatalogTopicValue)
            self._apply_topic(key.topic_id, value)
        elif isinstance(value, CatalogNodeValue) and isinstance(key, CatalogNodeKey):
            self._apply_node(key.node_id, value)
        elif isinstance(value, CatalogProducerIdsValue):
            self.next_block = value.next_producer_id
        elif isinstance(key, CatalogConfigKey):
            assert value is None or isinstance(value, CatalogConfigValue)
            self._apply_configs(key.resource_type, key.resource_name, value)
        elif isinstance(value, CatalogClusterValue):
            self.cluster_id = value.cluster_id
        else:
            self.registers.apply(key, value)

    def apply_marker(self, marker: Marker, origin: Origin) -> None:
        raise AssertionError("there are no transactions on the catalog")

    def _apply_topic(self, topic_id: bytes, value: CatalogTopicValue | None) -> None:
        topic = self.by_id.get(topic_id)
        if value is None:
            if topic is not None:
                del self.by_id[topic_id], self.by_name[topic.name], self._folded[names.folded(topic.name)]
                self._sorted = None
            if self._gone is not None:
                self._gone.append(topic_id)
            return
        partitions = [
            PartitionState(
                partition.leader,
                partition.leader_epoch + self._unclean_stops(partition.leader) - partition.unclean_stops,
                list(partition.replicas),
                list(partition.isr),
            )
            for partition in value.partitions
        ]
        overrides = {config.name: config.value for config in value.configs}
        if topic is None:
            topic = Topic(value.name, topic_id, [], overrides, TopicConfig(overrides, self.config))
            self.by_id[topic_id] = self.by_name[value.name] = topic
            self._folded[names.folded(value.name)] = value.name
            self._sorted = None
        elif overrides != topic.overrides:
            topic.overrides, topic.config = overrides, TopicConfig(overrides, self.config)
        self._placed += max(0, len(partitions) - len(topic.partitions))
        topic.partitions = partitions
        topic.memo.clear()

    def _apply_configs(self, kind: int, name: str, value: CatalogConfigValue | None) -> None:
        """Several nodes in one process share what they do with logs: the dynamic configs of the first one act."""
        if value is None:
            self.configs.pop((kind, name), None)
        else:
            self.configs[kind, name] = {config.name: config.value for config in value.configs}
        if kind == BROKER:
            self.config.change(self.overrides(BROKER, str(self.here[0])), self.overrides(BROKER, ""))
            for topic in self.by_id.values():
                topic.config = TopicConfig(topic.overrides, self.config)
                topic.memo.clear()

    def _apply_node(self, node_id: int, value: CatalogNodeValue) -> None:
        risen = value.unclean_stops - self._unclean_stops(node_id)
        self.nodes[node_id] = value
        self.live = [each for each in self.here if each in self.nodes and self.nodes[each].running]
        if risen:
            for topic in self.by_id.values():
                for partition in topic.partitions:
                    if partition.leader == node_id:
                        partition.leader_epoch += risen
                topic.memo.clear()
