"""DescribeGroups: state, protocol and members of classic groups.

    v1  throttle time    v3  authorized operations (KIP-430)    v4  group instance ids (KIP-345)    v5  flexible
    v6  GROUP_ID_NOT_FOUND (69) and an error message for an unknown group (KIP-1043); before, it is just "Dead"

Metadata and protocol are shown for a Stable group only.
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.classic.describe import describe_dead
from kbroker.groups.events import Describe
from kbroker.operations import authorized_operations
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_groups import DescribedGroup, DescribeGroupsRequest, DescribeGroupsResponse


async def describe_groups(request: DescribeGroupsRequest, ctx: Context) -> DescribeGroupsResponse:
    misses_unknown = ctx.version >= 6  # KIP-1043
    allowed = ctx.authorize("DESCRIBE", "GROUP", request.groups)
    asked = [group_id for group_id, may in zip(request.groups, allowed, strict=True) if may]
    questions = [
        partial(ctx.cluster.groups.ask, ctx, group_id, partial(Describe, group_id=group_id)) for group_id in asked
    ]
    answers = iter(await gather(ctx.cluster.world, questions))
    groups = []
    for group_id, may in zip(request.groups, allowed, strict=True):
        found = next(answers) if may else KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        groups.append(describe_dead(group_id, found.code) if isinstance(found, KafkaError) else found)
    for group in groups:
        if not misses_unknown:
            _forgive(group)
        if request.include_authorized_operations and not group.error_code:
            group.authorized_operations = authorized_operations(ctx, "GROUP", (group.group_id,))[0]
    return DescribeGroupsResponse(groups=groups)


def _forgive(group: DescribedGroup) -> None:
    group.error_message = None
    if group.error_code == ErrorCode.GROUP_ID_NOT_FOUND:
        group.error_code = ErrorCode.NONE
