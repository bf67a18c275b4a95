"""What a share group looks like from outside: ShareGroupDescribe and ListGroups."""

from __future__ import annotations

from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.share.group import ASSIGNOR, NEW, TYPE, Member, ShareGroup
from wire.errors import ErrorCode
from wire.messages import share_group_describe as messages
from wire.messages.list_groups import ListedGroup


def describe(group: ShareGroup, metadata: Metadata) -> messages.DescribedGroup:
    return messages.DescribedGroup(
        error_code=ErrorCode.NONE,
        group_id=group.id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.target_epoch,
        assignor_name=ASSIGNOR,
        members=[_member(group, member, metadata) for member in group.members.values()],
    )


def _member(group: ShareGroup, member: Member, metadata: Metadata) -> messages.Member:
    """Topics that have been deleted meanwhile have no name to be shown by."""
    current = group.currents.get(member.id, NEW)
    return messages.Member(
        member_id=member.id,
        rack_id=member.rack_id,
        member_epoch=current.epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=list(member.topics),
        assignment=messages.Assignment(
            topic_partitions=[
                messages.TopicPartitions(
                    topic_id=topic_id, topic_name=metadata.by_id[topic_id].name, partitions=sorted(partitions)
                )
                for topic_id, partitions in current.assigned.items()
                if topic_id in metadata.by_id
            ]
        ),
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


def summary(group: ShareGroup) -> ListedGroup:
    return ListedGroup(group_id=group.id, protocol_type=TYPE, group_state=group.state.value, group_type=TYPE)
