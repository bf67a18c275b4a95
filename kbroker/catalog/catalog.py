"""The facade: views on what is, and questions that change it.

Views (`topic`, `leader`, `topics` ...) show a change as soon as it is decided; the future of a question is done when
it is durable, and so are the changes that subscribers hear of. `start` is awaited before the broker listens, `stop`
after it has let go of its clients.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from kbroker.catalog.events import (
    AlterConfigs,
    AlterQuotas,
    AlterUsers,
    BrokersConfigured,
    Change,
    CreateAcls,
    CreatePartitions,
    CreateToken,
    CreateTopics,
    DeleteAcls,
    DeleteTopics,
    Elect,
    EnsureTopic,
    ExpireToken,
    LogsOrphaned,
    MoveLeader,
    NextProducerId,
    NodesChanged,
    Reassign,
    RenewToken,
    RulesChanged,
    RunNode,
    SetInSync,
    Start,
    Stop,
    SweepTokens,
    TopicDeleted,
    UnregisterNode,
    UpdateFeatures,
)
from kbroker.catalog.log import CATALOG, OPTIONS, EngineLog
from kbroker.catalog.machine import CatalogMachine
from kbroker.catalog.state import NO_EPOCH, NO_LEADER, Features, NewPartitions, NewTopic, Node, Topic
from kbroker.runtime import Runtime
from storage.engine import Corrupt
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.acls import Acl, AclFilter
    from kbroker.catalog.configs import Alteration
    from kbroker.catalog.delegation import Lifetimes, NewToken, Token
    from kbroker.catalog.expiry import Expiry
    from kbroker.catalog.features import FeatureUpdate
    from kbroker.catalog.quotas import Entity, QuotaAlteration
    from kbroker.catalog.users import Credential, Deletion, Upsertion
    from kbroker.config import Config
    from kbroker.world import World
    from storage.engine import Engine

log = logging.getLogger("kbroker.catalog")

# What new internal topics are made with, as Kafka makes them. What `_MIN_IN_SYNC` names comes on top.
INTERNAL_CONFIGS: Mapping[str, Sequence[tuple[str, str | None]]] = {
    "__consumer_offsets": (
        ("cleanup.policy", "compact"),
        ("compression.type", "producer"),
    ),
    "__transaction_state": (
        ("cleanup.policy", "compact"),
        ("compression.type", "uncompressed"),
        ("unclean.leader.election.enable", "false"),
    ),
    "__share_group_state": (
        ("cleanup.policy", "delete"),
        ("compression.type", "producer"),
        ("retention.ms", "-1"),
    ),
}

# The broker configs that say of how many partitions, on how many nodes, in segments of what size.
_INTERNAL_SIZES = {
    "__consumer_offsets": (
        "offsets.topic.num.partitions", "offsets.topic.replication.factor", "offsets.topic.segment.bytes",
    ),
    "__transaction_state": (
        "transaction.state.log.num.partitions",
        "transaction.state.log.replication.factor",
        "transaction.state.log.segment.bytes",
    ),
    "__share_group_state": (
        "share.coordinator.state.topic.num.partitions",
        "share.coordinator.state.topic.replication.factor",
        "share.coordinator.state.topic.segment.bytes",
    ),
}  # fmt: skip

_MIN_IN_SYNC = {
    "__transaction_state": "transaction.state.log.min.isr",
    "__share_group_state": "share.coordinator.state.topic.min.isr",
}


class Catalog:
    """One for the process, whatever number of nodes it holds."""

    def __init__(
        self,
        engine: Engine,
        world: World,
        config: Config,
        *,
        nodes: Mapping[int, Node],
        cluster_id: str,
        features: Mapping[str, int] | None = None,
        first_leader_epoch: int = 0,
    ) -> None:
        """`first_leader_epoch` is that of new topics: above 0 where clients may remember others of the same names."""
        self.members = nodes
        """The nodes of this process, whether they run or not."""
        self.nodes = dict(nodes)
        """The live ones."""
        self.memo: dict[object, Any] = {}
        """What others make of the live nodes; empty again when others are. Who changes a node empties it."""
        self.cluster_id = cluster_id
        self._config = config
        self._world = world
        self._engine = engine
        self._features = features or {}
        self._subscribers: list[Callable[[Change], None]] = []
        self._listeners: list[Callable[[], None]] = []
        self._rules_listeners: list[Callable[[], None]] = []
        self._nodes_listeners: list[Callable[[], None]] = []
        self._seen: CatalogMachine | None = None
        self._started = False
        self._expiry: Expiry | None = None
        self._runtime: Runtime[CatalogMachine] = Runtime(
            lambda: CatalogMachine(config, list(nodes), first_leader_epoch),
            EngineLog(engine, CATALOG),
            world,
            error=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
            run_task=self._changed,
            on_loaded=self._loaded,
        )

    async def start(self) -> None:
        """Read the log, note that the nodes run."""
        self._must_not_be_lost()
        if CATALOG not in self._engine.logs():
            await self._engine.create([(CATALOG, OPTIONS)])
        racks = {node.id: node.rack for node in self.members.values()}
        await self._runtime.ask(lambda ticket: Start(ticket, self.cluster_id, racks, self._features))
        self._started = True
        self._tell_of_strangers()
        # Asked first whether it is set: the table that has it is not read by a start without.
        if self._config.is_set("delegation.token.secret.key") and self._config["delegation.token.secret.key"]:
            from kbroker.catalog.expiry import Expiry

            self._expiry = Expiry(self._world, self, self._config["delegation.token.expiry.check.interval.ms"])
            self._expiry.start()

    def _must_not_be_lost(self) -> None:
        """Nobody begins anew beside the logs of topics: what they are is said in here only. The first start is noted,
        and synced, before the first topic can be made."""
        others = len(logs := self._engine.logs()) - (CATALOG in logs)
        if others and (CATALOG not in logs or self._engine.bounds(CATALOG).end == 0):
            there = f"there are {others} logs of topics" if others > 1 else "there is 1 log of a topic"
            raise Corrupt(f"the catalog is empty, but {there}: its files have vanished")

    def _tell_of_strangers(self) -> None:
        known = {topic_id.hex() for topic_id in self._runtime.machine.by_id}
        logs = [name for name in self._engine.logs() if name != CATALOG and name.partition("/")[0] not in known]
        if logs:
            which = ", ".join(logs[:3]) + (" ..." if len(logs) > 3 else "")
            many = f"{len(logs)} logs are" if len(logs) > 1 else "1 log is"
            log.warning("%s of no topic that the catalog knows, and left alone: %s", many, which)

    async def stop(self) -> None:
        """Note that the nodes ended in good order, and serve no more. A start that failed leaves the note before it."""
        if self._expiry is not None:
            self._expiry.stop()
        try:
            if self._started:
                await self._runtime.ask(Stop)
        finally:
            await self._runtime.stop()

    # --- views ------------------------------------------------------------------------------------------------------

    @property
    def controller_id(self) -> int:
        """Clients send topic administration there; any live node will do, so it is the first one."""
        return min(self.nodes, default=NO_LEADER)

    @property
    def features(self) -> Features:
        return self._runtime.machine.features

    @property
    def version(self) -> int:
        """Grows with every record that is applied: what was made from views may be kept as long as it stands still."""
        return self._runtime.machine.version

    def topic(self, name: str) -> Topic | None:
        return self._runtime.machine.by_name.get(name)

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        return self._runtime.machine.by_id.get(topic_id)

    def topics(self) -> Sequence[Topic]:
        """All of them, by name."""
        return self._runtime.machine.sorted_topics()

    def leader(self, topic: str | Topic, index: int) -> tuple[int, int]:
        """The leader of a partition and its epoch; (-1, -1) when there is no such partition, (-1, epoch) when its
        leader is gone.
        """
        found = self.topic(topic) if isinstance(topic, str) else topic
        if found is None or not 0 <= index < len(found.partitions):
            return NO_LEADER, NO_EPOCH
        partition = found.partitions[index]
        return (partition.leader if partition.leader in self.nodes else NO_LEADER), partition.leader_epoch

    def overrides(self, kind: int, name: str) -> Mapping[str, str]:
        """What was set for a resource (TOPIC, BROKER, CLIENT_METRICS, GROUP); the broker "" stands for all of them."""
        return self._runtime.machine.overrides(kind, name)

    def configured(self, kind: int) -> Sequence[str]:
        """The resources of a kind, other than topics, for which something is set."""
        return sorted(name for found, name in self._runtime.machine.configs if found == kind)

    @property
    def users(self) -> Mapping[tuple[str, int], Credential]:
        """SCRAM credentials by user and mechanism."""
        return self._runtime.machine.registers.users

    @property
    def quotas(self) -> Mapping[Entity, Mapping[str, float]]:
        return self._runtime.machine.registers.quotas

    @property
    def acls(self) -> Collection[Acl]:
        """Access rules, in the order in which they were made."""
        return self._runtime.machine.registers.acls

    @property
    def tokens(self) -> Mapping[str, Token]:
        """Delegation tokens by id."""
        return self._runtime.machine.registers.tokens

    @property
    def term(self) -> int:
        """How often the controller has been started: it leads the catalog's log for the time of one start."""
        node = self._runtime.machine.nodes.get(self.controller_id)
        return 0 if node is None else int(node.starts)

    @property
    def end(self) -> int:
        """Where the catalog's log ends."""
        return self._engine.bounds(CATALOG).end

    def subscribe(self, callback: Callable[[Change], None]) -> None:
        """Hear of every change once it is durable."""
        self._subscribers.append(callback)

    def on_configured(self, callback: Callable[[], None]) -> None:
        """Hear when broker configs are others, once it is durable."""
        self._listeners.append(callback)

    def on_rules(self, callback: Callable[[], None]) -> None:
        """Hear when access rules or quotas are others, once it is durable."""
        self._rules_listeners.append(callback)

    def on_nodes(self, callback: Callable[[], None]) -> None:
        """Hear when others are live, once it is durable, and before it is told what this changes."""
        self._nodes_listeners.append(callback)

    # --- questions --------------------------------------------------------------------------------------------------

    def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> asyncio.Future[list[Topic | KafkaError]]:
        return self._runtime.ask(lambda ticket: CreateTopics(ticket, topics, validate_only))

    def delete_topics(self, topic_ids: Sequence[bytes]) -> asyncio.Future[list[Topic | KafkaError]]:
        return self._runtime.ask(lambda ticket: DeleteTopics(ticket, topic_ids))

    def create_partitions(
        self, topics: Sequence[NewPartitions], *, validate_only: bool = False
    ) -> asyncio.Future[list[Topic | KafkaError]]:
        return self._runtime.ask(lambda ticket: CreatePartitions(ticket, topics, validate_only))

    def alter_configs(
        self, alterations: Sequence[Alteration], *, validate_only: bool = False
    ) -> asyncio.Future[list[KafkaError | None]]:
        return self._runtime.ask(lambda ticket: AlterConfigs(ticket, alterations, validate_only))

    def run_node(self, node_id: int, running: bool, *, elects: bool = True) -> asyncio.Future[None]:
        """A node goes away or comes back."""
        return self._runtime.ask(lambda ticket: RunNode(ticket, node_id, running, elects))

    def set_in_sync(self, name: str, index: int, in_sync: Sequence[int]) -> asyncio.Future[Topic]:
        return self._runtime.ask(lambda ticket: SetInSync(ticket, name, index, in_sync))

    def move_leader(self, name: str, index: int, leader: int) -> asyncio.Future[Topic]:
        """-1 leaves the partition without a leader."""
        return self._runtime.ask(lambda ticket: MoveLeader(ticket, name, index, leader))

    def reassign(
        self, moves: Sequence[tuple[str, int, Sequence[int] | None]], *, may_change_count: bool = True
    ) -> asyncio.Future[list[KafkaError | None]]:
        """(topic, partition, replicas) each."""
        return self._runtime.ask(lambda ticket: Reassign(ticket, moves, may_change_count))

    def elect(
        self, partitions: Sequence[tuple[str, int]], election_type: int
    ) -> asyncio.Future[list[KafkaError | None]]:
        """(topic, partition) each; the types are those of `moves`."""
        return self._runtime.ask(lambda ticket: Elect(ticket, partitions, election_type))

    def update_features(
        self, updates: Sequence[FeatureUpdate], supported: Mapping[str, tuple[int, int]], *, validate_only: bool = False
    ) -> asyncio.Future[None]:
        return self._runtime.ask(lambda ticket: UpdateFeatures(ticket, updates, supported, validate_only))

    def unregister(self, node_id: int) -> asyncio.Future[None]:
        return self._runtime.ask(lambda ticket: UnregisterNode(ticket, node_id))

    def alter_users(
        self, deletions: Sequence[Deletion], upsertions: Sequence[Upsertion]
    ) -> asyncio.Future[Mapping[str, KafkaError | None]]:
        return self._runtime.ask(lambda ticket: AlterUsers(ticket, deletions, upsertions))

    def alter_quotas(
        self, alterations: Sequence[QuotaAlteration], *, validate_only: bool = False
    ) -> asyncio.Future[list[KafkaError | None]]:
        return self._runtime.ask(lambda ticket: AlterQuotas(ticket, alterations, validate_only))

    def create_acls(self, acls: Sequence[Acl]) -> asyncio.Future[list[KafkaError | None]]:
        return self._runtime.ask(lambda ticket: CreateAcls(ticket, acls))

    def delete_acls(self, filters: Sequence[AclFilter]) -> asyncio.Future[list[list[Acl] | KafkaError]]:
        return self._runtime.ask(lambda ticket: DeleteAcls(ticket, filters))

    def create_token(self, new: NewToken) -> asyncio.Future[Token]:
        limits, now_ms = self._token_limits(), self._world.time_ms()
        return self._runtime.ask(lambda ticket: CreateToken(ticket, new, limits, now_ms))

    def renew_token(self, token_id: str, principal: str, period_ms: int) -> asyncio.Future[int]:
        """Until when it lives now."""
        limits, now_ms = self._token_limits(), self._world.time_ms()
        return self._runtime.ask(lambda ticket: RenewToken(ticket, token_id, principal, period_ms, limits, now_ms))

    def expire_token(self, token_id: str, principal: str, period_ms: int) -> asyncio.Future[int]:
        """Until when it lives now, or did."""
        now_ms = self._world.time_ms()
        return self._runtime.ask(lambda ticket: ExpireToken(ticket, token_id, principal, period_ms, now_ms))

    def sweep_tokens(self) -> asyncio.Future[None]:
        now_ms = self._world.time_ms()
        return self._runtime.ask(lambda ticket: SweepTokens(ticket, now_ms))

    def _token_limits(self) -> Lifetimes:
        from kbroker.catalog.delegation import Lifetimes

        config = self._config
        return Lifetimes(config["delegation.token.max.lifetime.ms"], config["delegation.token.expiry.time.ms"])

    @property
    def producer_ids_end(self) -> int:
        """All producer ids that were ever handed out are below."""
        return self._runtime.machine.next_block

    def next_producer_id(self) -> asyncio.Future[int]:
        return self._runtime.ask(NextProducerId)

    def auto_create(self, name: str) -> asyncio.Future[Topic]:
        """The topic that a client speaks of, made with the broker's defaults if need be."""
        if name in INTERNAL_CONFIGS:
            return self.ensure_internal(name)
        return self._runtime.ask(lambda ticket: EnsureTopic(ticket, NewTopic(name)))

    def makes_internal(self, name: str) -> bool:
        """Whether this broker has a use for that internal topic."""
        return name in INTERNAL_CONFIGS

    def ensure_internal(self, name: str) -> asyncio.Future[Topic]:
        """An internal topic, made on first use with configs of its own."""
        partitions, width, segment_bytes = [cast(int, self._config[each]) for each in _INTERNAL_SIZES[name]]
        replication_factor = min(len(self.members), width)
        configs = [*INTERNAL_CONFIGS[name], ("segment.bytes", str(segment_bytes))]
        if name in _MIN_IN_SYNC:
            in_sync = min(replication_factor, cast(int, self._config[_MIN_IN_SYNC[name]]))
            configs.append(("min.insync.replicas", str(in_sync)))
        new = NewTopic(name, partitions, replication_factor, configs=configs)
        return self._runtime.ask(lambda ticket: EnsureTopic(ticket, new))

    # --- what the runtime tells -------------------------------------------------------------------------------------

    def _changed(self, change: Any) -> None:
        if isinstance(change, LogsOrphaned):
            self._drop_logs(change.topic_ids)
            return
        if isinstance(change, BrokersConfigured):
            for listener in self._listeners:
                listener()
            return
        if isinstance(change, NodesChanged):
            self._show(change.live)
            return
        if isinstance(change, RulesChanged):
            for listener in self._rules_listeners:
                listener()
            return
        for callback in self._subscribers:
            callback(change)

    def _show(self, live: Sequence[int]) -> None:
        """What was made from views says who is live."""
        self.memo.clear()
        self.nodes = {node_id: node for node_id, node in self.members.items() if node_id in live}
        for topic in self.topics():
            topic.memo.clear()
        for listener in self._nodes_listeners:
            listener()

    def _drop_logs(self, topic_ids: Sequence[bytes]) -> None:
        """Of topics that an earlier process deleted. A log of a topic that was never heard of is left alone."""
        gone = {topic_id.hex() for topic_id in topic_ids}
        logs = [name for name in self._engine.logs() if name.partition("/")[0] in gone]
        if logs:
            log.info("dropping %d logs of topics that were deleted before the last stop", len(logs))
            self._engine.delete(logs)

    def _loaded(self, machine: CatalogMachine) -> None:
        """After a failed append, topics may be gone that views have shown: their logs are to be dropped like those of
        deleted ones.
        """
        before, self._seen = self._seen, machine
        if before is not None:
            self._changed(RulesChanged())
            self._show(machine.live)
            for topic_id, topic in before.by_id.items():
                if topic_id not in machine.by_id:
                    self._changed(TopicDeleted(topic))
