"""StreamsGroupDescribe: state, epochs, topology, members and tasks of streams groups (KIP-1071).

    v1  the assignor; a description of the topology, which nobody stores here (KIP-1331): not stored

GROUP_ID_NOT_FOUND (69) for a group that is not there or of another type. A group with a topic that may not be described
is not shown.
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.events import DescribeStreams
from kbroker.groups.streams.describe import NOT_STORED, describe_missing
from kbroker.handlers._streams import streams_groups_are_on
from kbroker.operations import authorized_operations
from wire.errors import ErrorCode, KafkaError
from wire.messages.streams_group_describe import (
    DescribedGroup,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
)

UNSEEN = "The described group uses topics that the client is not authorized to describe."


async def streams_group_describe(request: StreamsGroupDescribeRequest, ctx: Context) -> StreamsGroupDescribeResponse:
    if not streams_groups_are_on(ctx):
        return StreamsGroupDescribeResponse(
            groups=[describe_missing(each, ErrorCode.UNSUPPORTED_VERSION, None) for each in request.group_ids]
        )
    allowed = ctx.authorize("DESCRIBE", "GROUP", request.group_ids)
    asked = [group_id for group_id, may in zip(request.group_ids, allowed, strict=True) if may]
    ask = ctx.cluster.groups.ask
    questions = [partial(ask, ctx, group_id, partial(DescribeStreams, group_id=group_id)) for group_id in asked]
    answers = iter(await gather(ctx.cluster.world, questions))
    groups = []
    for group_id, may in zip(request.group_ids, allowed, strict=True):
        found = next(answers) if may else KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
        if isinstance(found, KafkaError):
            found = describe_missing(group_id, found.code, found.message)
        elif not _may_see_topics(found, ctx):
            found = describe_missing(group_id, ErrorCode.TOPIC_AUTHORIZATION_FAILED, UNSEEN)
        elif not found.error_code:
            if request.include_authorized_operations:
                found.authorized_operations = authorized_operations(ctx, "GROUP", (group_id,))[0]
            if request.include_topology_description:
                found.topology_description_status = NOT_STORED
        groups.append(found)
    return StreamsGroupDescribeResponse(groups=groups)


def _may_see_topics(group: DescribedGroup, ctx: Context) -> bool:
    names = set()
    for each in (group.topology.subtopologies or ()) if group.topology is not None else ():
        names.update([*each.source_topics, *each.repartition_sink_topics])
        names.update([topic.name for topic in (*each.repartition_source_topics, *each.state_changelog_topics)])
    return all(ctx.authorize("DESCRIBE", "TOPIC", sorted(names)))
