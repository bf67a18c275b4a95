"""DeleteGroups: groups without members, and their offsets (KIP-229).

    v2  flexible    v3  error message

NON_EMPTY_GROUP (68), GROUP_ID_NOT_FOUND (69).
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.answers import gather
from kbroker.groups.events import Delete
from wire.errors import ErrorCode, KafkaError
from wire.messages.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse


async def delete_groups(request: DeleteGroupsRequest, ctx: Context) -> DeleteGroupsResponse:
    names = list(dict.fromkeys(request.groups_names))
    allowed = dict(zip(names, ctx.authorize("DELETE", "GROUP", names), strict=True))
    asked = [name for name in names if allowed[name]]
    questions = [partial(ctx.cluster.groups.ask, ctx, name, partial(Delete, group_id=name)) for name in asked]
    answers = dict(zip(asked, await gather(ctx.cluster.world, questions), strict=True))
    return DeleteGroupsResponse(
        results=[
            DeletableGroupResult(
                group_id=name, error_code=_code(answers.get(name, ErrorCode.GROUP_AUTHORIZATION_FAILED))
            )
            for name in names
        ]
    )


def _code(answer: ErrorCode | KafkaError) -> ErrorCode:
    return answer.code if isinstance(answer, KafkaError) else answer
