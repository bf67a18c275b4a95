"""Members of a classic group: join, share the partitions, read from the committed offset on, commit, leave or die.

The leader deals out the partitions in turn. The blobs of subscription and assignment are plain text: they are opaque to
a broker.
"""

from contextlib import suppress
from dataclasses import dataclass

from wire.batch import batches
from wire.errors import ErrorCode
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

from .actors import FETCH_VERSION, RETRIABLE, TOPIC, Actor
from .client import Gone

GROUP = "readers"
PROTOCOL = "in turn"
JOIN_VERSION, SYNC_VERSION, HEARTBEAT_VERSION, LEAVE_VERSION = 9, 5, 4, 5
COMMIT_VERSION, FETCH_OFFSETS_VERSION = 8, 8
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
    partitions = 1
    instance_id: str | None = None

    async def run(self) -> None:
        member_id = ""
        while not self.stopping:
            try:
                mine = await self.join(member_id)
                member_id = mine.member_id
                await self.work(mine)
                if self.dice.random() < 0.3:
                    await self.leave(mine)
                    member_id = ""
            except Gone:
                self.hits["member lost its broker"] += 1
            except Rejoin as why:
                self.hits[f"rejoin {why}"] += 1
                if str(why) in ("UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"):
                    member_id = ""
                await self.pause(self.dice.random() * 0.05)
                if str(why) == "NOT_COORDINATOR":
                    await self.find_coordinator()

    async def find_coordinator(self) -> None:
        """There is one broker, but a coordinator only exists once somebody has asked for it."""
        with suppress(Gone):
            connection = await self.connected()
            request = FindCoordinatorRequest(key_type=0, coordinator_keys=[GROUP])
            answer = await connection.ask(request, 4, FindCoordinatorResponse)
            self.hits["found a coordinator"] += answer.coordinators[0].error_code == 0

    def check(self, error_code: int) -> None:
        if error_code:
            code = ErrorCode(error_code)
            assert code in LOST_MEMBERSHIP, (self.name, code)
            raise Rejoin(code.name)

    async def join(self, member_id: str) -> Membership:
        connection = await self.connected()
        while True:
            request = JoinGroupRequest(
                group_id=GROUP,
                session_timeout_ms=10_000,
                rebalance_timeout_ms=20_000,
                member_id=member_id,
                group_instance_id=self.instance_id,
                protocol_type="consumer",
                protocols=[JoinGroupRequestProtocol(name=PROTOCOL, metadata=self.name.encode())],
                reason="",
            )
            joined = await connection.ask(request, JOIN_VERSION, JoinGroupResponse)
            if joined.error_code != ErrorCode.MEMBER_ID_REQUIRED:
                break
            member_id = joined.member_id
        self.check(joined.error_code)
        deal: list[SyncGroupRequestAssignment] = []
        if joined.leader == joined.member_id and not joined.skip_assignment:
            self.hits["led a generation"] += 1
            members = [member.member_id for member in joined.members]
            hands = {
                member: [p for p in range(self.partitions) if members[p % len(members)] == member] for member in members
            }
            deal = [
                SyncGroupRequestAssignment(member_id=member, assignment=",".join(map(str, hand)).encode())
                for member, hand in hands.items()
            ]
        synced = await connection.ask(
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
        owned[joined.member_id] = tuple((TOPIC, partition) for partition in hand)
        return Membership(joined.member_id, joined.generation_id, hand)

    async def work(self, mine: Membership) -> None:
        """A few rounds of reading, committing and heartbeats, then this member wants to leave or to join anew."""
        position = await self.committed(mine)
        for _ in range(self.dice.randint(2, 12)):
            if self.stopping:
                return
            await self.read_on(position)
            if self.dice.random() < 0.6:
                await self.commit(mine, position)
            await self.heartbeat(mine)
            await self.pause(self.dice.random() * 0.2)

    async def committed(self, mine: Membership) -> dict[int, int]:
        acknowledged = {p: self.history.commits.get((GROUP, (TOPIC, p)), -1) for p in mine.partitions}
        connection = await self.connected()
        answer = await connection.ask(
            OffsetFetchRequest(
                groups=[
                    OffsetFetchRequestGroup(
                        group_id=GROUP,
                        topics=[OffsetFetchRequestTopics(name=TOPIC, partition_indexes=list(mine.partitions))],
                    )
                ]
            ),
            FETCH_OFFSETS_VERSION,
            OffsetFetchResponse,
        )
        (group,) = answer.groups
        self.check(group.error_code)
        found = {part.partition_index: part.committed_offset for topic in group.topics for part in topic.partitions}
        for partition, offset in found.items():
            self.history.fetched_commits.append((GROUP, (TOPIC, partition), acknowledged[partition], offset))
        return {partition: max(offset, 0) for partition, offset in found.items()}

    async def read_on(self, position: dict[int, int]) -> None:
        connection = await self.connected()
        parts = [FetchPartition(partition=p, fetch_offset=at, partition_max_bytes=2000) for p, at in position.items()]
        answer = await connection.ask(
            FetchRequest(
                max_wait_ms=20,
                min_bytes=1,
                topics=[FetchTopic(topic=TOPIC, partitions=parts)] if parts else [],
                forgotten_topics_data=[],
            ),
            FETCH_VERSION,
            FetchResponse,
        )
        for part in (part for topic in answer.responses for part in topic.partitions):
            for batch in batches(part.records if isinstance(part.records, memoryview) else b""):
                position[part.partition_index] = max(position[part.partition_index], batch.next_offset)

    async def commit(self, mine: Membership, position: dict[int, int]) -> None:
        connection = await self.connected()
        offsets = dict(position)
        answer = await connection.ask(
            OffsetCommitRequest(
                group_id=GROUP,
                generation_id_or_member_epoch=mine.generation,
                member_id=mine.member_id,
                group_instance_id=self.instance_id,
                topics=[
                    OffsetCommitRequestTopic(
                        name=TOPIC,
                        partitions=[
                            OffsetCommitRequestPartition(partition_index=p, committed_offset=at, committed_metadata="")
                            for p, at in offsets.items()
                        ],
                    )
                ],
            ),
            COMMIT_VERSION,
            OffsetCommitResponse,
        )
        for part in (part for topic in answer.topics for part in topic.partitions):
            self.check(part.error_code)
            key = (GROUP, (TOPIC, part.partition_index))
            self.history.commits[key] = max(self.history.commits.get(key, -1), offsets[part.partition_index])
            self.hits["commit"] += 1

    async def heartbeat(self, mine: Membership) -> None:
        connection = await self.connected()
        request = HeartbeatRequest(
            group_id=GROUP, generation_id=mine.generation, member_id=mine.member_id, group_instance_id=self.instance_id
        )
        answer = await connection.ask(request, HEARTBEAT_VERSION, HeartbeatResponse)
        self.check(answer.error_code)

    async def leave(self, mine: Membership) -> None:
        connection = await self.connected()
        identity = MemberIdentity(member_id=mine.member_id, group_instance_id=None, reason="enough")
        request = LeaveGroupRequest(group_id=GROUP, members=[identity])
        answer = await connection.ask(request, LEAVE_VERSION, LeaveGroupResponse)
        self.check(answer.error_code)
        self.hits["left"] += 1
