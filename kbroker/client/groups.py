"""Groups of all kinds: who is in them, what they have committed, and moving that.

A group's kind decides which request describes it (ListGroups says the kind from version 5 on; before that all groups
are classic ones).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from kbroker.client.offsets import Place, grouped
from wire.durable.assignment import ConsumerProtocolAssignment
from wire.durable.codec import decode_blob
from wire.errors import ErrorCode, KafkaError, MalformedMessage
from wire.messages import consumer_group_describe, describe_groups, share_group_describe, streams_group_describe
from wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from wire.messages.list_groups import ListGroupsRequest, ListGroupsResponse
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
)
from wire.primitives import ZERO_UUID

BY_NAME = 9
"""The newest OffsetFetch and OffsetCommit that name topics."""
SEVERAL_GROUPS = 8
NOT_COMMITTED = -1
KINDS = ("classic", "consumer", "share", "streams")


class Listed(NamedTuple):
    id: str
    kind: str
    state: str
    protocol_type: str


class Member(NamedTuple):
    """`epoch` is None in classic groups, which have a generation; `holds` are partitions, or tasks in words."""

    id: str
    instance_id: str | None
    client_id: str
    host: str
    epoch: int | None
    holds: list[str]


class Described(NamedTuple):
    id: str
    kind: str
    state: str
    epoch: int | None
    assignor: str
    members: list[Member]


def listed(client: Client) -> list[Listed]:
    """All groups of all brokers."""
    found: dict[str, Listed] = {}
    for broker in client.everywhere():
        answer = broker.call(ListGroupsRequest(states_filter=[], types_filter=[]), ListGroupsResponse)
        check(answer.error_code)
        for one in answer.groups:
            kind = one.group_type.lower() or "classic"
            found[one.group_id] = Listed(one.group_id, kind, one.group_state, one.protocol_type)
    return sorted(found.values())


def described(client: Client, group_id: str) -> Described:
    """One group; KafkaError GROUP_ID_NOT_FOUND where there is none."""
    kind = next((one.kind for one in listed(client) if one.id == group_id), None)
    if kind is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"There is no group {group_id}.")
    return _DESCRIBE[kind](client, group_id)


def delete(client: Client, group_id: str) -> None:
    request = DeleteGroupsRequest(groups_names=[group_id])
    answer = client.ask_coordinator(group_id, request, DeleteGroupsResponse, lambda got: got.results[0].error_code)
    result = answer.results[0]
    check(result.error_code, result.error_message or f"{group_id}: {_words(result.error_code)}")


# --- offsets --------------------------------------------------------------------------------------------------------


def committed(client: Client, group_id: str) -> dict[Place, int]:
    """What the group has committed, for all partitions where it has."""
    coordinator = client.coordinator(group_id)
    request = OffsetFetchRequest(group_id="", topics=[], groups=[])
    several = coordinator.version_of(request.__api_key__) >= SEVERAL_GROUPS
    if several:
        request.groups = [OffsetFetchRequestGroup(group_id=group_id, topics=None)]
    else:
        request.group_id, request.topics = group_id, None

    def attempt() -> OffsetFetchResponse:
        answer = client.coordinator(group_id).call(request, OffsetFetchResponse, newest=BY_NAME)
        check(answer.groups[0].error_code if several else answer.error_code)
        return answer

    answer = client.settled(attempt)
    found: dict[Place, int] = {}
    for topic in answer.groups[0].topics if several else answer.topics:
        for partition in topic.partitions:
            check(partition.error_code)
            if partition.committed_offset != NOT_COMMITTED:
                found[topic.name, partition.partition_index] = partition.committed_offset
    return found


def commit_topics(offsets: Mapping[Place, int]) -> list[OffsetCommitRequestTopic]:
    """Offsets as OffsetCommit has them, in its versions that name topics."""
    return [
        OffsetCommitRequestTopic(
            name=name,
            topic_id=ZERO_UUID,
            partitions=[
                OffsetCommitRequestPartition(
                    partition_index=at, committed_offset=offsets[name, at], committed_metadata=""
                )
                for at in indexes
            ],
        )
        for name, indexes in grouped(offsets).items()
    ]


def commit(client: Client, group_id: str, offsets: Mapping[Place, int]) -> None:
    """Set a group's offsets from outside; the group must have no members, or UNKNOWN_MEMBER_ID is the answer."""
    request = OffsetCommitRequest(
        group_id=group_id,
        member_id="",
        group_instance_id=None,
        topics=commit_topics(offsets),
    )

    def attempt() -> None:
        answer = client.coordinator(group_id).call(request, OffsetCommitResponse, newest=BY_NAME)
        for topic in answer.topics:
            for partition in topic.partitions:
                refused = partition.error_code == ErrorCode.UNKNOWN_MEMBER_ID
                why = f"The group {group_id} has members: stop its consumers first." if refused else None
                check(partition.error_code, why)

    client.settled(attempt)


