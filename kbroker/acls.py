"""Access rules (ACLs): what one says, in Kafka's numbers, which ones a filter finds, which may be made. Pure.

A rule allows or denies one principal, from one host, one operation on the resources of one type whose name is the
pattern's (literal; the literal name "*" stands for all), or begins with it (prefixed, KIP-290). Two rules that say the
same are one. What the rules together mean is decided in `security/authorizer.py`; here is what the three requests of
KIP-140 need, in the words of Kafka's `AclControlManager` and `ResourcePatternFilter`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from wire.errors import ErrorCode, KafkaError

ANY_NAME = "*"
CLUSTER_NAME = "kafka-cluster"

RESOURCE_TYPES = {"TOPIC": 2, "GROUP": 3, "CLUSTER": 4, "TRANSACTIONAL_ID": 5, "DELEGATION_TOKEN": 6, "USER": 7}
OPERATIONS = {
    "ALL": 2,
    "READ": 3,
    "WRITE": 4,
    "CREATE": 5,
    "DELETE": 6,
    "ALTER": 7,
    "DESCRIBE": 8,
    "CLUSTER_ACTION": 9,
    "DESCRIBE_CONFIGS": 10,
    "ALTER_CONFIGS": 11,
    "IDEMPOTENT_WRITE": 12,
    "CREATE_TOKENS": 13,
    "DESCRIBE_TOKENS": 14,
    "TWO_PHASE_COMMIT": 15,
}
CLUSTER, ALL = RESOURCE_TYPES["CLUSTER"], OPERATIONS["ALL"]
ANY, MATCH, LITERAL, PREFIXED = 1, 2, 3, 4
DENY, ALLOW = 2, 3


class Acl(NamedTuple):
    """One rule. The principal is written "Type:name", as "User:alice"; "User:*" is everybody, the host "*" anywhere."""

    resource_type: int
    resource_name: str
    pattern_type: int
    principal: str
    host: str
    operation: int
    permission: int


class AclFilter(NamedTuple):
    """Null and 1 (any) match everything; the pattern type 2 (match) finds the rules that concern a name."""

    resource_type: int
    resource_name: str | None
    pattern_type: int
    principal: str | None
    host: str | None
    operation: int
    permission: int

    def finds(self, acl: Acl) -> bool:
        return (
            self.resource_type in (ANY, acl.resource_type)
            and self._finds_name(acl)
            and self.principal in (None, acl.principal)
            and self.host in (None, acl.host)
            and self.operation in (ANY, acl.operation)
            and self.permission in (ANY, acl.permission)
        )

    def _finds_name(self, acl: Acl) -> bool:
        name, kind = self.resource_name, self.pattern_type
        if kind not in (ANY, MATCH, acl.pattern_type):
            return False
        if name is None:
            return True
        if kind != MATCH:
            return name == acl.resource_name
        if acl.pattern_type == PREFIXED:
            return name.startswith(acl.resource_name)
        return acl.resource_name in (name, ANY_NAME)


def check(acl: Acl) -> None:
    """Whether such a rule can be made; raises KafkaError."""
    if acl.resource_type == CLUSTER and acl.resource_name != CLUSTER_NAME:
        raise _refused(f"The only valid name for the CLUSTER resource is {CLUSTER_NAME}")
    if not acl.resource_name:
        raise _refused("Resource name should not be empty")
    _check_number("resourceType", acl.resource_type, RESOURCE_TYPES.values())
    _check_number("patternType", acl.pattern_type, (LITERAL, PREFIXED))
    _check_number("operation", acl.operation, OPERATIONS.values())
    _check_number("permissionType", acl.permission, (DENY, ALLOW))
    kind, colon, name = acl.principal.partition(":")
    if not (kind and colon and name):
        raise _refused(
            f"Could not parse principal from `{acl.principal}` (no colon is present separating the principal type "
            "from the principal name)"
        )
    if not acl.host:
        raise _refused("The host of a rule should not be empty")


def check_filter(asked: AclFilter) -> None:
    """Whether a filter can find anything at all; raises KafkaError."""
    _check_number("patternFilter", asked.resource_type, (ANY, *RESOURCE_TYPES.values()))
    _check_number("patternFilter", asked.pattern_type, (ANY, MATCH, LITERAL, PREFIXED))
    _check_number("entryFilter", asked.operation, (ANY, *OPERATIONS.values()))
    _check_number("entryFilter", asked.permission, (ANY, DENY, ALLOW))


def _check_number(what: str, number: int, known: Collection[int]) -> None:
    if number not in known:
        raise _refused(f"Invalid {what} {_NAMES.get(number, 'UNKNOWN') if number == ANY else 'UNKNOWN'}")


_NAMES = {ANY: "ANY"}


def _refused(reason: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, reason)
