"""OffsetDelete: forget what a group has committed for some partitions (KIP-496). There is one version.

At the top: INVALID_GROUP_ID (24), NON_EMPTY_GROUP (68) for a group with members that are not consumers,
GROUP_ID_NOT_FOUND (69). For a partition: UNKNOWN_TOPIC_OR_PARTITION (3), and GROUP_SUBSCRIBED_TO_TOPIC (86) while a
consumer of the group is subscribed. To forget what was never committed is not an error.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.groups.events import DeleteOffsets
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)


async def offset_delete(request: OffsetDeleteRequest, ctx: Context) -> OffsetDeleteResponse:
    if not ctx.authorize("DELETE", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    names = [topic.name for topic in request.topics]
    codes: dict[tuple[str, int], int] = {}
    existing = []
    for topic, may in zip(request.topics, ctx.authorize("READ", "TOPIC", names), strict=True):
        found = ctx.cluster.catalog.topic(topic.name)
        count = 0 if found is None or not may else len(found.partitions)
        refusal = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if may else ErrorCode.TOPIC_AUTHORIZATION_FAILED
        partitions = [each for each in topic.partitions if 0 <= each.partition_index < count]
        codes.update({(topic.name, each.partition_index): refusal for each in topic.partitions})
        existing.append(OffsetDeleteRequestTopic(name=topic.name, partitions=partitions))
    known = OffsetDeleteRequest(group_id=request.group_id, topics=[topic for topic in existing if topic.partitions])
    response = await ctx.cluster.groups.ask(ctx, request.group_id, lambda ticket: DeleteOffsets(ticket, known))
    if response.error_code:
        return OffsetDeleteResponse(error_code=response.error_code, topics=[])
    for answered in response.topics:
        codes.update({(answered.name, each.partition_index): each.error_code for each in answered.partitions})
    return OffsetDeleteResponse(error_code=ErrorCode.NONE, topics=[_answer(topic, codes) for topic in request.topics])


def _answer(topic: OffsetDeleteRequestTopic, codes: dict[tuple[str, int], int]) -> OffsetDeleteResponseTopic:
    return OffsetDeleteResponseTopic(
        name=topic.name,
        partitions=[
            OffsetDeleteResponsePartition(
                partition_index=each.partition_index, error_code=codes[topic.name, each.partition_index]
            )
            for each in topic.partitions
        ],
    )
