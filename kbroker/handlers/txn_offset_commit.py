"""TxnOffsetCommit: how far a transaction has read its input. The offsets count when the transaction commits (KIP-98).

    v3  member and generation, checked as in OffsetCommit: 22, 25, 82 (KIP-447)    v4  TRANSACTION_ABORTABLE (120) where
    the group is not part of the transaction, before: INVALID_TXN_STATE (48)       v5  transaction version 2: the group
    becomes part of it now (KIP-890)                                               v6  topics by id

Every partition has its own error, also when the group refuses all. Of the transaction: INVALID_PRODUCER_EPOCH (47) for
any other epoch, INVALID_PRODUCER_ID_MAPPING (49), CONCURRENT_TRANSACTIONS (51), COORDINATOR_LOAD_IN_PROGRESS (14) when
its coordinator cannot be asked. The rest is as in OffsetCommit.
"""

from __future__ import annotations

import asyncio

from kbroker.context import Context
from kbroker.groups.answers import then
from kbroker.groups.events import CommitInTransaction
from kbroker.handlers._commits import merge, sort_out
from kbroker.machine import Producer
from wire.errors import ErrorCode, KafkaError
from wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)


def txn_offset_commit(
    request: TxnOffsetCommitRequest, ctx: Context
) -> TxnOffsetCommitResponse | asyncio.Future[TxnOffsetCommitResponse]:
    knows_abortable = ctx.version >= 4  # KIP-890
    raises_epochs = ctx.version >= 5  # KIP-890
    by_id = ctx.version >= 6
    name = request.transactional_id
    if not ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]:
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    plain = _plain(request)
    known, refused = sort_out(plain, ctx, by_id)
    if not known:
        return _response(OffsetCommitResponse(topics=refused))
    plain.topics = known
    producer = Producer(request.producer_id, request.producer_epoch)
    not_added = ErrorCode.TRANSACTION_ABORTABLE if knows_abortable else ErrorCode.INVALID_TXN_STATE
    committed = ctx.cluster.groups.ask(
        ctx,
        request.group_id,
        lambda ticket: CommitInTransaction(ticket, plain, name, producer, raises_epochs, not_added),
    )
    return then(ctx.cluster.world, committed, lambda response: _response(merge(refused, response)))


def _plain(request: TxnOffsetCommitRequest) -> OffsetCommitRequest:
    """The same offsets, as OffsetCommit would bring them."""
    return OffsetCommitRequest(
        group_id=request.group_id,
        generation_id_or_member_epoch=request.generation_id_or_member_epoch,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        topics=[
            OffsetCommitRequestTopic(
                name=topic.name,
                topic_id=topic.topic_id,
                partitions=[
                    OffsetCommitRequestPartition(
                        partition_index=each.partition_index,
                        committed_offset=each.committed_offset,
                        committed_leader_epoch=each.committed_leader_epoch,
                        committed_metadata=each.committed_metadata,
                    )
                    for each in topic.partitions
                ],
            )
            for topic in request.topics
        ],
    )


def _response(plain: OffsetCommitResponse) -> TxnOffsetCommitResponse:
    return TxnOffsetCommitResponse(
        topics=[
            TxnOffsetCommitResponseTopic(
                name=topic.name,
                topic_id=topic.topic_id,
                partitions=[
                    TxnOffsetCommitResponsePartition(partition_index=each.partition_index, error_code=each.error_code)
                    for each in topic.partitions
                ],
            )
            for topic in plain.topics
        ]
    )