def forget(client: Client, group_id: str, places: list[Place]) -> None:
    """Delete committed offsets; GROUP_SUBSCRIBED_TO_TOPIC where a member still reads the topic."""
    request = OffsetDeleteRequest(
        group_id=group_id,
        topics=[
            OffsetDeleteRequestTopic(
                name=name, partitions=[OffsetDeleteRequestPartition(partition_index=at) for at in indexes]
            )
            for name, indexes in grouped(places).items()
        ],
    )
    answer = client.ask_coordinator(group_id, request, OffsetDeleteResponse, lambda got: got.error_code)
    check(answer.error_code)
    for topic in answer.topics:
        for partition in topic.partitions:
            check(partition.error_code, f"{topic.name}-{partition.partition_index}: {_words(partition.error_code)}")


# --- one kind each --------------------------------------------------------------------------------------------------


def _classic(client: Client, group_id: str) -> Described:
    request = describe_groups.DescribeGroupsRequest(groups=[group_id], include_authorized_operations=False)
    response = describe_groups.DescribeGroupsResponse
    answer = client.ask_coordinator(group_id, request, response, lambda got: got.groups[0].error_code)
    group = answer.groups[0]
    check(group.error_code, group.error_message)
    members = [
        Member(
            one.member_id,
            one.group_instance_id,
            one.client_id,
            one.client_host,
            None,
            _assigned(one.member_assignment),
        )
        for one in group.members
    ]
    return Described(group_id, "classic", group.group_state, None, group.protocol_data, members)


def _consumer(client: Client, group_id: str) -> Described:
    request = consumer_group_describe.ConsumerGroupDescribeRequest(
        group_ids=[group_id], include_authorized_operations=False
    )
    response = consumer_group_describe.ConsumerGroupDescribeResponse
    answer = client.ask_coordinator(group_id, request, response, lambda got: got.groups[0].error_code)
    group = answer.groups[0]
    check(group.error_code, group.error_message)
    members = [
        Member(one.member_id, one.instance_id, one.client_id, one.client_host, one.member_epoch, _held(one.assignment))
        for one in group.members
    ]
    return Described(group_id, "consumer", group.group_state, group.group_epoch, group.assignor_name, members)


def _share(client: Client, group_id: str) -> Described:
    request = share_group_describe.ShareGroupDescribeRequest(group_ids=[group_id], include_authorized_operations=False)
    response = share_group_describe.ShareGroupDescribeResponse
    answer = client.ask_coordinator(group_id, request, response, lambda got: got.groups[0].error_code)
    group = answer.groups[0]
    check(group.error_code, group.error_message)
    members = [
        Member(one.member_id, None, one.client_id, one.client_host, one.member_epoch, _held(one.assignment))
        for one in group.members
    ]
    return Described(group_id, "share", group.group_state, group.group_epoch, group.assignor_name, members)


def _streams(client: Client, group_id: str) -> Described:
    request = streams_group_describe.StreamsGroupDescribeRequest(
        group_ids=[group_id], include_authorized_operations=False
    )
    response = streams_group_describe.StreamsGroupDescribeResponse
    answer = client.ask_coordinator(group_id, request, response, lambda got: got.groups[0].error_code)
    group = answer.groups[0]
    check(group.error_code, group.error_message)
    members = [
        Member(
            one.member_id,
            one.instance_id,
            one.client_id,
            one.client_host,
            one.member_epoch,
            [
                f"{role} {task.subtopology_id}_{at}"
                for role, tasks in (
                    ("active", one.assignment.active_tasks),
                    ("standby", one.assignment.standby_tasks),
                    ("warm-up", one.assignment.warmup_tasks),
                )
                for task in tasks
                for at in task.partitions
            ],
        )
        for one in group.members
    ]
    assignor = group.assignor_name or ""
    return Described(group_id, "streams", group.group_state, group.group_epoch, assignor, members)


_DESCRIBE = {"classic": _classic, "consumer": _consumer, "share": _share, "streams": _streams}


def _held(assignment: consumer_group_describe.Assignment | share_group_describe.Assignment) -> list[str]:
    return [f"{topic.topic_name}-{at}" for topic in assignment.topic_partitions for at in topic.partitions]


def _assigned(blob: bytes) -> list[str]:
    """The partitions in a classic member's assignment, where it is one of consumers; Connect has its own form."""
    try:
        assignment = decode_blob(ConsumerProtocolAssignment, blob)
    except MalformedMessage:
        return []
    return [f"{topic.topic}-{at}" for topic in assignment.assigned_partitions for at in topic.partitions]


def _words(code: int) -> str:
    return ErrorCode(code).message
