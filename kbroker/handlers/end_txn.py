"""EndTxn: the producer says how its transaction ends (KIP-98).

The decision is written down, then every partition gets a marker. It is answered when the markers stand, so that who
reads after a commit sees it; Kafka answers as soon as the decision is durable, and lets the next request wait
(CONCURRENT_TRANSACTIONS, 51). If a marker is delayed, it is answered at once here, too.

    v2  PRODUCER_FENCED (90), before: 47       v5  transaction version 2: every end raises the epoch, and the answer
                                                   carries it (KIP-890)

The same end again is a success, the other one INVALID_TXN_STATE (48), and so is an end without a transaction; but an
abort of version 5 is always possible. INVALID_PRODUCER_ID_MAPPING (49), INVALID_REQUEST (42) for an empty id,
NOT_COORDINATOR (16).
"""

from __future__ import annotations

from kbroker.context import Context, Later
from kbroker.handlers._transactions import asked, fenced
from kbroker.machine import Producer
from kbroker.transactions.events import EndTransaction
from wire.errors import ErrorCode
from wire.messages.end_txn import EndTxnRequest, EndTxnResponse


def end_txn(request: EndTxnRequest, ctx: Context) -> EndTxnResponse | Later:
    knows_producer_fenced = ctx.version >= 2  # KIP-588
    raises_epochs = ctx.version >= 5  # KIP-890
    name = request.transactional_id
    if not ctx.authorize("WRITE", "TRANSACTIONAL_ID", (name,))[0]:
        return EndTxnResponse(error_code=ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if not name:
        return EndTxnResponse(error_code=ErrorCode.INVALID_REQUEST)
    producer = Producer(request.producer_id, request.producer_epoch)
    return asked(
        ctx,
        name,
        lambda ticket: EndTransaction(ticket, name, producer, request.committed, raises_epochs),
        lambda goes_on: EndTxnResponse(error_code=0, producer_id=goes_on.id, producer_epoch=goes_on.epoch),
        lambda code: EndTxnResponse(error_code=fenced(code, knows_producer_fenced)),
    )
