"""DeleteShareGroupOffsets: have a share group forget topics, while it has no members (KIP-932). Should it come back to
one, it begins as `share.auto.offset.reset` says.

NON_EMPTY_GROUP (68), GROUP_ID_NOT_FOUND (69), and for a topic UNKNOWN_TOPIC_OR_PARTITION (3).
"""

from __future__ import annotations

from functools import partial

from kbroker.context import Context
from kbroker.groups.events import ForgetShareTopics
from kbroker.handlers._shares import must_have_share_groups
from wire.errors import ErrorCode, KafkaError
from wire.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)
from wire.primitives import ZERO_UUID


async def delete_share_group_offsets(
    request: DeleteShareGroupOffsetsRequest, ctx: Context
) -> DeleteShareGroupOffsetsResponse:
    must_have_share_groups(ctx)
    if not ctx.authorize("DELETE", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID, ErrorCode.INVALID_GROUP_ID.message)
    told = []
    names = [topic.topic_name for topic in request.topics]
    for name, may in zip(names, ctx.authorize("READ", "TOPIC", names), strict=True):
        topic = ctx.cluster.catalog.topic(name)
        code = ErrorCode.NONE if may else ErrorCode.TOPIC_AUTHORIZATION_FAILED
        if may and topic is None:
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        told.append(
            DeleteShareGroupOffsetsResponseTopic(
                topic_name=name,
                topic_id=topic.id if topic is not None and may else ZERO_UUID,
                error_code=code,
                error_message=code.message if code else None,
            )
        )
    known = frozenset([topic.topic_id for topic in told if not topic.error_code])
    ask = ctx.cluster.groups.ask_with_topics
    gone = await ask(ctx, request.group_id, partial(ForgetShareTopics, group_id=request.group_id, topic_ids=known))
    for answer in told:
        if not answer.error_code and answer.topic_id not in gone:
            answer.topic_id, answer.error_code = ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            answer.error_message = "There is no offset information to delete."
    return DeleteShareGroupOffsetsResponse(error_code=ErrorCode.NONE, responses=told)
