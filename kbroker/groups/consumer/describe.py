"""What a consumer group looks like from outside: ConsumerGroupDescribe and ListGroups."""

from __future__ import annotations

from kbroker.groups.consumer.assignment import Assignment, partitions_of
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.group import TYPE, ConsumerGroup
from kbroker.groups.consumer.member import Member
from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.consumer.reconcile import NEW
from kbroker.groups.consumer.update import assignor_of
from kbroker.groups.subscription import CONSUMER
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode
from wire.messages import consumer_group_describe as messages
from wire.messages.list_groups import ListedGroup

CLASSIC_MEMBER, CONSUMER_MEMBER = 0, 1


def describe(group: ConsumerGroup, turn: Turn) -> messages.DescribedGroup:
    return messages.DescribedGroup(
        error_code=ErrorCode.NONE,
        group_id=group.id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.target_epoch,
        assignor_name=assignor_of(Change(group, turn)),
        members=[_member(group, member, turn.metadata) for member in group.members.values()],
    )


def _member(group: ConsumerGroup, member: Member, metadata: Metadata) -> messages.Member:
    current = group.currents.get(member.id, NEW)
    has: dict[bytes, frozenset[int]] = dict(partitions_of(current.assigned))
    for topic_id, partitions in partitions_of(current.revoking).items():
        has[topic_id] = has.get(topic_id, frozenset()) | partitions
    return messages.Member(
        member_id=member.id,
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        member_epoch=current.epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=list(member.topics),
        subscribed_topic_regex=member.regex,
        assignment=_assignment(has, metadata),
        target_assignment=_assignment(group.target(member.id), metadata),
        member_type=CONSUMER_MEMBER if member.classic is None else CLASSIC_MEMBER,
    )


def _assignment(assignment: Assignment, metadata: Metadata) -> messages.Assignment:
    """Topics that have been deleted meanwhile have no name to be shown by."""
    return messages.Assignment(
        topic_partitions=[
            messages.TopicPartitions(
                topic_id=topic_id, topic_name=metadata.by_id[topic_id].name, partitions=sorted(partitions)
            )
            for topic_id, partitions in assignment.items()
            if topic_id in metadata.by_id
        ]
    )


def describe_missing(group_id: str, code: ErrorCode, message: str | None) -> messages.DescribedGroup:
    return messages.DescribedGroup(
        error_code=code,
        error_message=message,
        group_id=group_id,
        group_state="",
        group_epoch=0,
        assignment_epoch=0,
        assignor_name="",
        members=[],
    )


def summary(group: ConsumerGroup) -> ListedGroup:
    return ListedGroup(group_id=group.id, protocol_type=CONSUMER, group_state=group.state.value, group_type=TYPE)
