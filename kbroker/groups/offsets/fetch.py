"""OffsetFetch: what has the group committed?

Nothing committed is not an error: offset -1. With `require_stable` a partition for which a transaction is undecided
has no answer yet (KIP-447); without it the offset from before that transaction counts. An unknown group has
committed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.groups.events import FetchOffsets
from kbroker.groups.store import Assigned, Committed, Store
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_fetch import (
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopics,
)
from wire.primitives import ZERO_UUID

NO_OFFSET = -1


def fetch(store: Store, event: FetchOffsets) -> OffsetFetchResponseGroup:
    group = store.assigned(event.group_id)
    if group is not None and (event.member_id is not None or event.member_epoch >= 0):
        _check_member(group, event)
    if event.topics is None:
        topics = _everything(store, event)
    else:
        topics = [
            OffsetFetchResponseTopics(
                name=wanted.topic,
                topic_id=wanted.topic_id,
                partitions=_partitions(store, event, wanted.topic, wanted.partitions, wanted.topic_id),
            )
            for wanted in event.topics
        ]
    return OffsetFetchResponseGroup(group_id=event.group_id, topics=topics, error_code=ErrorCode.NONE)


def _check_member(group: Assigned, event: FetchOffsets) -> None:
    """A member that says who it is must be one, and know its epoch: else what it fetches is not for it any more."""
    member_id = event.member_id or ""
    if member_id not in group.members:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    if not group.is_member(member_id, event.member_epoch):
        is_classic = group.is_classic(member_id)
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION if is_classic else ErrorCode.STALE_MEMBER_EPOCH)


def _everything(store: Store, event: FetchOffsets) -> list[OffsetFetchResponseTopics]:
    """All that has been committed; what is undecided only shows where something was committed before."""
    known = store.offsets.get(event.group_id, {})
    by_topic: dict[str, list[int]] = {}
    for topic, partition in known:
        by_topic.setdefault(topic, []).append(partition)
    return [
        OffsetFetchResponseTopics(
            name=topic, topic_id=ZERO_UUID, partitions=_partitions(store, event, topic, sorted(partitions), ZERO_UUID)
        )
        for topic, partitions in sorted(by_topic.items())
    ]


def _partitions(
    store: Store, event: FetchOffsets, topic: str, partitions: Iterable[int], topic_id: bytes
) -> list[OffsetFetchResponsePartitions]:
    offsets = store.offsets.get(event.group_id, {})
    answers = []
    for partition in partitions:
        if event.require_stable and store.is_undecided(event.group_id, (topic, partition)):
            answers.append(_answer(partition, None, ErrorCode.UNSTABLE_OFFSET_COMMIT))
            continue
        committed = offsets.get((topic, partition))
        if committed is not None and not committed.is_of(topic_id):
            committed = None
        answers.append(_answer(partition, committed, ErrorCode.NONE))
    return answers


def _answer(partition: int, committed: Committed | None, code: ErrorCode) -> OffsetFetchResponsePartitions:
    return OffsetFetchResponsePartitions(
        partition_index=partition,
        committed_offset=NO_OFFSET if committed is None else committed.offset,
        committed_leader_epoch=-1 if committed is None else committed.leader_epoch,
        metadata="" if committed is None else committed.metadata,
        error_code=code,
    )


def refuse_partitions(partitions: Iterable[int], code: ErrorCode) -> list[OffsetFetchResponsePartitions]:
    return [_answer(partition, None, code) for partition in partitions]
