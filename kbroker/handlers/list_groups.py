"""ListGroups: the groups that this node coordinates. A client asks every node.

    v1  throttle time    v3  flexible    v4  states, and a filter by them (KIP-518)    v5  types, likewise (KIP-848)

Filters do not mind case; what nobody has matches nobody. Who may not describe the cluster sees the groups that it may.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.events import ListAll
from wire.errors import ErrorCode, KafkaError
from wire.messages.list_groups import ListGroupsRequest, ListGroupsResponse


async def list_groups(request: ListGroupsRequest, ctx: Context) -> ListGroupsResponse:
    questions = ctx.cluster.groups.ask_all(
        ctx, lambda ticket: ListAll(ticket, request.states_filter, request.types_filter)
    )
    groups = []
    for listed in await gather(ctx.cluster.world, questions):
        if isinstance(listed, KafkaError):
            return ListGroupsResponse(error_code=listed.code, groups=[])
        groups += listed
    if not ctx.authorize("DESCRIBE", "CLUSTER", ("kafka-cluster",))[0]:
        allowed = ctx.authorize("DESCRIBE", "GROUP", [group.group_id for group in groups])
        groups = [group for group, may in zip(groups, allowed, strict=True) if may]
    return ListGroupsResponse(error_code=ErrorCode.NONE, groups=groups)
