"""Members of a classic group: join, share the partitions, read from the committed offset on, commit, leave or die.

The leader deals out the partitions in turn. The blobs of subscription and assignment are plain text: they are opaque to
a broker. A member may be static, may fall asleep beyond its session and then commit as if nothing had been (a zombie),
and may die: it says nothing more, and somebody else with the same name comes later.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from wire.errors import ErrorCode
from wire.messages.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse
from wire.schema import Request, Response

from .actors import RETRIABLE, TOPIC, Actor, values
from .client import Gone
from .history import Commit
from .readers import FETCH_VERSION

R = TypeVar("R", bound=Response)

GROUP = "readers"
PROTOCOL = "in turn"
FIND_VERSION, JOIN_VERSION, SYNC_VERSION, HEARTBEAT_VERSION, LEAVE_VERSION = 4, 9, 5, 4, 5
COMMIT_VERSION, FETCH_OFFSETS_VERSION, DESCRIBE_VERSION = 8, 8, 6
SESSION_MS, STATIC_SESSION_MS, REBALANCE_MS = 1_500, 4_000, 1_000
LOST_MEMBERSHIP = {
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.REBALANCE_IN_PROGRESS,
    ErrorCode.FENCED_INSTANCE_ID,
    *RETRIABLE,
}


class Rejoin(Exception):
    """The membership is over or has to be made again."""


@dataclass
class Membership:
    member_id: str
    generation: int
    partitions: tuple[int, ...]


class Member(Actor):
    instance_id: str | None = None
    session_ms = SESSION_MS
    member_id = ""
    coordinator: int | None = None

    async def run(self) -> None:
        while not self.stopping:
            try:
                mine = await self.join()
                await self.work(mine)
                if not self.stopping:
                    await self.turn(mine)
            except Gone:
                self.hits["member lost its broker"] += 1
            except Rejoin as why:
                self.hits[f"rejoin {why}"] += 1
                if str(why) in ("UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"):
                    self.member_id = ""
                await self.pause(self.dice.random() * 0.05)

    async def turn(self, mine: Membership) -> None:
        """It has worked for a while: it goes on in the next generation, or something happens to it."""
        chance = self.dice.random()
        if chance < 0.2 and self.instance_id is None:
            await self.leave(mine)
            self.member_id = ""
        elif chance < 0.35:
            self.die()
            await self.pause(self.dice.random() * 3)
        elif chance < 0.6:
            await self.walk_dead(mine)

    def die(self) -> None:
        """Without a word, and also without closing its connections."""
        self.hits["static member died" if self.instance_id else "member died"] += 1
        self.connections.clear()
        self.member_id = ""

    async def walk_dead(self, mine: Membership) -> None:
        """Sleep, perhaps beyond the session, then commit as if nothing had been."""
        self.hits["member slept"] += 1
        position = await self.committed(mine)
        await self.pause(self.dice.random() * 1.5 * self.session_ms / 1000)
        await self.commit(mine, position)

    async def ask(self, request: Request, version: int, kind: type[R]) -> R:
        """Ask the coordinator, whichever node that is."""
        while self.coordinator is None:
            await self.find_coordinator()
        return await (await self.connected(self.coordinator)).ask(request, version, kind)

    async def find_coordinator(self) -> None:
        """A coordinator only exists once somebody has asked for it."""
        connection = await self.connected()
        request = FindCoordinatorRequest(key_type=0, coordinator_keys=[GROUP])
        answer = await connection.ask(request, FIND_VERSION, FindCoordinatorResponse)
        found = answer.coordinators[0]
        if found.error_code == 0:
            self.hits["found a coordinator"] += 1
            self.coordinator = found.node_id
            return
        assert ErrorCode(found.error_code) in RETRIABLE, ErrorCode(found.error_code)
        await self.pause(0.05)

    def check(self, error_code: int) -> None:
        if error_code:
            code = ErrorCode(error_code)
            assert code in LOST_MEMBERSHIP, (self.name, code)
            if code in (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE):
                self.coordinator = None
            raise Rejoin(code.name)

    @property
    def key(self) -> str:
        """What a deal calls this member: a static one keeps its place under a new member id."""
        return self.instance_id or self.member_id

    async def join(self) -> Membership:
        joined = await self.join_phase()
        self.member_id = joined.member_id
        if self.instance_id is not None and not self.is_calm and self.dice.random() < 0.15:
            self.hits["slept between join and sync"] += 1
            await self.pause(self.dice.random() * 3)
        deal = self.deal(joined) if joined.leader == joined.member_id and not joined.skip_assignment else []
        synced = await self.ask(
            SyncGroupRequest(
                group_id=GROUP,
                generation_id=joined.generation_id,
                member_id=joined.member_id,
                group_instance_id=self.instance_id,
                protocol_type="consumer",
                protocol_name=PROTOCOL,
                assignments=deal,
            ),
            SYNC_VERSION,
            SyncGroupResponse,
        )
        self.check(synced.error_code)
        hand = tuple(int(part) for part in bytes(synced.assignment).decode().split(",") if part)
        owned = self.history.owned[GROUP, joined.generation_id]
        owned[self.key] = tuple((TOPIC, partition) for partition in hand)
        return Membership(joined.member_id, joined.generation_id, hand)

    async def join_phase(self) -> JoinGroupResponse:
        while True:
            request = JoinGroupRequest(
                group_id=GROUP,
                session_timeout_ms=self.session_ms,
                rebalance_timeout_ms=REBALANCE_MS,
                member_id=self.member_id,
                group_instance_id=self.instance_id,
                protocol_type="consumer",
                protocols=[JoinGroupRequestProtocol(name=PROTOCOL, metadata=self.name.encode())],
                reason="",
            )
            joined = await self.ask(request, JOIN_VERSION, JoinGroupResponse)
            if joined.error_code != ErrorCode.MEMBER_ID_REQUIRED:
                self.check(joined.error_code)
                return joined
            self.member_id = joined.member_id

    def deal(self, joined: JoinGroupResponse) -> list[SyncGroupRequestAssignment]:
        """The leader's work: every partition to one member."""
        self.hits["led a generation"] += 1
        members = joined.members
        hands = [[p for p in range(self.scene.partitions) if p % len(members) == i] for i in range(len(members))]
        self.history.dealt[GROUP, joined.generation_id].append(
            {
                member.group_instance_id or member.member_id: tuple((TOPIC, p) for p in hand)
                for member, hand in zip(members, hands, strict=True)
            }
        )
        return [
            SyncGroupRequestAssignment(member_id=member.member_id, assignment=",".join(map(str, hand)).encode())
            for member, hand in zip(members, hands, strict=True)
        ]

    async def work(self, mine: Membership) -> None:
        """Some rounds of reading, committing and heartbeats; in the calm at the end, round upon round."""
        position = await self.committed(mine)
        rounds = self.dice.randint(2, 12)
        while not self.stopping and (self.is_calm or rounds):
            rounds = max(rounds - 1, 0)
            await self.read_on(position)
            if self.dice.random() < 0.6:
                await self.commit(mine, position)
            await self.heartbeat(mine)
            await self.pause(0.3 if self.is_calm else self.dice.random() * 0.2)

    async def committed(self, mine: Membership) -> dict[int, int]:
        acknowledged = {p: self.history.commits.get((GROUP, (TOPIC, p)), -1) for p in mine.partitions}
        topics = [OffsetFetchRequestTopics(name=TOPIC, partition_indexes=list(mine.partitions))]
        asked = OffsetFetchRequestGroup(group_id=GROUP, topics=topics)
        answer = await self.ask(OffsetFetchRequest(groups=[asked]), FETCH_OFFSETS_VERSION, OffsetFetchResponse)
        (group,) = answer.groups
        self.check(group.error_code)
        found = {part.partition_index: part.committed_offset for topic in group.topics for part in topic.partitions}
        for partition, offset in found.items():
            self.history.fetched_commits.append((GROUP, (TOPIC, partition), acknowledged[partition], offset))
        return {partition: max(offset, 0) for partition, offset in found.items()}

    async def read_on(self, position: dict[int, int]) -> None:
        for partition, at in list(position.items()):
            connection = await self.connected(await self.leader(partition))
            asked = FetchPartition(partition=partition, fetch_offset=at, partition_max_bytes=2000)
            topic = FetchTopic(topic=TOPIC, partitions=[asked])
            request = FetchRequest(max_wait_ms=20, min_bytes=1, topics=[topic], forgotten_topics_data=[])
            answer = await connection.ask(request, FETCH_VERSION, FetchResponse)
            (part,) = answer.responses[0].partitions
            if part.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
                position[partition] = max(at, await self.earliest(partition))
            elif part.error_code:
                await self.refused(part.error_code, "member's fetch", partition)
            for _, _, next_offset in values(part.records):
                position[partition] = max(position[partition], next_offset)

    async def commit(self, mine: Membership, position: dict[int, int]) -> None:
        offsets = dict(position)
        newest = self.history.newest_generation(GROUP)
        parts = [
            OffsetCommitRequestPartition(partition_index=p, committed_offset=at, committed_metadata="")
            for p, at in offsets.items()
        ]
        request = OffsetCommitRequest(
            group_id=GROUP,
            generation_id_or_member_epoch=mine.generation,
            member_id=mine.member_id,
            group_instance_id=self.instance_id,
            topics=[OffsetCommitRequestTopic(name=TOPIC, partitions=parts)],
        )
        answer = await self.ask(request, COMMIT_VERSION, OffsetCommitResponse)
        for part in (part for topic in answer.topics for part in topic.partitions):
            self.check(part.error_code)
            key = (GROUP, (TOPIC, part.partition_index))
            self.history.commits[key] = max(self.history.commits.get(key, -1), offsets[part.partition_index])
            self.history.commits_by_generation.append(Commit(GROUP, mine.member_id, mine.generation, newest))
            self.hits["commit"] += 1

    async def heartbeat(self, mine: Membership) -> None:
        request = HeartbeatRequest(
            group_id=GROUP, generation_id=mine.generation, member_id=mine.member_id, group_instance_id=self.instance_id
        )
        answer = await self.ask(request, HEARTBEAT_VERSION, HeartbeatResponse)
        self.check(answer.error_code)

    async def leave(self, mine: Membership) -> None:
        identity = MemberIdentity(member_id=mine.member_id, group_instance_id=None, reason="enough")
        request = LeaveGroupRequest(group_id=GROUP, members=[identity])
        answer = await self.ask(request, LEAVE_VERSION, LeaveGroupResponse)
        self.check(answer.error_code)
        self.hits["left"] += 1

    async def describe(self, living: tuple[str, ...]) -> None:
        """What the coordinator says of the group, beside who is really in it."""
        answer = await self.ask(DescribeGroupsRequest(groups=[GROUP]), DESCRIBE_VERSION, DescribeGroupsResponse)
        (group,) = answer.groups
        members = tuple(member.member_id for member in group.members)
        self.history.groups.append((GROUP, group.group_state, members, living))


class StaticMember(Member):
    """KIP-345: it may go away and come back, and has its place as before. Others go on without it meanwhile."""

    session_ms = STATIC_SESSION_MS

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.instance_id = f"seat of {self.name}"


class Passerby(Member):
    """Joins when all is calm, and dies in its first round of work."""

    async def run(self) -> None:
        while True:
            try:
                await self.heartbeat(await self.join())
            except (Gone, Rejoin):
                continue
            self.die()
            return


CALM_SECONDS = (STATIC_SESSION_MS + SESSION_MS + REBALANCE_MS) / 1000 + 1
"""In this time everybody's session ends who is not alive, and everybody else finds a place."""


async def describe(members: list[Member]) -> None:
    asker = Member("describer", members[0].dice, members[0].scene)
    while True:
        with suppress(Gone):
            await asker.describe(tuple(member.member_id for member in members))
            return
