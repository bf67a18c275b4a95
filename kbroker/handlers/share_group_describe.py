"""ShareGroupDescribe: state, epochs and members of share groups (KIP-932).

GROUP_ID_NOT_FOUND (69) for a group that is not there or of another type, INVALID_GROUP_ID (24) for an empty name. A
group with a topic that may not be described is not shown.
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.events import DescribeShares
from kbroker.groups.share.describe import describe_missing
from kbroker.handlers._shares import share_version
from kbroker.operations import authorized_operations
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_group_describe import DescribedGroup, ShareGroupDescribeRequest, ShareGroupDescribeResponse


async def share_group_describe(request: ShareGroupDescribeRequest, ctx: Context) -> ShareGroupDescribeResponse:
    if not share_version(ctx):
        return ShareGroupDescribeResponse(
            groups=[describe_missing(each, ErrorCode.UNSUPPORTED_VERSION, None) for each in request.group_ids]
        )
    allowed = dict(zip(request.group_ids, ctx.authorize("DESCRIBE", "GROUP", request.group_ids), strict=True))
    asked = [group_id for group_id in request.group_ids if group_id and allowed[group_id]]
    ask = ctx.cluster.groups.ask_with_topics
    questions = [partial(ask, ctx, group_id, partial(DescribeShares, group_id=group_id)) for group_id in asked]
    answers = iter(await gather(ctx.cluster.world, questions))
    groups: list[DescribedGroup] = []
    for group_id in request.group_ids:
        found: DescribedGroup | KafkaError
        if not allowed[group_id]:
            found = KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        else:
            found = next(answers) if group_id else KafkaError(ErrorCode.INVALID_GROUP_ID)
        if isinstance(found, KafkaError):
            found = describe_missing(group_id, found.code, found.message)
        elif not _may_see_topics(found, ctx):
            found = describe_missing(group_id, ErrorCode.TOPIC_AUTHORIZATION_FAILED, None)
        elif request.include_authorized_operations and not found.error_code:
            found.authorized_operations = authorized_operations(ctx, "GROUP", (group_id,))[0]
        groups.append(found)
    return ShareGroupDescribeResponse(groups=groups)


def _may_see_topics(group: DescribedGroup, ctx: Context) -> bool:
    names = {topic.topic_name for member in group.members for topic in member.assignment.topic_partitions}
    return all(ctx.authorize("DESCRIBE", "TOPIC", sorted(names)))
