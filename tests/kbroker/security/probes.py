"""One question for each right: what is asked of `t`, `g`, `x` and the cluster, as plain values of the messages' fields.

A probe names the request, the version, the fields, and the rows of `rights.RIGHTS` it is for. Fields that are not said
are zero, empty or null.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from wire.records import Record, build_batch
from wire.registry import APIS
from wire.schema import Request, Struct

KEYS = {api.name: key for key, api in APIS.items()}
NUMBERS = {"int8", "int16", "int32", "int64", "uint16", "uint32", "float64"}


class Probe(NamedTuple):
    api: str
    version: int
    rights: tuple[tuple[str, str], ...]
    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.api} v{self.version} {','.join(' '.join(right) for right in self.rights)}"


def build(api: str, fields: Mapping[str, Any]) -> Request:
    request: Request = _struct(APIS[KEYS[api]].request_class(), fields)
    return request


def _struct(kind: type[Struct], fields: Mapping[str, Any]) -> Any:
    unknown = set(fields) - {field.name for field in kind.__fields__}
    assert not unknown, f"{kind.__name__} has no {unknown}"
    return kind(
        **{
            field.name: _value(field, fields[field.name]) if field.name in fields else _nothing(field)
            for field in kind.__fields__
            if field.name in fields or not field.has_default
        }
    )


def _value(field: Any, value: Any) -> Any:
    if field.kind == "array" and value is not None and field.element is not None and field.element.struct is not None:
        return [_struct(field.element.struct, item) for item in value]
    return value


def _nothing(field: Any) -> Any:
    if field.nullable:
        return None
    if field.kind in NUMBERS:
        return 0
    if field.kind == "struct":
        return field.struct.__default__()
    return {"bool": False, "string": "", "bytes": b"", "uuid": bytes(16), "array": []}[field.kind]


CLUSTER = "kafka-cluster"


def _topics(**partition: Any) -> list[dict[str, Any]]:
    return [{"name": "t", "partitions": [partition]}]


def _one(api: str, version: int, right: str, **fields: Any) -> Probe:
    rights = tuple((name.split()[0], name.split()[1]) for name in right.split(", ")) if right else ()
    return Probe(api, version, rights, fields)


PLAIN = bytes(build_batch([Record(value=b"v", timestamp=0)]))
_SENDER = {"producer_id": 77, "producer_epoch": 0, "base_sequence": 0}
TRANSACTIONAL = bytes(build_batch([Record(value=b"v", timestamp=0)], transactional=True, **_SENDER))
_PRODUCER = {"producer_id": 1, "producer_epoch": 0}
_RESOURCES = {"TOPIC": (2, "t"), "GROUP": (32, "g"), "CLUSTER": (4, "1")}
_CONFIG = {
    "TOPIC": ("retention.ms", "1000000"), "GROUP": ("consumer.session.timeout.ms", "50000"),
    "CLUSTER": ("log.cleaner.threads", "1"),
}  # fmt: skip

PROBES = (
    _one("produce", 9, "WRITE TOPIC", acks=1, timeout_ms=1000,
         topic_data=[{"name": "t", "partition_data": [{"index": 0, "records": PLAIN}]}]),
    _one("produce", 9, "WRITE TRANSACTIONAL_ID", transactional_id="x", acks=-1, timeout_ms=1000,
         topic_data=[{"name": "t", "partition_data": [{"index": 0, "records": TRANSACTIONAL}]}]),
    _one("fetch", 12, "READ TOPIC", replica_id=-1, max_wait_ms=0, max_bytes=1000, session_epoch=-1,
         topics=[{"topic": "t", "partitions": [
             {"partition": 0, "current_leader_epoch": -1, "last_fetched_epoch": -1, "partition_max_bytes": 1000}]}]),
    _one("list_offsets", 7, "DESCRIBE TOPIC", replica_id=-1,
         topics=_topics(partition_index=0, current_leader_epoch=-1, timestamp=-1)),
    _one("metadata", 9, "DESCRIBE TOPIC", topics=[{"name": "t"}]),
    _one("metadata", 9, "CREATE TOPIC", topics=[{"name": "made-by-the-question"}], allow_auto_topic_creation=True),
    _one("offset_commit", 8, "READ GROUP, READ TOPIC", group_id="g", generation_id_or_member_epoch=-1,
         topics=_topics(partition_index=0, committed_offset=1, committed_leader_epoch=-1)),
    _one("offset_fetch", 8, "DESCRIBE GROUP, DESCRIBE TOPIC",
         topics=[], groups=[
             {"group_id": "g", "member_epoch": -1, "topics": [{"name": "t", "partition_indexes": [0]}]}]),
    _one("find_coordinator", 4, "DESCRIBE GROUP", key_type=0, coordinator_keys=["g"]),
    _one("find_coordinator", 4, "DESCRIBE TRANSACTIONAL_ID", key_type=1, coordinator_keys=["x"]),
    _one("find_coordinator", 6, "CLUSTER_ACTION CLUSTER", key_type=2,
         coordinator_keys=["g:AAAAAAAAAAAAAAAAAAAAAQ:0"]),
    _one("join_group", 7, "READ GROUP", group_id="g", session_timeout_ms=10000, rebalance_timeout_ms=10000,
         member_id="nobody", protocol_type="consumer", protocols=[{"name": "range", "metadata": b""}]),
    _one("heartbeat", 4, "READ GROUP", group_id="g", member_id="nobody"),
    _one("leave_group", 4, "READ GROUP", group_id="g", members=[{"member_id": "nobody"}]),
    _one("sync_group", 5, "READ GROUP", group_id="g", member_id="nobody", protocol_type="consumer",
         protocol_name="range"),
    _one("describe_groups", 5, "DESCRIBE GROUP", groups=["g"]),
    _one("list_groups", 4, "DESCRIBE GROUP"),
    _one("create_topics", 7, "CREATE TOPIC, DESCRIBE_CONFIGS TOPIC", validate_only=True,
         topics=[{"name": "new", "num_partitions": 1, "replication_factor": 1}]),
    _one("delete_records", 2, "DELETE TOPIC", timeout_ms=1000, topics=_topics(partition_index=0, offset=0)),
    _one("init_producer_id", 4, "WRITE TRANSACTIONAL_ID", transactional_id="x", transaction_timeout_ms=1000,
         producer_id=-1, producer_epoch=-1),
    _one("init_producer_id", 4, "IDEMPOTENT_WRITE CLUSTER", producer_id=-1, producer_epoch=-1),
    _one("offset_for_leader_epoch", 4, "DESCRIBE TOPIC", replica_id=-1,
         topics=[{"topic": "t", "partitions": [{"partition": 0, "current_leader_epoch": -1}]}]),
    _one("add_partitions_to_txn", 3, "WRITE TRANSACTIONAL_ID, WRITE TOPIC",
         v3_and_below_transactional_id="x", v3_and_below_producer_id=1,
         v3_and_below_topics=[{"name": "t", "partitions": [0]}]),
    _one("add_partitions_to_txn", 4, "CLUSTER_ACTION CLUSTER", transactions=[
         {"transactional_id": "x", "topics": [{"name": "t", "partitions": [0]}], "verify_only": True, **_PRODUCER}]),
    _one("add_offsets_to_txn", 3, "WRITE TRANSACTIONAL_ID, READ GROUP", transactional_id="x", group_id="g",
         **_PRODUCER),
    _one("end_txn", 3, "WRITE TRANSACTIONAL_ID", transactional_id="x", **_PRODUCER),
    _one("write_txn_markers", 1, "CLUSTER_ACTION CLUSTER", markers=[
         {"topics": [{"name": "t", "partition_indexes": [0]}], **_PRODUCER}]),
    _one("txn_offset_commit", 3, "WRITE TRANSACTIONAL_ID, READ GROUP, READ TOPIC", transactional_id="x", group_id="g",
         generation_id_or_member_epoch=-1, topics=_topics(partition_index=0, committed_offset=1), **_PRODUCER),
    _one("describe_acls", 2, "DESCRIBE CLUSTER", resource_type_filter=3, resource_name_filter="nothing",
         pattern_type_filter=3, operation=1, permission_type=1),
    _one("create_acls", 2, "ALTER CLUSTER", creations=[
        {"resource_type": 3, "resource_name": "nothing", "resource_pattern_type": 3, "principal": "User:nobody",
         "host": "*", "operation": 3, "permission_type": 3}]),
    _one("delete_acls", 2, "ALTER CLUSTER", filters=[
        {"resource_type_filter": 3, "resource_name_filter": "nothing", "pattern_type_filter": 3, "operation": 1,
         "permission_type": 1}]),
    *(
        _one("describe_configs", 4, f"DESCRIBE_CONFIGS {kind}", resources=[
            {"resource_type": number, "resource_name": name, "configuration_keys": [_CONFIG[kind][0]]}])
        for kind, (number, name) in _RESOURCES.items()
    ),
    *(
        _one("alter_configs", 2, f"ALTER_CONFIGS {kind}", validate_only=True, resources=[
            {"resource_type": number, "resource_name": name,
             "configs": [{"name": _CONFIG[kind][0], "value": _CONFIG[kind][1]}]}])
        for kind, (number, name) in _RESOURCES.items()
    ),
    *(
        _one("incremental_alter_configs", 1, f"ALTER_CONFIGS {kind}", validate_only=True, resources=[
            {"resource_type": number, "resource_name": name,
             "configs": [{"name": _CONFIG[kind][0], "value": _CONFIG[kind][1]}]}])
        for kind, (number, name) in _RESOURCES.items()
    ),
    _one("alter_replica_log_dirs", 2, "ALTER CLUSTER", dirs=[
         {"path": "/nowhere", "topics": [{"name": "t", "partitions": [0]}]}]),
    _one("describe_log_dirs", 4, "DESCRIBE CLUSTER"),
    _one("create_partitions", 3, "ALTER TOPIC", validate_only=True, timeout_ms=9000,
         topics=[{"name": "t", "count": 3}]),
    _one("elect_leaders", 2, "ALTER CLUSTER", topic_partitions=[{"topic": "t", "partitions": [0]}], timeout_ms=1000),
    _one("alter_partition_reassignments", 0, "ALTER CLUSTER", timeout_ms=1000,
         topics=_topics(partition_index=0, replicas=[1])),
    _one("list_partition_reassignments", 0, "DESCRIBE CLUSTER", timeout_ms=1000),
    _one("offset_delete", 0, "DELETE GROUP, READ TOPIC", group_id="g", topics=_topics(partition_index=0)),
    _one("describe_client_quotas", 1, "DESCRIBE_CONFIGS CLUSTER"),
    _one("alter_client_quotas", 1, "ALTER_CONFIGS CLUSTER", validate_only=True, entries=[
        {"entity": [{"entity_type": "user", "entity_name": "a"}],
         "ops": [{"key": "producer_byte_rate", "value": 1000.0}]}]),
    _one("describe_user_scram_credentials", 0, "DESCRIBE CLUSTER"),
    _one("alter_user_scram_credentials", 0, "ALTER CLUSTER", deletions=[{"name": "nobody", "mechanism": 1}]),
    _one("describe_quorum", 1, "DESCRIBE CLUSTER",
         topics=[{"topic_name": "__cluster_metadata", "partitions": [{"partition_index": 0}]}]),
    _one("update_features", 1, "ALTER CLUSTER", validate_only=True, timeout_ms=1000),
    _one("describe_producers", 0, "READ TOPIC", topics=[{"name": "t", "partition_indexes": [0]}]),
    _one("unregister_broker", 0, "ALTER CLUSTER", broker_id=77),
    _one("unregister_controller", 0, "ALTER CLUSTER", controller_id=77),
    _one("describe_transactions", 0, "DESCRIBE TRANSACTIONAL_ID", transactional_ids=["x"]),
    _one("list_transactions", 1, "DESCRIBE TRANSACTIONAL_ID", duration_filter=-1),
    _one("consumer_group_heartbeat", 0, "READ GROUP, DESCRIBE TOPIC", group_id="new-group", rebalance_timeout_ms=10000,
         subscribed_topic_names=["t"], topic_partitions=[]),
    _one("consumer_group_describe", 0, "DESCRIBE GROUP, DESCRIBE TOPIC", group_ids=["c"]),
    _one("list_config_resources", 1, "DESCRIBE_CONFIGS CLUSTER"),
    _one("describe_topic_partitions", 0, "DESCRIBE TOPIC", topics=[{"name": "t"}], response_partition_limit=10),
    _one("add_raft_voter", 0, "ALTER CLUSTER", timeout_ms=10, voter_id=77, cluster_id="MkU3OEVBNTcwNTJENDM2Qg",
         listeners=[{"name": "CONTROLLER", "host": "localhost", "port": 1}]),
    _one("remove_raft_voter", 0, "ALTER CLUSTER", voter_id=77, cluster_id="MkU3OEVBNTcwNTJENDM2Qg"),
    _one("describe_delegation_token", 3, "DESCRIBE DELEGATION_TOKEN"),
    # After the one before: who has asked for a token sees it.
    _one("create_delegation_token", 3, "CREATE_TOKENS USER", owner_principal_type="User", owner_principal_name="other"),
    _one("delete_groups", 2, "DELETE GROUP", groups_names=["g"]),
    _one("delete_topics", 5, "DELETE TOPIC, DESCRIBE TOPIC", topic_names=["t"], timeout_ms=9000),
)  # fmt: skip


def errors(response: Any) -> list[int]:
    """All error codes of a response, in their order."""
    found = []
    for field in response.__fields__:
        value = getattr(response, field.name)
        if field.name.endswith("error_code"):
            found.append(int(value))
        elif field.kind == "array" and value and isinstance(value[0], Struct):
            found += [code for item in value for code in errors(item)]
    return found
