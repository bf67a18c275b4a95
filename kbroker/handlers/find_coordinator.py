"""FindCoordinator: which broker coordinates a group, a transactional id or a share partition.

    key type 0 (group)         the leader of the group's partition of __consumer_offsets
    key type 1 (transaction)   v1+; the leader of the transactional id's partition of __transaction_state
    key type 2 (share)         v6+; the leader of a share partition's place in __share_group_state; the key is
                               "group:topic id:partition"

The topic is made by this very question, and the question waits for it.

v4+ asks for many keys and answers each (KIP-699); before, there is one key, and its answer stands at the top.
"""

from __future__ import annotations

from typing import NamedTuple

from kbroker.cluster import Cluster
from kbroker.context import Context
from kbroker.groups.coordinator import OFFSETS_TOPIC
from kbroker.operations import CLUSTER_NAME
from kbroker.shares.coordinator import STATE_TOPIC
from kbroker.transactions.coordinator import TRANSACTIONS_TOPIC
from wire.errors import ErrorCode, KafkaError
from wire.messages.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse
from wire.primitives import ZERO_UUID, uuid_bytes

GROUP, TRANSACTION, SHARE = 0, 1, 2
UUID_BYTES = len(ZERO_UUID)


async def find_coordinator(request: FindCoordinatorRequest, ctx: Context) -> FindCoordinatorResponse:
    asks_for_many = ctx.version >= 4
    knows_share = ctx.version >= 6
    keys = request.coordinator_keys if asks_for_many else [request.key]
    if request.key_type not in ((GROUP, TRANSACTION, SHARE) if knows_share else (GROUP, TRANSACTION)):
        found = [_refused(key, KafkaError(ErrorCode.INVALID_REQUEST)) for key in keys]
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

    operation: str
    resource: str
    denied: ErrorCode
    topic: str


KINDS = {
    GROUP: _Kind("DESCRIBE", "GROUP", ErrorCode.GROUP_AUTHORIZATION_FAILED, OFFSETS_TOPIC),
    TRANSACTION: _Kind(
        "DESCRIBE", "TRANSACTIONAL_ID", ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TRANSACTIONS_TOPIC
    ),
    SHARE: _Kind("CLUSTER_ACTION", "CLUSTER", ErrorCode.CLUSTER_AUTHORIZATION_FAILED, STATE_TOPIC),
}


async def _find(key_type: int, keys: list[str], ctx: Context) -> list[Coordinator]:
    cluster, kind = ctx.cluster, KINDS[key_type]
    names = [CLUSTER_NAME] * len(keys) if key_type == SHARE else keys
    allowed = ctx.authorize(kind.operation, kind.resource, names)
    if any(allowed):
        await cluster.catalog.ensure_internal(kind.topic)
    found = []
    for key, may in zip(keys, allowed, strict=True):
        if not may:
            found.append(_refused(key, KafkaError(kind.denied)))
            continue
        if key_type == SHARE and not _names_a_share_partition(key):
            found.append(_refused(key, KafkaError(ErrorCode.INVALID_REQUEST), ""))
            continue
        node_id, _ = cluster.catalog.leader(kind.topic, _place(cluster, key_type, key))
        endpoint = ctx.endpoint(node_id)
        if endpoint is None:
            found.append(_refused(key, KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)))
            continue
        host, port = endpoint
        found.append(Coordinator(key=key, node_id=node_id, host=host, port=port, error_code=0, error_message=""))
    return found


def _place(cluster: Cluster, key_type: int, key: str) -> int:
    """The partition of the topic that the key lives in."""
    if key_type == GROUP:
        return cluster.groups.coordinator(key)
    return (cluster.transactions if key_type == TRANSACTION else cluster.shares).coordinator(key)


def _names_a_share_partition(key: str) -> bool:
    """Is it "group:topic id:partition"? The group may have colons of its own."""
    parts = key.rsplit(":", 2)
    if len(parts) != 3 or not parts[0] or not parts[2].isdigit():
        return False
    try:
        return len(uuid_bytes(parts[1])) == UUID_BYTES
    except ValueError:
        return False


def _refused(key: str, error: KafkaError, message: str | None = None) -> Coordinator:
    text = (error.message or error.code.message) if message is None else message
    return Coordinator(key=key, node_id=-1, host="", port=-1, error_code=error.code, error_message=text)
