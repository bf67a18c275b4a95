"""The authorizer: may this principal, from this host, do that with these resources? (KIP-11, KIP-290, KIP-801)

As Kafka's `StandardAuthorizer`: a super user may do everything. Otherwise the rules of the resource count - those of
its very name, those of the name "*", and those of every prefix of it: if one of them denies, it is denied; else if
one allows, it is allowed; else it is denied. A resource that no rule concerns at all is denied too, unless
`allow.everyone.if.no.acl.found` says otherwise.

A rule for ALL is for every operation. Who is allowed to read, write, delete or alter may also describe, who may alter
configs may describe them; what is denied implies nothing.

Decisions are remembered by principal, host, operation and type until a rule changes, so that a client that does the
same thing again costs a look into a dict. What is remembered is bounded, since clients choose names.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence

from kbroker.acls import ALL, ALLOW, ANY_NAME, DENY, OPERATIONS, PREFIXED, RESOURCE_TYPES, Acl

log = logging.getLogger("kbroker.authorizer")

CLASS_NAME = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
EVERYBODY = "User:*"
_MOST_REMEMBERED = 50_000

# What allowing one operation allows besides (AclEntry); denying implies nothing.
IMPLIED = {
    OPERATIONS["DESCRIBE"]: frozenset(OPERATIONS[name] for name in ("READ", "WRITE", "DELETE", "ALTER")),
    OPERATIONS["DESCRIBE_CONFIGS"]: frozenset((OPERATIONS["ALTER_CONFIGS"],)),
}


class Rules:
    """All rules of one type of resource, found by name and by prefix."""

    def __init__(self) -> None:
        self.literal: dict[str, list[Acl]] = {}
        self.prefixed: dict[str, list[Acl]] = {}

    def add(self, acl: Acl) -> None:
        table = self.prefixed if acl.pattern_type == PREFIXED else self.literal
        table.setdefault(acl.resource_name, []).append(acl)

    def of(self, name: str) -> list[Acl]:
        """The rules that concern the name."""
        found = [*self.literal.get(name, ())]
        if name != ANY_NAME:
            found += self.literal.get(ANY_NAME, ())
        if self.prefixed:
            for end in range(1, len(name) + 1):
                found += self.prefixed.get(name[:end], ())
        return found


class _Remembered(dict[str, bool]):
    """What one principal from one host may do with the resources of one type, by name; decided when first asked."""

    __slots__ = ("authorizer", "host", "operation", "principal", "resource_type")

    def __init__(self, authorizer: Authorizer, principal: str, host: str, operation: str, resource_type: str) -> None:
        self.authorizer = authorizer
        self.principal = principal
        self.host = host
        self.operation = operation
        self.resource_type = resource_type

    def __missing__(self, name: str) -> bool:
        allowed = self.authorizer.decide(self.principal, self.host, self.operation, self.resource_type, name)
        self.authorizer.remembering(self)
        self[name] = allowed
        return allowed


class Authorizer:
    """`rules_changed` is told of every change; in between nothing is looked up twice. `changes` counts them: as long as
    it stands still, the answers are the same."""

    def __init__(self, *, super_users: Collection[str] = (), allow_if_no_acl: bool = False) -> None:
        self._super_users = frozenset(super_users)
        self._allow_if_no_acl = allow_if_no_acl
        self._rules: dict[int, Rules] = {}
        self._memo: dict[tuple[str, str, str, str], _Remembered] = {}
        self._count = 0
        self.changes = 0

    def rules_changed(self, acls: Iterable[Acl]) -> None:
        """These are all rules from now on."""
        self.changes += 1
        self._rules = {}
        for acl in acls:
            self._rules.setdefault(acl.resource_type, Rules()).add(acl)
        self._forget()

    def may(self, principal: str, host: str, operation: str, resource_type: str, names: Sequence[str]) -> list[bool]:
        """One answer for each name."""
        key = (principal, host, operation, resource_type)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = _Remembered(self, principal, host, operation, resource_type)
        return [found[name] for name in names]

    def may_any(self, principal: str, host: str, operation: str, resource_type: str) -> bool:
        """May it do that with some resource of the type, be there one or not? (KIP-679, authorizeByResourceType)"""
        if principal in self._super_users:
            return True
        rules = self._rules.get(RESOURCE_TYPES[resource_type])
        if rules is None:
            return self._allow_if_no_acl
        if self._allow_if_no_acl and self.decide(principal, host, operation, resource_type, "hardcode"):
            return True
        number = OPERATIONS[operation]

        def says(acls: Iterable[Acl], permission: int) -> bool:
            return any(
                acl.permission == permission
                and acl.operation in (ALL, number)
                and acl.host in (ANY_NAME, host)
                and acl.principal in (EVERYBODY, principal)
                for acl in acls
            )

        denied = {name for name, acls in rules.literal.items() if says(acls, DENY)}
        if ANY_NAME in denied:
            return False
        denied_prefixes = {name for name, acls in rules.prefixed.items() if says(acls, DENY)}

        def stands(name: str, *, literal: bool) -> bool:
            """Whether no denial covers all that this name or prefix allows."""
            return not (literal and name in denied) and not any(
                name[:end] in denied_prefixes for end in range(1, len(name) + 1)
            )

        if says(rules.literal.get(ANY_NAME, ()), ALLOW):
            return True
        return any(says(acls, ALLOW) and stands(name, literal=True) for name, acls in rules.literal.items()) or any(
            says(acls, ALLOW) and stands(name, literal=False) for name, acls in rules.prefixed.items()
        )

    def decide(self, principal: str, host: str, operation: str, resource_type: str, name: str) -> bool:
        """One decision, from the rules."""
        if principal in self._super_users:
            return True
        rules = self._rules.get(RESOURCE_TYPES[resource_type])
        acls = rules.of(name) if rules is not None else []
        allowed = self._allow_if_no_acl if not acls else _judge(acls, principal, host, OPERATIONS[operation])
        if not allowed:
            log.info("%s is denied %s on %s %s from host %s", principal, operation, resource_type, name, host)
        return allowed

    def remembering(self, table: _Remembered) -> None:
        """One more decision is about to be kept."""
        self._count += 1
        if self._count > _MOST_REMEMBERED:
            self._forget()
            table.clear()

    def _forget(self) -> None:
        self._memo.clear()
        self._count = 0


def _judge(acls: Iterable[Acl], principal: str, host: str, operation: int) -> bool:
    implied_by = IMPLIED.get(operation, frozenset())
    allowed = False
    for acl in acls:
        if acl.host not in (ANY_NAME, host) or acl.principal not in (EVERYBODY, principal):
            continue
        if acl.permission == DENY:
            if acl.operation in (ALL, operation):
                return False
        elif acl.operation in (ALL, operation) or acl.operation in implied_by:
            allowed = True
    return allowed


def super_users(text: str) -> list[str]:
    """super.users: "User:admin;User:CN=client,OU=x". Raises ValueError."""
    found = [part.strip() for part in text.split(";") if part.strip()]
    for principal in found:
        kind, colon, name = principal.partition(":")
        if not (kind and colon and name):
            raise ValueError(f"super.users has {principal!r}, which is no principal: write User:NAME;User:OTHER")
    return found
