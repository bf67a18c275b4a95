"""ConsumerGroupDescribe: state, epochs and members of consumer groups (KIP-848).

    v1  whether a member speaks the classic or the new protocol (KIP-1099)

GROUP_ID_NOT_FOUND (69) for a group that is not there or of another type. A member shows what it has, what it is still
to give up included, and the target that it is being led to. A group with a topic that may not be described is not
shown.
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.consumer.describe import describe_missing
from kbroker.groups.events import DescribeConsumers
from kbroker.operations import authorized_operations
from wire.errors import ErrorCode, KafkaError
from wire.messages.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)


async def consumer_group_describe(request: ConsumerGroupDescribeRequest, ctx: Context) -> ConsumerGroupDescribeResponse:
    if not ctx.cluster.groups.settings.has_consumer_protocol:
        return ConsumerGroupDescribeResponse(
            groups=[describe_missing(each, ErrorCode.UNSUPPORTED_VERSION, None) for each in request.group_ids]
        )
    allowed = ctx.authorize("DESCRIBE", "GROUP", request.group_ids)
    asked = [group_id for group_id, may in zip(request.group_ids, allowed, strict=True) if may]
    ask = ctx.cluster.groups.ask_with_topics
    questions = [partial(ask, ctx, group_id, partial(DescribeConsumers, group_id=group_id)) for group_id in asked]
    answers = iter(await gather(ctx.cluster.world, questions))
    groups = []
    for group_id, may in zip(request.group_ids, allowed, strict=True):
        found = next(answers) if may else KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        if isinstance(found, KafkaError):
            found = describe_missing(group_id, found.code, found.message)
        elif not _may_see_topics(found, ctx):
            found = describe_missing(group_id, ErrorCode.TOPIC_AUTHORIZATION_FAILED, None)
        elif request.include_authorized_operations and not found.error_code:
            found.authorized_operations = authorized_operations(ctx, "GROUP", (group_id,))[0]
        groups.append(found)
    return ConsumerGroupDescribeResponse(groups=groups)


def _may_see_topics(group: DescribedGroup, ctx: Context) -> bool:
    names = {
        topic.topic_name
        for member in group.members
        for assignment in (member.assignment, member.target_assignment)
        for topic in assignment.topic_partitions
    }
    return all(ctx.authorize("DESCRIBE", "TOPIC", sorted(names)))
