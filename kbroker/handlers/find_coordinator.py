"""FindCoordinator: which broker coordinates a group, a transactional id or a share partition.

    key type 0 (group)         the leader of the group's partition of __consumer_offsets
    key type 1 (transaction)   v1+; the leader of the transactional id's partition of __transaction_state
    key type 2 (share)         v6+; share groups are not there yet: refused

The topic is made by this very question, and the question waits for it.

v4+ asks for many keys and answers each (KIP-699); before, there is one key, and its answer stands at the top.
"""

from __future__ import annotations

from typing import NamedTuple

from kbroker.context import Context
from kbroker.groups.coordinator import OFFSETS_TOPIC
from kbroker.operations import CLUSTER_NAME
from kbroker.transactions.coordinator import TRANSACTIONS_TOPIC
from wire.errors import ErrorCode, KafkaError
from wire.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse

GROUP, TRANSACTION, SHARE = 0, 1, 2


async def find_coordinator(request: FindCoordinatorRequest, ctx: Context) -> FindCoordinatorResponse:
    asks_for_many = ctx.version >= 4
    knows_share = ctx.version >= 6
    keys = request.coordinator_keys if asks_for_many else [request.key]
    if request.key_type not in ((GROUP, TRANSACTION, SHARE) if knows_share else (GROUP, TRANSACTION)):
        found = [_refused(key, KafkaError(ErrorCode.INVALID_REQUEST)) for key in keys]
    elif request.key_type == SHARE:
        found = [_share(key, ctx) for key in keys]
    else:
        found = await _find(request.key_type, keys, ctx)
    if asks_for_many:
        return FindCoordinatorResponse(coordinators=found)
    only = found[0]
    return FindCoordinatorResponse(
        error_code=only.error_code,
        error_message=only.error_message if only.error_code else "NONE",
        node_id=only.node_id,
        host=only.host,
        port=only.port,
        coordinators=[],
    )


class _Kind(NamedTuple):
    """What is coordinated, and by whom: the leaders of which internal topic."""

    resource: str
    denied: ErrorCode
    topic: str


KINDS = {
    GROUP: _Kind("GROUP", ErrorCode.GROUP_AUTHORIZATION_FAILED, OFFSETS_TOPIC),
    TRANSACTION: _Kind(
        "TRANSACTIONAL_ID", ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TRANSACTIONS_TOPIC
    ),
}


async def _find(key_type: int, keys: list[str], ctx: Context) -> list[Coordinator]:
    cluster, kind = ctx.cluster, KINDS[key_type]
    allowed = ctx.authorize("DESCRIBE", kind.resource, keys)
    if any(allowed):
        await cluster.catalog.ensure_internal(kind.topic)
    place = cluster.groups.coordinator if key_type == GROUP else cluster.transactions.coordinator
    found = []
    for key, may in zip(keys, allowed, strict=True):
        if not may:
            found.append(_refused(key, KafkaError(kind.denied)))
            continue
        node_id, _ = cluster.catalog.leader(kind.topic, place(key))
        endpoint = ctx.endpoint(node_id)
        if endpoint is None:
            found.append(_refused(key, KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)))
            continue
        host, port = endpoint
        found.append(Coordinator(key=key, node_id=node_id, host=host, port=port, error_code=0, error_message=""))
    return found


def _share(key: str, ctx: Context) -> Coordinator:
    """A share partition is "group:topic id:partition"; a malformed key is the client's fault, a good one ours."""
    if not ctx.authorize("CLUSTER_ACTION", "CLUSTER", (CLUSTER_NAME,))[0]:
        return _refused(key, KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED))
    parts = key.split(":")
    if len(parts) != 3 or not parts[2].isdigit():
        return _refused(key, KafkaError(ErrorCode.INVALID_REQUEST))
    return _refused(key, KafkaError(ErrorCode.INVALID_REQUEST, "This broker has no share groups yet."))


def _refused(key: str, error: KafkaError) -> Coordinator:
    message = error.message or error.code.message
    return Coordinator(key=key, node_id=-1, host="", port=-1, error_code=error.code, error_message=message)
