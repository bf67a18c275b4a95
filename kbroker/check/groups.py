"""Stages 7 and 8: a classic group with one member, and offsets."""

from __future__ import annotations

from kbroker.check.peer import Peer, Wrong, expect, same
from kbroker.check.stages import Bench
from wire.durable.assignment import AssignedTopicPartition, ConsumerProtocolAssignment, ConsumerProtocolSubscription
from wire.durable.codec import encode_value
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
from wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic, OffsetFetchResponse
from wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse
from wire.primitives import ZERO_UUID

OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN, HEARTBEAT, LEAVE, SYNC = 8, 9, 10, 11, 12, 13, 14
LOADING, NOT_AVAILABLE, NOT_COORDINATOR = 14, 15, 16
ILLEGAL_GENERATION, UNKNOWN_MEMBER, MEMBER_ID_REQUIRED = 22, 25, 79
ONE_GROUP, BY_NAME = 7, 9
GROUP, TRANSACTION = 0, 1
OFFSET = 42


def finds_a_coordinator(bench: Bench) -> None:
    """FindCoordinator names the broker that looks after a group, in every version."""
    bench.kept["group"] = bench.name("group")
    for version in bench.each(FIND_COORDINATOR):
        find_coordinator(bench, bench.kept["group"], GROUP, version)


def find_coordinator(bench: Bench, key: str, kind: int, version: int) -> None:
    """As often as a client would ask: the topic behind it may have to be made first."""
    several = version >= 4
    request = FindCoordinatorRequest(key="" if several else key, key_type=kind, coordinator_keys=[key] * several)
    for _ in bench.patiently():
        with bench.peer() as peer:
            told = peer.ask(request, version, FindCoordinatorResponse)
        found = told.coordinators[0] if several else told
        if found.error_code not in (LOADING, NOT_AVAILABLE):
            break
    expect(found.error_code, 0, f"FindCoordinator v{version}")
    if not found.host or not 0 < found.port < 65536:
        raise Wrong(f"FindCoordinator v{version} names {found.host}:{found.port}")


def join(peer: Peer, bench: Bench, member: str) -> JoinGroupResponse:
    subscription = ConsumerProtocolSubscription(topics=[bench.kept["topic"]], owned_partitions=[])
    request = JoinGroupRequest(
        group_id=bench.kept["group"],
        session_timeout_ms=10_000,
        rebalance_timeout_ms=10_000,
        member_id=member,
        group_instance_id=None,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=encode_value(subscription, 1))],
        reason=None,
    )
    for _ in bench.patiently():
        told = peer.ask(request, bench.newest(JOIN), JoinGroupResponse)
        if told.error_code not in (LOADING, NOT_AVAILABLE, NOT_COORDINATOR):
            return told
    raise Wrong(f"JoinGroup is answered with error {told.error_code} again and again")


def takes_a_member(bench: Bench) -> None:
    """JoinGroup gives a new member an id (KIP-394), then a generation in which it leads."""
    with bench.peer() as peer:
        told = join(peer, bench, "")
        if bench.newest(JOIN) >= 4:
            expect(told.error_code, MEMBER_ID_REQUIRED, "JoinGroup without a member id")
            if not told.member_id:
                raise Wrong("JoinGroup asks for a member id, and gives none")
            told = join(peer, bench, told.member_id)
    expect(told.error_code, 0, "JoinGroup")
    same(told.leader, told.member_id, "the leader of a group of one")
    same([one.member_id for one in told.members], [told.member_id], "the list of members that the leader is told")
    same(told.protocol_name, "range", "the protocol")
    bench.kept["member"], bench.kept["generation"] = told.member_id, told.generation_id


def gives_the_assignment(bench: Bench) -> None:
    """SyncGroup gives a member what the leader has decided."""
    decided = ConsumerProtocolAssignment(
        assigned_partitions=[AssignedTopicPartition(topic=bench.kept["topic"], partitions=[0, 1, 2])]
    )
    blob = encode_value(decided, 1)
    request = SyncGroupRequest(
        group_id=bench.kept["group"],
        generation_id=bench.kept["generation"],
        member_id=bench.kept["member"],
        group_instance_id=None,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[SyncGroupRequestAssignment(member_id=bench.kept["member"], assignment=blob)],
    )
    with bench.peer() as peer:
        told = peer.ask(request, bench.newest(SYNC), SyncGroupResponse)
    expect(told.error_code, 0, "SyncGroup")
    same(bytes(told.assignment), blob, "the assignment")


