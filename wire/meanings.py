"""What a value on the wire means, in words: for explain.py, and for whoever else shows fields to people.

Two tables: fields that mean the same wherever they stand, by name; and fields that mean something in one struct only,
by struct and name. Values that no table knows have no meaning of their own, and an empty string says so.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .errors import ErrorCode
from .registry import APIS

Values = Mapping[Any, str]

_CONFIG_RESOURCES = {2: "topic", 4: "broker", 8: "broker logger", 16: "client metrics", 32: "group"}
_ACL_RESOURCES = {
    1: "any",
    2: "topic",
    3: "group",
    4: "cluster",
    5: "transactional id",
    6: "delegation token",
    7: "user",
}
_ACL_OPERATIONS = {
    0: "unknown",
    1: "any",
    2: "all",
    3: "read",
    4: "write",
    5: "create",
    6: "delete",
    7: "alter",
    8: "describe",
    9: "cluster action",
    10: "describe configs",
    11: "alter configs",
    12: "idempotent write",
    13: "create tokens",
    14: "describe tokens",
    15: "two phase commit",
}
_PATTERNS = {1: "any", 2: "match", 3: "literal", 4: "prefixed"}
_TIMESTAMPS = {
    -1: "the latest offset",
    -2: "the earliest offset",
    -3: "the offset of the largest timestamp",
    -4: "the earliest local offset",
    -5: "the latest tiered offset",
    -6: "the earliest offset that waits for its upload",
}

_ANYWHERE: dict[str, Values] = {
    "acks": {0: "no answer is wanted", 1: "when the leader has it", -1: "when all in-sync replicas have it"},
    "isolation_level": {0: "read uncommitted", 1: "read committed"},
    "key_type": {0: "group", 1: "transaction", 2: "share partition"},
    "coordinator_type": {0: "group", 1: "transaction"},
    "permission_type": {1: "any", 2: "deny", 3: "allow"},
    "operation": _ACL_OPERATIONS,
    "pattern_type": _PATTERNS,
    "pattern_type_filter": _PATTERNS,
    "resource_pattern_type": _PATTERNS,
    "replica_id": {-1: "a consumer"},
    "leader_epoch": {-1: "unknown"},
    "current_leader_epoch": {-1: "not checked"},
    "last_fetched_epoch": {-1: "none"},
    "producer_id": {-1: "none"},
    "producer_epoch": {-1: "none"},
    "member_epoch": {0: "joins", -1: "leaves", -2: "leaves, but its static place is kept"},
    "generation_id": {-1: "none"},
    "session_epoch": {0: "a new session, all partitions", -1: "no session, or its end"},
    "throttle_time_ms": {0: "not throttled"},
    "committed": {True: "commit", False: "abort"},
    "acknowledge_types": {0: "gap", 1: "accept", 2: "release", 3: "reject", 4: "renew"},
}

_IN_STRUCT: dict[tuple[str, str], Values] = {
    ("ListOffsetsPartition", "timestamp"): _TIMESTAMPS,
    ("DescribeConfigsResource", "resource_type"): _CONFIG_RESOURCES,
    ("DescribeConfigsResult", "resource_type"): _CONFIG_RESOURCES,
    ("AlterConfigsResource", "resource_type"): _CONFIG_RESOURCES,
    ("AlterConfigsResourceResponse", "resource_type"): _CONFIG_RESOURCES,
    ("AlterConfigsResource", "config_operation"): {0: "set", 1: "delete", 2: "append", 3: "subtract"},
    ("AlterableConfig", "config_operation"): {0: "set", 1: "delete", 2: "append", 3: "subtract"},
    ("AclCreation", "resource_type"): _ACL_RESOURCES,
    ("DescribeAclsRequest", "resource_type_filter"): _ACL_RESOURCES,
    ("DescribeAclsResource", "resource_type"): _ACL_RESOURCES,
    ("DeleteAclsFilter", "resource_type_filter"): _ACL_RESOURCES,
    ("FetchRequest", "session_id"): {0: "none yet"},
    ("FetchResponse", "session_id"): {0: "no session"},
    ("OffsetCommitRequestPartition", "committed_leader_epoch"): {-1: "unknown"},
    ("DescribeConfigsResourceResult", "config_source"): {
        0: "unknown",
        1: "this topic",
        2: "this broker, changed at run time",
        3: "all brokers, changed at run time",
        4: "this broker, from its start",
        5: "default",
        6: "logging",
        7: "client metrics",
        8: "group",
    },
}


def error_code(value: int) -> str:
    try:
        known = ErrorCode(value)
    except ValueError:
        return "a code that Kafka does not have"
    return known.name if known is ErrorCode.NONE else f"{known.name}: {known.message}"


def api_key(value: int) -> str:
    api = APIS.get(value)
    return "an API that Kafka does not have" if api is None else api.kafka_name


def moment(ms: int) -> str:
    """A timestamp as a date of the Gregorian calendar, UTC. (The algorithm counts years from March, so that the leap
    day ends one.)"""
    if ms < 0:
        return "none"
    seconds, milliseconds = divmod(ms, 1000)
    days, seconds = divmod(seconds, 86_400)
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    year = year_of_era + era * 400 + (month >= 10)
    month = month + 3 if month < 10 else month - 9
    hours, seconds = divmod(seconds, 3600)
    return f"{year:04}-{month:02}-{day:02} {hours:02}:{seconds // 60:02}:{seconds % 60:02}.{milliseconds:03} UTC"


def duration(ms: int) -> str:
    return f"{ms / 1000:g} s" if 1000 <= ms < 0x7FFF_FFFF else ""


def _by_ending(name: str) -> Callable[[int], str] | None:
    if name.endswith("error_code"):
        return error_code
    if name.endswith("api_key"):
        return api_key
    if name.endswith(("timestamp", "timestamp_ms", "append_time_ms", "start_time_ms")):
        return moment
    return duration if name.endswith("_ms") else None


def meaning(struct: str, field: str, value: Any) -> str:
    """The words for a field's value, or an empty string. bool and int are the only kinds that have any."""
    if not isinstance(value, int):
        return ""
    table = _IN_STRUCT.get((struct, field)) or _ANYWHERE.get(field)
    if table is not None and value in table:
        return table[value]
    if isinstance(value, bool):
        return ""
    said = _by_ending(field)
    return said(value) if said is not None else ""
