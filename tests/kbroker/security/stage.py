"""A broker with an authorizer and something of everything: the topic `t`, the groups `g` (of offsets) and `c` (with a
member that has `t`), the transactional id `x`; and rules that allow all but what a test denies.
"""

from typing import Any

from kbroker.acls import ALLOW, DENY, LITERAL, OPERATIONS, RESOURCE_TYPES, Acl
from tests.kbroker.security.probes import KEYS, Probe, build
from wire.registry import APIS

KINDS = ("TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER")


def rule(operation: str, resource_type: str, *, allows: bool, name: str = "*", principal: str = "User:*") -> Acl:
    return Acl(
        RESOURCE_TYPES[resource_type],
        "kafka-cluster" if resource_type == "CLUSTER" else name,
        LITERAL,
        principal,
        "*",
        OPERATIONS[operation],
        ALLOW if allows else DENY,
    )


EVERYTHING = [rule("ALL", kind, allows=True) for kind in KINDS]


async def prepare(client: Any) -> None:
    """Make what the probes speak of, as a client does."""

    async def ask(api: str, version: int, **fields: Any) -> Any:
        return await client.ask(build(api, fields), version)

    await ask("create_topics", 5, topics=[{"name": "t", "num_partitions": 1, "replication_factor": 1}], timeout_ms=9000)
    for kind, key in ((0, "g"), (0, "c"), (0, "new-group"), (1, "x")):
        while (await ask("find_coordinator", 4, key_type=kind, coordinator_keys=[key])).coordinators[0].error_code:
            pass
    partition = {"partition_index": 0, "committed_offset": 0, "committed_leader_epoch": -1}
    while (
        await ask(
            "offset_commit", 8, group_id="g", generation_id_or_member_epoch=-1,
            topics=[{"name": "t", "partitions": [partition]}],
        )
    ).topics[0].partitions[0].error_code:  # fmt: skip
        pass
    init = {"transactional_id": "x", "transaction_timeout_ms": 60000, "producer_id": -1, "producer_epoch": -1}
    while (found := await ask("init_producer_id", 4, **init)).error_code:
        pass
    await ask(
        "add_partitions_to_txn", 3, v3_and_below_transactional_id="x",
        v3_and_below_producer_id=found.producer_id, v3_and_below_producer_epoch=found.producer_epoch,
        v3_and_below_topics=[{"name": "t", "partitions": [0]}],
    )  # fmt: skip
    joined = await ask(
        "consumer_group_heartbeat", 0, group_id="c", rebalance_timeout_ms=60000, subscribed_topic_names=["t"],
        topic_partitions=[],
    )  # fmt: skip
    assert joined.error_code == 0, joined


async def probe(client: Any, one: Probe) -> Any:
    assert one.version in range(APIS[KEYS[one.api]].min_version, APIS[KEYS[one.api]].max_version + 1)
    return await client.ask(build(one.api, one.fields), one.version)
