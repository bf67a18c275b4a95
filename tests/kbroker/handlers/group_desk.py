"""The desk with groups: topics `t` and `u` of two partitions each, the offsets topic, and what members ask in any
version.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from kbroker.catalog import Change, NewTopic, TopicCreated, TopicDeleted
from kbroker.catalog.features import SUPPORTED, UPGRADE, FeatureUpdate
from kbroker.groups import Groups
from kbroker.internal_topics import make_internal_topics
from kbroker.partitions import Partitions
from tests.kbroker.groups.bench import subscription
from tests.kbroker.handlers.desk import Desk, Strict
from tests.kbroker.virtual import VirtualWorld, run
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from wire.primitives import ZERO_UUID

NEWEST = {"join_group": 9, "sync_group": 5, "heartbeat": 4, "leave_group": 5, "offset_commit": 9, "offset_fetch": 9}


class GroupDesk(Desk):
    def __init__(self, world: VirtualWorld, nodes: Sequence[int], config: Mapping[str, str]) -> None:
        super().__init__(world, nodes, config)
        cluster = self.cluster
        cluster.partitions = Partitions(cluster.engine, world)
        cluster.groups = self._groups()
        cluster.catalog.subscribe(self._changed)

    async def start(self) -> "GroupDesk":
        await super().start()
        catalog = self.cluster.catalog
        await catalog.update_features([FeatureUpdate("streams.version", 1, UPGRADE)], SUPPORTED)
        await catalog.create_topics([NewTopic("t", 2), NewTopic("u", 2)])
        await self.cluster.catalog.ensure_internal("__consumer_offsets")
        return self

    def _changed(self, change: Change) -> None:
        if isinstance(change, TopicDeleted):
            self.cluster.partitions.drop(change.topic)
        elif not isinstance(change, TopicCreated):
            self.cluster.partitions.changed(change.topic)

    def context(self, key: int, version: int, node: int | None = None) -> Strict:
        ctx = super().context(key, version, node)
        ctx.connection = SimpleNamespace(host="127.0.0.1", local_host="127.0.0.1")  # type: ignore[assignment]
        return ctx

    def topic_id(self, name: str) -> bytes:
        topic = self.cluster.catalog.topic(name)
        assert topic is not None
        return topic.id

    def restart_groups(self) -> None:
        """As after a crash: what is not in the log is gone."""
        cluster = self.cluster
        cluster.partitions = Partitions(cluster.engine, self.world)
        cluster.groups = self._groups()

    def _groups(self) -> Groups:
        cluster = self.cluster
        make_topics = partial(make_internal_topics, cluster.catalog, self.world)
        return Groups(cluster.config, self.world, cluster.catalog, cluster.partitions, make_topics=make_topics)

    # --- what members ask -------------------------------------------------------------------------------------------

    async def join(self, version: int = 9, member: str = "", *, group: str = "g", **options: Any) -> Any:
        """Joins; who is given a member id first comes back with it."""
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=options.pop("session_timeout_ms", 10_000),
            rebalance_timeout_ms=30_000,
            member_id=member,
            protocol_type=options.pop("protocol_type", "consumer"),
            protocols=[JoinGroupRequestProtocol(name="range", metadata=subscription("t"))],
            **options,
        )
        response = await self.ask(request, version)
        if response.error_code == 79:
            request.member_id = response.member_id
            response = await self.ask(request, version)
        return response

    async def sync(
        self,
        member: str,
        generation: int,
        assignments: Mapping[str, bytes] | None = None,
        version: int = 5,
        **options: Any,
    ) -> Any:
        names = {"protocol_type": "consumer", "protocol_name": "range"} if version >= 5 else {}
        request = SyncGroupRequest(
            group_id=options.pop("group", "g"),
            generation_id=generation,
            member_id=member,
            assignments=[
                SyncGroupRequestAssignment(member_id=each, assignment=blob)
                for each, blob in (assignments or {}).items()
            ],
            **(names | options),
        )
        return await self.ask(request, version)

    async def heartbeat(self, member: str, generation: int, version: int = 4, **options: Any) -> int:
        request = HeartbeatRequest(
            group_id=options.pop("group", "g"), generation_id=generation, member_id=member, **options
        )
        code: int = (await self.ask(request, version)).error_code
        return code

    async def leave(self, member: str, version: int = 5, *, group: str = "g") -> Any:
        if version >= 3:
            request = LeaveGroupRequest(group_id=group, member_id="", members=[MemberIdentity(member_id=member)])
        else:
            request = LeaveGroupRequest(group_id=group, member_id=member, members=[])
        return await self.ask(request, version)

    async def member(self, *, group: str = "g", version: int = 9) -> tuple[str, int]:
        """One member in a stable group of its own."""
        joined = await self.join(version, group=group)
        member: str = joined.member_id
        await self.sync(member, joined.generation_id, {member: b"all"}, group=group)
        return member, joined.generation_id

    async def commit(
        self, offsets: Mapping[tuple[str, int], int], version: int = 9, *, group: str = "g", **options: Any
    ) -> dict[tuple[Any, int], int]:
        """The error codes by topic (its id from version 10 on) and partition."""
        by_id = version >= 10
        metadata = options.pop("metadata", "note")
        request = OffsetCommitRequest(
            group_id=group,
            topics=[
                OffsetCommitRequestTopic(
                    name="" if by_id else topic,
                    topic_id=self.topic_id(topic) if by_id else ZERO_UUID,
                    partitions=[
                        OffsetCommitRequestPartition(
                            partition_index=index, committed_offset=offset, committed_metadata=metadata
                        )
                    ],
                )
                for (topic, index), offset in offsets.items()
            ],
            **({"member_id": ""} | options),
        )
        response = await self.ask(request, version)
        return {
            (topic.topic_id if by_id else topic.name, each.partition_index): each.error_code
            for topic in response.topics
            for each in topic.partitions
        }

    async def fetch(self, topics: Mapping[str, list[int]] | None, version: int = 9, *, group: str = "g") -> Any:
        """Offset and error of each partition, by topic and partition."""
        by_id = version >= 10
        if version >= 8:
            asked = None
            if topics is not None:
                asked = [
                    OffsetFetchRequestTopics(
                        name="" if by_id else name,
                        topic_id=self.topic_id(name) if by_id else ZERO_UUID,
                        partition_indexes=indexes,
                    )
                    for name, indexes in topics.items()
                ]
            request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=asked)])
            response = (await self.ask(request, version)).groups[0]
        else:
            old = None
            if topics is not None:
                old = [OffsetFetchRequestTopic(name=name, partition_indexes=each) for name, each in topics.items()]
            response = await self.ask(OffsetFetchRequest(group_id=group, topics=old, groups=[]), version)
        names = {self.topic_id(name): name for name in ("t", "u")}
        assert not response.error_code
        return {
            (names.get(topic.topic_id, "?") if by_id else topic.name, each.partition_index): (
                each.committed_offset,
                each.error_code,
            )
            for topic in response.topics
            for each in topic.partitions
        }


def among_groups(
    test: Callable[[GroupDesk], Any], *, nodes: Sequence[int] = (1,), config: Mapping[str, str] | None = None
) -> None:
    """Run a test at a desk of its own."""

    async def whole(world: VirtualWorld) -> None:
        desk = await GroupDesk(world, nodes, config or {}).start()
        await test(desk)
        await desk.cluster.groups.stop()

    run(whole)
