"""AddOffsetsToTxn: the transaction is going to commit offsets of this group (KIP-98). It becomes part of the
transaction as the group's partition of __consumer_offsets; the offsets themselves go to the group's coordinator
(TxnOffsetCommit). In transaction version 2 nobody asks it: TxnOffsetCommit does it by itself.

    v2  PRODUCER_FENCED (90), before: 47        The rest is as in AddPartitionsToTxn. The group need not exist.
"""

from __future__ import annotations

from kbroker.context import Context, Later
from kbroker.groups.coordinator import OFFSETS_TOPIC
from kbroker.handlers._transactions import asked, fenced
from kbroker.machine import Producer
from kbroker.transactions.events import AddPartitions
from wire.errors import ErrorCode
from wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse


def add_offsets_to_txn(request: AddOffsetsToTxnRequest, ctx: Context) -> AddOffsetsToTxnResponse | Later:
    knows_producer_fenced = ctx.version >= 2  # KIP-588
    name, group_id = request.transactional_id, request.group_id
    if not ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]:
        return _response(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not ctx.authorize("READ", "GROUP", (group_id,))[0]:
        return _response(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not name:
        return _response(ErrorCode.INVALID_REQUEST)
    producer = Producer(request.producer_id, request.producer_epoch)
    places = ((OFFSETS_TOPIC, ctx.cluster.groups.coordinator(group_id)),)
    return asked(
        ctx,
        name,
        lambda ticket: AddPartitions(ticket, name, producer, places),
        lambda _: _response(ErrorCode.NONE),
        lambda code: _response(fenced(code, knows_producer_fenced)),
    )


def _response(code: ErrorCode) -> AddOffsetsToTxnResponse:
    return AddOffsetsToTxnResponse(error_code=code)
