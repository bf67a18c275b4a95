"""What a classic group looks like from outside: DescribeGroups and ListGroups.

Metadata is shown in Stable only, the assignment in every state, also that of the generation before: so do real brokers.
"""

from __future__ import annotations

from kbroker.groups.classic.group import TYPE, ClassicGroup
from kbroker.groups.classic.states import State
from wire.errors import ErrorCode
from wire.messages.describe_groups import DescribedGroup, DescribedGroupMember
from wire.messages.list_groups import ListedGroup


def describe(group: ClassicGroup) -> DescribedGroup:
    protocol = group.protocol if group.state is State.STABLE else None
    return DescribedGroup(
        error_code=ErrorCode.NONE,
        group_id=group.id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=protocol or "",
        members=[
            DescribedGroupMember(
                member_id=member.id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                member_metadata=member.metadata(protocol),
                member_assignment=member.assignment,
            )
            for member in group.members.values()
        ],
    )


def describe_other(group_id: str) -> DescribedGroup:
    """A group of another type is as good as not there, to those who ask for classic ones."""
    described = describe_dead(group_id)
    described.error_message = f"Group {group_id} is not a classic group."
    return described


def describe_dead(group_id: str, code: ErrorCode = ErrorCode.GROUP_ID_NOT_FOUND) -> DescribedGroup:
    return DescribedGroup(
        error_code=code,
        error_message=f"Group {group_id} not found." if code is ErrorCode.GROUP_ID_NOT_FOUND else None,
        group_id=group_id,
        group_state=State.DEAD.value if code is ErrorCode.GROUP_ID_NOT_FOUND else "",
        protocol_type="",
        protocol_data="",
        members=[],
    )


def summary(group: ClassicGroup) -> ListedGroup:
    return ListedGroup(
        group_id=group.id,
        protocol_type=group.protocol_type or "",
        group_state=group.state.value,
        group_type=TYPE,
    )
