"""OffsetCommit: a member, or a consumer that assigns itself its partitions, says how far it has come.

A commit for a group as such fails or succeeds as a whole; only metadata that is too long fails for its partition
alone. Offsets are taken as they come: backwards and negative ones too.
"""

from __future__ import annotations

from kbroker.groups.classic import decisions
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.rebalance import touch
from kbroker.groups.classic.states import STATES, State
from kbroker.groups.events import CommitOffsets
from kbroker.groups.records import OFFSET_COMMIT_EXPIRING_VERSION, OFFSET_COMMIT_VERSION, offset_key
from kbroker.groups.store import Assigned
from kbroker.groups.turn import Turn
from kbroker.machine import Record
from wire.durable.offsets import OffsetCommitKey, OffsetCommitValue
from wire.errors import ErrorCode
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from wire.primitives import ZERO_UUID
from wire.schema import maker

_response, _topic = maker(OffsetCommitResponse), maker(OffsetCommitResponseTopic)
_part, _value = maker(OffsetCommitResponsePartition), maker(OffsetCommitValue)


def commit(group: ClassicGroup, request: OffsetCommitRequest, turn: Turn) -> OffsetCommitResponse:
    generation = request.generation_id_or_member_epoch
    code = decisions.check_commit(
        group.state,
        STATES[group.state].commit,
        group.generation,
        generation,
        generation < 0 and not request.member_id and request.group_instance_id is None,
        group.identify(request.member_id, request.group_instance_id),
    )
    if code is not ErrorCode.NONE:
        return refuse(request, code)
    member = group.members.get(request.member_id)
    if member is not None and group.state in (State.STABLE, State.PREPARING_REBALANCE):
        touch(group, member, turn)
    return take(request, turn.now + request.retention_time_ms if request.retention_time_ms >= 0 else -1, turn)


def commit_of_assigned(group: Assigned, event: CommitOffsets, turn: Turn) -> OffsetCommitResponse:
    """In a group without members anybody may commit."""
    request = event.request
    if request.generation_id_or_member_epoch >= 0 or group.members:
        member_id = request.member_id
        if member_id in group.members and not group.is_classic(member_id) and not event.knows_epochs:
            return refuse(request, ErrorCode.UNSUPPORTED_VERSION)
        code = check_commit(group, request)
        if code is not ErrorCode.NONE:
            return refuse(request, code)
    return take(request, -1, turn)


def check_commit(group: Assigned, request: OffsetCommitRequest) -> ErrorCode:
    """A member commits in its epoch, or in an earlier one what it has had since then (KIP-1251). One partition that it
    may not commit refuses all.
    """
    member_id, epoch = request.member_id, request.generation_id_or_member_epoch
    if member_id not in group.members:
        return ErrorCode.UNKNOWN_MEMBER_ID
    may = all(
        group.may_commit(member_id, epoch, topic.name, topic.topic_id, partition.partition_index)
        for topic in request.topics
        for partition in topic.partitions
    )
    if may:
        return ErrorCode.NONE
    return ErrorCode.ILLEGAL_GENERATION if group.is_classic(member_id) else ErrorCode.STALE_MEMBER_EPOCH


def take(request: OffsetCommitRequest, expires: int, turn: Turn) -> OffsetCommitResponse:
    """Write the offsets down: they come from somebody who may commit."""
    group_id, longest = request.group_id, turn.settings.offset_metadata_max_bytes
    topics = []
    for topic in request.topics:
        name, answers = topic.name, []
        for asked in topic.partitions:
            code = ErrorCode.NONE
            if asked.committed_metadata and len(asked.committed_metadata) > longest:
                code = ErrorCode.OFFSET_METADATA_TOO_LARGE
            else:
                key = offset_key(group_id, name, asked.partition_index)
                turn.records.append(_record(key, asked, topic.topic_id, expires, turn.now))
            answers.append(_part(partition_index=asked.partition_index, error_code=code))
        topics.append(_topic(name=name, topic_id=topic.topic_id, partitions=answers))
    return _response(topics=topics)


def _record(
    key: OffsetCommitKey, asked: OffsetCommitRequestPartition, topic_id: bytes, expires: int, now: int
) -> Record:
    does_expire = expires >= 0
    value = _value(
        offset=asked.committed_offset,
        leader_epoch=-1 if does_expire else asked.committed_leader_epoch,
        metadata=asked.committed_metadata or "",
        commit_timestamp=now,
        expire_timestamp=expires,
        topic_id=ZERO_UUID if does_expire else topic_id,
    )
    return Record(key, value, OFFSET_COMMIT_EXPIRING_VERSION if does_expire else OFFSET_COMMIT_VERSION)


def refuse(request: OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse:
    """The same answer for every partition."""
    topics = [
        OffsetCommitResponseTopic(
            name=topic.name,
            topic_id=topic.topic_id,
            partitions=[
                OffsetCommitResponsePartition(partition_index=partition.partition_index, error_code=code)
                for partition in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    return OffsetCommitResponse(topics=topics)
