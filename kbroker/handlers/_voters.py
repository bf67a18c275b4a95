"""The quorum of one: what Kafka calls a voter is a node and the directory of its metadata log (KIP-853)."""

from __future__ import annotations

from hashlib import sha256

from kbroker.context import Context
from wire.errors import ErrorCode, KafkaError
from wire.primitives import ZERO_UUID, uuid_text


def directory_id(cluster_id: str, node_id: int) -> bytes:
    """The same for all lives of a node."""
    return sha256(f"{cluster_id}/{node_id}".encode()).digest()[:16]


def described(node_id: int, directory: bytes) -> str:
    return f"ReplicaKey(id={node_id}, directoryId={uuid_text(directory)})"


def check(ctx: Context, cluster_id: str | None, voter_id: int, directory: bytes, verb: str) -> str:
    """What is wrong in any case; or the set of voters, in Kafka's words."""
    catalog = ctx.cluster.catalog
    if cluster_id is not None and cluster_id != catalog.cluster_id:
        raise KafkaError(
            ErrorCode.INCONSISTENT_CLUSTER_ID,
            f'The given id "{cluster_id}" doesn\'t match the cluster id "{catalog.cluster_id}"',
        )
    if voter_id < 0 or directory == ZERO_UUID:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"{verb} voter request didn't include a valid voter")
    leader = catalog.controller_id
    return f"[{described(leader, directory_id(catalog.cluster_id, leader))}]"