def heartbeat(bench: Bench, generation: int, member: str) -> int:
    request = HeartbeatRequest(
        group_id=bench.kept["group"], generation_id=generation, member_id=member, group_instance_id=None
    )
    with bench.peer() as peer:
        return peer.ask(request, bench.newest(HEARTBEAT), HeartbeatResponse).error_code


def knows_its_members(bench: Bench) -> None:
    """Heartbeat knows members and generations: 0, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID."""
    generation, member = bench.kept["generation"], bench.kept["member"]
    expect(heartbeat(bench, generation, member), 0, "Heartbeat")
    expect(heartbeat(bench, generation - 1, member), ILLEGAL_GENERATION, "Heartbeat of an older generation")
    expect(heartbeat(bench, generation, "nobody"), UNKNOWN_MEMBER, "Heartbeat of nobody")


def commit(bench: Bench, generation: int, member: str, version: int) -> int:
    partition = OffsetCommitRequestPartition(
        partition_index=0, committed_offset=OFFSET, committed_metadata="from the check"
    )
    topic = OffsetCommitRequestTopic(name=bench.kept["topic"], topic_id=ZERO_UUID, partitions=[partition])
    request = OffsetCommitRequest(
        group_id=bench.kept["group"],
        generation_id_or_member_epoch=generation,
        member_id=member,
        group_instance_id=None,
        topics=[topic],
    )
    with bench.peer() as peer:
        told = peer.ask(request, version, OffsetCommitResponse)
    return told.topics[0].partitions[0].error_code


def takes_commits_of_members(bench: Bench) -> None:
    """OffsetCommit is taken from a member of this generation and from nobody else, in every version."""
    generation, member = bench.kept["generation"], bench.kept["member"]
    for version in bench.each(OFFSET_COMMIT, BY_NAME):
        expect(commit(bench, generation, member, version), 0, f"OffsetCommit v{version}")
    newest = bench.newest(OFFSET_COMMIT, BY_NAME)
    expect(commit(bench, generation - 1, member, newest), ILLEGAL_GENERATION, "OffsetCommit of an older generation")
    expect(commit(bench, generation, "nobody", newest), UNKNOWN_MEMBER, "OffsetCommit of nobody")


def gives_commits_back(bench: Bench) -> None:
    """OffsetFetch gives back offset and note; -1 where nothing was committed."""
    asked = OffsetFetchRequestTopic(name=bench.kept["topic"], partition_indexes=[0, 1])
    request = OffsetFetchRequest(group_id=bench.kept["group"], topics=[asked], groups=[])
    for version in bench.each(OFFSET_FETCH, ONE_GROUP):
        with bench.peer() as peer:
            told = peer.ask(request, version, OffsetFetchResponse)
        expect(told.error_code, 0, f"OffsetFetch v{version}")
        found = {one.partition_index: (one.committed_offset, one.metadata) for one in told.topics[0].partitions}
        same(found[0], (OFFSET, "from the check"), f"what OffsetFetch v{version} says of partition 0")
        same(found[1][0], -1, f"what OffsetFetch v{version} says of partition 1")


def lets_members_go(bench: Bench) -> None:
    """LeaveGroup ends a membership: its heartbeat is UNKNOWN_MEMBER_ID then."""
    version = bench.newest(LEAVE)
    several = version >= 3
    request = LeaveGroupRequest(
        group_id=bench.kept["group"],
        member_id="" if several else bench.kept["member"],
        members=[MemberIdentity(member_id=bench.kept["member"], group_instance_id=None, reason=None)] * several,
    )
    with bench.peer() as peer:
        expect(peer.ask(request, version, LeaveGroupResponse).error_code, 0, f"LeaveGroup v{version}")
    after = heartbeat(bench, bench.kept["generation"], bench.kept["member"])
    expect(after, UNKNOWN_MEMBER, "Heartbeat after leaving")


STAGES = (
    ("Groups", (finds_a_coordinator, takes_a_member, gives_the_assignment, knows_its_members)),
    ("Committed offsets", (takes_commits_of_members, gives_commits_back, lets_members_go)),
)
