"""The desk with share groups: topics `t` and `u` of two partitions each, and what members ask."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from kbroker.groups import Groups
from kbroker.partitions import Partitions
from kbroker.share_groups import ShareGroups
from kbroker.shares import Shares
from tests.kbroker.handlers.desk import Strict
from tests.kbroker.handlers.group_desk import GroupDesk
from tests.kbroker.handlers.test_incremental_alter_configs import GROUP, SET, change
from tests.kbroker.virtual import VirtualWorld, run
from wire.batch import batches
from wire.messages.share_acknowledge import AcknowledgementBatch as AcknowledgedRange
from wire.messages.share_acknowledge import AcknowledgePartition, AcknowledgeTopic, ShareAcknowledgeRequest
from wire.messages.share_fetch import AcknowledgementBatch, FetchPartition, FetchTopic, ShareFetchRequest
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest
from wire.records import Record, build_batch

Range = tuple[int, int, Sequence[int]]


class ShareDesk(GroupDesk):
    features: Mapping[str, int] = {"share.version": 2}

    def __init__(self, world: VirtualWorld, nodes: Sequence[int], config: Mapping[str, str]) -> None:
        super().__init__(world, nodes, config)
        self.epochs: dict[str, int] = {}
        self._compose()

    def _compose(self) -> None:
        cluster = self.cluster
        cluster.shares = Shares(cluster.config, self.world, cluster.catalog, cluster.partitions, ShareGroups(cluster))
        cluster.groups.share_states = lambda: cluster.shares

    def context(self, key: int, version: int, node: int | None = None) -> Strict:
        ctx = super().context(key, version, node)
        ctx.connection = SimpleNamespace(id=1, host="127.0.0.1", local_host="127.0.0.1")  # type: ignore[assignment]
        return ctx

    async def restart(self) -> None:
        """What is not in the logs is gone."""
        cluster = self.cluster
        await cluster.shares.stop()
        await cluster.groups.stop()
        cluster.partitions = Partitions(cluster.engine, self.world)
        cluster.groups = Groups(cluster.config, self.world, cluster.catalog, cluster.partitions)
        self.epochs.clear()
        self._compose()

    async def configure(self, group: str = "g", **configs: str) -> None:
        """Set configs of the group; an underscore stands for a dot."""
        changed = [(name.replace("_", "."), SET, value) for name, value in configs.items()]
        assert await change(self, GROUP, group, *changed) == (0, None)

    # --- what there is ----------------------------------------------------------------------------------------------

    async def produce(self, count: int, topic: str = "t", index: int = 0, **options: Any) -> int:
        """A batch of so many records; its first offset."""
        found = self.cluster.catalog.topic(topic)
        assert found is not None
        partition = self.cluster.partitions.open(found, index)
        await partition.ready()
        batch = build_batch([Record(value=b"%d" % number, timestamp=self.world.time_ms()) for number in range(count)],
                            **options)  # fmt: skip
        return await partition.append([batch])

    # --- what members ask -------------------------------------------------------------------------------------------

    async def beat(self, member: str = "m", epoch: int = 0, *topics: str, group: str = "g", **options: Any) -> Any:
        """Joins with `t` unless something else is said."""
        names = list(topics) or (["t"] if epoch == 0 else None)
        return await self.ask(
            ShareGroupHeartbeatRequest(
                group_id=group, member_id=member, member_epoch=epoch, subscribed_topic_names=names, **options
            ),
            1,
            node=self.home(group),
        )

    def home(self, group: str) -> int:
        """The node that coordinates the group."""
        place = self.cluster.groups.coordinator(group)
        return self.cluster.catalog.leader("__consumer_offsets", place)[0]

    async def fetch(
        self,
        member: str = "m",
        *ranges: Range,
        index: int = 0,
        topic: str = "t",
        epoch: int | None = None,
        version: int = 2,
        node: int | None = None,
        **options: Any,
    ) -> Any:
        """With the epoch that comes next, and what became of records of one partition."""
        epoch = self.epochs.get(member, 0) if epoch is None else epoch
        said = [
            AcknowledgementBatch(first_offset=first, last_offset=last, acknowledge_types=list(types))
            for first, last, types in ranges
        ]
        partition = FetchPartition(partition_index=index, acknowledgement_batches=said)
        request = ShareFetchRequest(
            group_id=options.pop("group", "g"),
            member_id=member,
            share_session_epoch=epoch,
            max_wait_ms=options.pop("max_wait_ms", 0),
            min_bytes=options.pop("min_bytes", 1),
            max_bytes=options.pop("max_bytes", 1 << 20),
            max_records=options.pop("max_records", 500),
            batch_size=options.pop("batch_size", 500),
            topics=[FetchTopic(topic_id=self.topic_id(topic), partitions=[partition])] if ranges or epoch == 0 else [],
            forgotten_topics_data=[],
            **options,
        )
        response = await self.ask(request, version, node=node)
        if not response.error_code:
            self.epochs[member] = epoch + 1
        return response

    async def acknowledge(
        self,
        member: str = "m",
        *ranges: Range,
        index: int = 0,
        epoch: int | None = None,
        node: int | None = None,
        **options: Any,
    ) -> Any:
        epoch = self.epochs.get(member, 0) if epoch is None else epoch
        said = [
            AcknowledgedRange(first_offset=first, last_offset=last, acknowledge_types=list(types))
            for first, last, types in ranges
        ]
        partition = AcknowledgePartition(partition_index=index, acknowledgement_batches=said)
        request = ShareAcknowledgeRequest(
            group_id="g",
            member_id=member,
            share_session_epoch=epoch,
            topics=[AcknowledgeTopic(topic_id=self.topic_id("t"), partitions=[partition])],
            **options,
        )
        response = await self.ask(request, 2, node=node)
        if not response.error_code:
            self.epochs[member] = epoch + 1
        return response


def acquired(response: Any) -> list[tuple[int, int, int]]:
    """First and last offset, and the count, of all that a fetch has brought."""
    assert response.error_code == 0
    return [
        (each.first_offset, each.last_offset, each.delivery_count)
        for topic in response.responses
        for partition in topic.partitions
        for each in partition.acquired_records
    ]


def codes(response: Any) -> list[tuple[int, int]]:
    """Partition and error."""
    return [(one.partition_index, one.error_code) for topic in response.responses for one in topic.partitions]


def offsets(response: Any) -> list[tuple[int, int]]:
    """First and last offset of the batches that came."""
    return [
        (batch.base_offset, batch.last_offset)
        for topic in response.responses
        for partition in topic.partitions
        for batch in batches(partition.records or b"")
    ]


def at_a_share_desk(
    test: Any,
    *,
    nodes: Sequence[int] = (1,),
    config: Mapping[str, str] | None = None,
    desk: type[ShareDesk] = ShareDesk,
) -> None:
    async def whole(world: VirtualWorld) -> None:
        one = desk(world, nodes, config or {})
        await one.start()
        await test(one)

    run(whole)
