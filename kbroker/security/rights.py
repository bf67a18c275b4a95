"""Which request needs what: one row for each right that its handler asks the authorizer about.

A row is the operation and the type of resource, the error that stands where the right is missing - in the answer's own
place for that resource, or, for what concerns the cluster, in all of them - and what else is enough instead. A row
without an error: what may not be seen is left out of the answer, as if it were not there.

The tests read this table (`tests/kbroker/security/test_rights.py`): for each row they ask the request with everything
allowed but that, and no handler may ask for a right that is not here. The table in `docs/authorization.md` is drawn
from it. It is that of Kafka's `KafkaApis` and `ControllerApis`, asked of Kafka itself row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from wire.errors import ErrorCode


class Right(NamedTuple):
    operation: str
    resource_type: str
    refusal: ErrorCode | None
    """None: left out of the answer."""
    instead: tuple[tuple[str, str], ...] = ()
    """Other (operation, resource type) of which one is enough."""
    when: str = ""
    """If not always: when the right is needed."""


_TOPIC = ErrorCode.TOPIC_AUTHORIZATION_FAILED
_GROUP = ErrorCode.GROUP_AUTHORIZATION_FAILED
_CLUSTER = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
_TRANSACTION = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
_TOKEN = ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED


def _on_topic(operation: str) -> Right:
    return Right(operation, "TOPIC", _TOPIC)


def _on_group(operation: str) -> Right:
    return Right(operation, "GROUP", _GROUP)


def _on_cluster(operation: str) -> Right:
    return Right(operation, "CLUSTER", _CLUSTER)


def _on_transaction(operation: str = "WRITE") -> Right:
    return Right(operation, "TRANSACTIONAL_ID", _TRANSACTION)


_MEMBER = (_on_group("READ"),)
_MEMBER_OF_TOPICS = (_on_group("READ"), Right("DESCRIBE", "TOPIC", _TOPIC, when="topics are subscribed to by name"))
_DESCRIBED_GROUP = (_on_group("DESCRIBE"), Right("DESCRIBE", "TOPIC", _TOPIC, when="members have or want the topic"))
_CONFIGS = tuple(
    Right("ALTER_CONFIGS", kind, code, when=when)
    for kind, code, when in (
        ("TOPIC", _TOPIC, "configs of a topic"),
        ("GROUP", _GROUP, "configs of a group"),
        ("CLUSTER", _CLUSTER, "configs of brokers, their loggers and client metrics"),
    )
)

# fmt: off
RIGHTS: Mapping[str, tuple[Right, ...]] = {
    "produce": (
        Right("WRITE", "TRANSACTIONAL_ID", _TRANSACTION, when="it names a transactional id"),
        _on_topic("WRITE"),
    ),
    "fetch": (_on_topic("READ"),),
    "list_offsets": (_on_topic("DESCRIBE"),),
    "metadata": (
        Right("DESCRIBE", "TOPIC", _TOPIC, when="topics are named; of all topics it is left out"),
        Right("CREATE", "TOPIC", _TOPIC, (("CREATE", "CLUSTER"),), when="a topic is created by the question"),
    ),
    "offset_commit": (_on_group("READ"), _on_topic("READ")),
    "offset_fetch": (
        _on_group("DESCRIBE"),
        Right("DESCRIBE", "TOPIC", _TOPIC, when="topics are named; of all topics it is left out"),
    ),
    "find_coordinator": (
        Right("DESCRIBE", "GROUP", _GROUP, when="the key is a group"),
        Right("DESCRIBE", "TRANSACTIONAL_ID", _TRANSACTION, when="the key is a transactional id"),
        Right("CLUSTER_ACTION", "CLUSTER", _CLUSTER, when="the key is a share partition"),
    ),
    "join_group": _MEMBER,
    "heartbeat": _MEMBER,
    "leave_group": _MEMBER,
    "sync_group": _MEMBER,
    "describe_groups": (_on_group("DESCRIBE"),),
    "list_groups": (Right("DESCRIBE", "GROUP", None, (("DESCRIBE", "CLUSTER"),)),),
    "sasl_handshake": (),
    "api_versions": (),
    "create_topics": (
        Right("CREATE", "TOPIC", _TOPIC, (("CREATE", "CLUSTER"),)),
        Right("DESCRIBE_CONFIGS", "TOPIC", _TOPIC, when="to be told the configs of what was made (v5)"),
    ),
    "delete_topics": (
        Right("DELETE", "TOPIC", _TOPIC, (("DELETE", "CLUSTER"),)),
        Right("DESCRIBE", "TOPIC", _TOPIC, (("DELETE", "CLUSTER"),)),
    ),
    "delete_records": (_on_topic("DELETE"),),
    "init_producer_id": (
        Right("WRITE", "TRANSACTIONAL_ID", _TRANSACTION, when="it names a transactional id"),
        Right("IDEMPOTENT_WRITE", "CLUSTER", _CLUSTER, (("WRITE", "TOPIC"),), when="it names none"),
    ),
    "offset_for_leader_epoch": (Right("DESCRIBE", "TOPIC", _TOPIC, (("CLUSTER_ACTION", "CLUSTER"),)),),
    "add_partitions_to_txn": (
        Right("WRITE", "TRANSACTIONAL_ID", _TRANSACTION, when="up to v3"),
        Right("WRITE", "TOPIC", _TOPIC, when="up to v3"),
        Right("CLUSTER_ACTION", "CLUSTER", _CLUSTER, when="from v4 on"),
    ),
    "add_offsets_to_txn": (_on_transaction(), _on_group("READ")),
    "end_txn": (_on_transaction(),),
    "write_txn_markers": (Right("CLUSTER_ACTION", "CLUSTER", _CLUSTER, (("ALTER", "CLUSTER"),)),),
    "txn_offset_commit": (_on_transaction(), _on_group("READ"), _on_topic("READ")),
    "describe_acls": (_on_cluster("DESCRIBE"),),
    "create_acls": (_on_cluster("ALTER"),),
    "delete_acls": (_on_cluster("ALTER"),),
    "describe_configs": tuple(right._replace(operation="DESCRIBE_CONFIGS") for right in _CONFIGS),
    "alter_configs": _CONFIGS,
    "alter_replica_log_dirs": (_on_cluster("ALTER"),),
    "describe_log_dirs": (_on_cluster("DESCRIBE"),),
    "sasl_authenticate": (),
    "create_partitions": (_on_topic("ALTER"),),
    "create_delegation_token": (Right("CREATE_TOKENS", "USER", _TOKEN, when="the token is for somebody else"),),
    "renew_delegation_token": (),
    "expire_delegation_token": (),
    "describe_delegation_token": (
        Right("DESCRIBE", "DELEGATION_TOKEN", None, (("DESCRIBE_TOKENS", "USER"),), when="it is another's token"),
    ),
    "delete_groups": (_on_group("DELETE"),),
    "elect_leaders": (_on_cluster("ALTER"),),
    "incremental_alter_configs": _CONFIGS,
    "alter_partition_reassignments": (_on_cluster("ALTER"),),
    "list_partition_reassignments": (_on_cluster("DESCRIBE"),),
    "offset_delete": (_on_group("DELETE"), _on_topic("READ")),
    "describe_client_quotas": (_on_cluster("DESCRIBE_CONFIGS"),),
    "alter_client_quotas": (_on_cluster("ALTER_CONFIGS"),),
    "describe_user_scram_credentials": (_on_cluster("DESCRIBE"),),
    "alter_user_scram_credentials": (_on_cluster("ALTER"),),
    "describe_quorum": (_on_cluster("DESCRIBE"),),
    "update_features": (_on_cluster("ALTER"),),
    "describe_cluster": (),
    "describe_producers": (_on_topic("READ"),),
    "unregister_broker": (_on_cluster("ALTER"),),
    "unregister_controller": (_on_cluster("ALTER"),),
    "describe_transactions": (_on_transaction("DESCRIBE"), Right("DESCRIBE", "TOPIC", None)),
    "list_transactions": (Right("DESCRIBE", "TRANSACTIONAL_ID", None),),
    "consumer_group_heartbeat": _MEMBER_OF_TOPICS,
    "consumer_group_describe": _DESCRIBED_GROUP,
    "get_telemetry_subscriptions": (),
    "push_telemetry": (),
    "list_config_resources": (_on_cluster("DESCRIBE_CONFIGS"),),
    "describe_topic_partitions": (
        Right("DESCRIBE", "TOPIC", _TOPIC, when="topics are named; of all topics it is left out"),
    ),
    "share_group_heartbeat": _MEMBER_OF_TOPICS,
    "share_group_describe": _DESCRIBED_GROUP,
    "share_fetch": (_on_group("READ"), _on_topic("READ")),
    "share_acknowledge": (_on_group("READ"), _on_topic("READ")),
    "add_raft_voter": (_on_cluster("ALTER"),),
    "remove_raft_voter": (_on_cluster("ALTER"),),
    "initialize_share_group_state": (_on_cluster("CLUSTER_ACTION"),),
    "read_share_group_state": (_on_cluster("CLUSTER_ACTION"),),
    "write_share_group_state": (_on_cluster("CLUSTER_ACTION"),),
    "delete_share_group_state": (_on_cluster("CLUSTER_ACTION"),),
    "read_share_group_state_summary": (_on_cluster("CLUSTER_ACTION"),),
    "streams_group_heartbeat": _MEMBER_OF_TOPICS,
    "streams_group_describe": _DESCRIBED_GROUP,
    "streams_group_topology_description_update": _MEMBER,
    "describe_share_group_offsets": (_on_group("DESCRIBE"), _on_topic("DESCRIBE")),
    "alter_share_group_offsets": (_on_group("READ"), _on_topic("READ")),
    "delete_share_group_offsets": (_on_group("DELETE"), _on_topic("READ")),
}
# fmt: on
