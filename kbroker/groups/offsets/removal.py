"""Offsets are removed: by an administrator (OffsetDelete), with their group (DeleteGroups), or with their topic."""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.states import State
from kbroker.groups.consumer.change import Change as ConsumerChange
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.records import forget_group, forget_offsets
from kbroker.groups.store import Assigned, Partition, Store
from kbroker.groups.streams.change import Change as StreamsChange
from kbroker.groups.subscription import CONSUMER
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode
from wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)


def delete_offsets(
    store: Store, group: ClassicGroup | Assigned, request: OffsetDeleteRequest, turn: Turn
) -> OffsetDeleteResponse:
    """Consumers protect the topics that they are subscribed to. Of other users of the protocol nobody knows what they
    read.
    """
    if isinstance(group, ClassicGroup) and group.state is not State.EMPTY and group.protocol_type != CONSUMER:
        return refuse(ErrorCode.NON_EMPTY_GROUP)
    offsets = set(store.partitions(group.id))
    gone: list[Partition] = []
    topics = []
    for topic in request.topics:
        code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if group.is_subscribed(topic.name) else ErrorCode.NONE
        asked = [partition.partition_index for partition in topic.partitions]
        if code is ErrorCode.NONE:
            gone += [(topic.name, index) for index in asked if (topic.name, index) in offsets]
        answers = [OffsetDeleteResponsePartition(partition_index=index, error_code=code) for index in asked]
        topics.append(OffsetDeleteResponseTopic(name=topic.name, partitions=answers))
    forget_offsets(group.id, dict.fromkeys(gone), turn)
    return OffsetDeleteResponse(error_code=ErrorCode.NONE, topics=topics)


def refuse(code: ErrorCode) -> OffsetDeleteResponse:
    return OffsetDeleteResponse(error_code=code, topics=[])


def delete_group(store: Store, group: ClassicGroup | Assigned, turn: Turn) -> ErrorCode:
    if group.members or (isinstance(group, ClassicGroup) and group.state is not State.EMPTY):
        return ErrorCode.NON_EMPTY_GROUP
    forget_offsets(group.id, store.partitions(group.id), turn)
    forget(group, turn)
    return ErrorCode.NONE


def forget(group: ClassicGroup | Assigned, turn: Turn) -> None:
    """The records of the group itself."""
    if isinstance(group, ClassicGroup):
        forget_group(group.id, turn)
    elif isinstance(group, ConsumerGroup):
        ConsumerChange(group, turn).forget()
    else:
        StreamsChange(group, turn, set()).forget()


def forget_topics(store: Store, successors: Mapping[str, bytes | None], turn: Turn) -> None:
    """The topics are gone: so are the offsets in them, of every group, used or not. A topic of the same name keeps its
    own.
    """
    for group_id in store.group_ids():
        gone = []
        for partition in store.partitions(group_id):
            if partition[0] in successors:
                successor = successors[partition[0]]
                if successor is None or not store.is_of(group_id, partition, successor):
                    gone.append(partition)
        forget_offsets(group_id, gone, turn)
