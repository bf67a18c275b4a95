"""Who may do what, and how much: ACLs, SCRAM users, quotas. Numbers of the wire as the words that Kafka's tools use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import pbkdf2_hmac
from secrets import token_bytes
from typing import NamedTuple

from kbroker.client.cluster import Client
from kbroker.client.errors import check
from wire.errors import ErrorCode
from wire.messages import alter_client_quotas as alter_quotas_messages
from wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from wire.messages.create_acls import AclCreation, CreateAclsRequest, CreateAclsResponse
from wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest, DeleteAclsResponse
from wire.messages.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from wire.messages.describe_client_quotas import DescribeClientQuotasRequest, DescribeClientQuotasResponse
from wire.messages.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    UserName,
)

ANY = 1
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5, "delegation-token": 6, "user": 7}
PATTERNS = {"any": 1, "match": 2, "literal": 3, "prefixed": 4}
OPERATIONS = {
    "all": 2,
    "read": 3,
    "write": 4,
    "create": 5,
    "delete": 6,
    "alter": 7,
    "describe": 8,
    "cluster-action": 9,
    "describe-configs": 10,
    "alter-configs": 11,
    "idempotent-write": 12,
    "create-tokens": 13,
    "describe-tokens": 14,
    "two-phase-commit": 15,
}
PERMISSIONS = {"deny": 2, "allow": 3}
CLUSTER = "kafka-cluster"

SCRAM = {"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}
SALT_BYTES = 24

ENTITIES = ("user", "client-id", "ip")


class Acl(NamedTuple):
    """In a filter None stands for any."""

    resource: str | None
    name: str | None
    pattern: str
    principal: str | None
    host: str | None
    operation: str | None
    permission: str | None


def acls(client: Client, wanted: Acl) -> list[Acl]:
    """Those that the filter matches."""
    request = DescribeAclsRequest(
        resource_type_filter=_number(RESOURCES, wanted.resource),
        resource_name_filter=wanted.name,
        pattern_type_filter=PATTERNS[wanted.pattern],
        principal_filter=wanted.principal,
        host_filter=wanted.host,
        operation=_number(OPERATIONS, wanted.operation),
        permission_type=_number(PERMISSIONS, wanted.permission),
    )
    answer = client.any().call(request, DescribeAclsResponse)
    check(answer.error_code, answer.error_message)
    return sorted(
        _acl(resource.resource_type, resource.resource_name, resource.pattern_type, acl.principal, acl.host,
             acl.operation, acl.permission_type)
        for resource in answer.resources
        for acl in resource.acls
    )  # fmt: skip


def create_acls(client: Client, wanted: Sequence[Acl]) -> None:
    creations = [
        AclCreation(
            resource_type=RESOURCES[acl.resource or ""],
            resource_name=acl.name or "",
            resource_pattern_type=PATTERNS[acl.pattern],
            principal=acl.principal or "",
            host=acl.host or "*",
            operation=OPERATIONS[acl.operation or ""],
            permission_type=PERMISSIONS[acl.permission or ""],
        )
        for acl in wanted
    ]
    for result in client.controller().call(CreateAclsRequest(creations=creations), CreateAclsResponse).results:
        check(result.error_code, result.error_message)


def delete_acls(client: Client, wanted: Acl) -> list[Acl]:
    """Delete what the filter matches, and give it."""
    filters = [
        DeleteAclsFilter(
            resource_type_filter=_number(RESOURCES, wanted.resource),
            resource_name_filter=wanted.name,
            pattern_type_filter=PATTERNS[wanted.pattern],
            principal_filter=wanted.principal,
            host_filter=wanted.host,
            operation=_number(OPERATIONS, wanted.operation),
            permission_type=_number(PERMISSIONS, wanted.permission),
        )
    ]
    result = client.controller().call(DeleteAclsRequest(filters=filters), DeleteAclsResponse).filter_results[0]
    check(result.error_code, result.error_message)
    return sorted(
        _acl(one.resource_type, one.resource_name, one.pattern_type, one.principal, one.host, one.operation,
             one.permission_type)
        for one in result.matching_acls
    )  # fmt: skip


def _number(words: Mapping[str, int], word: str | None) -> int:
    return ANY if word is None else words[word]


def _acl(resource: int, name: str, pattern: int, principal: str, host: str, operation: int, permission: int) -> Acl:
    return Acl(
        _word(RESOURCES, resource),
        name,
        _word(PATTERNS, pattern),
        principal,
        host,
        _word(OPERATIONS, operation),
        _word(PERMISSIONS, permission),
    )


def _word(words: Mapping[str, int], number: int) -> str:
    return next((word for word, value in words.items() if value == number), str(number))


# --- users ----------------------------------------------------------------------------------------------------------


def users(client: Client, names: Collection[str] | None = None) -> dict[str, dict[str, int]]:
    """SCRAM users: the mechanisms of each, with their iterations. Without names: all of them."""
    wanted = None if names is None else [UserName(name=name) for name in names]
    answer = client.any().call(DescribeUserScramCredentialsRequest(users=wanted), DescribeUserScramCredentialsResponse)
    check(answer.error_code, answer.error_message)
    found = {}
    for result in answer.results:
        if result.error_code == ErrorCode.RESOURCE_NOT_FOUND:
            check(result.error_code, f"There is no user {result.user} with a SCRAM password.")
        check(result.error_code, result.error_message)
        found[result.user] = {_word(SCRAM, one.mechanism): one.iterations for one in result.credential_infos}
    return found


def set_password(client: Client, name: str, mechanism: str, password: str, iterations: int) -> None:
    """The cluster gets the salted password, never the password itself."""
    salt = token_bytes(SALT_BYTES)
    digest = mechanism.lower().removeprefix("scram-").replace("-", "")
    salted = pbkdf2_hmac(digest, password.encode(), salt, iterations)
    upsertion = ScramCredentialUpsertion(
        name=name, mechanism=SCRAM[mechanism], iterations=iterations, salt=salt, salted_password=salted
    )
    _alter_users(client, AlterUserScramCredentialsRequest(deletions=[], upsertions=[upsertion]))


def delete_user(client: Client, name: str, mechanisms: Collection[str]) -> None:
    deletions = [ScramCredentialDeletion(name=name, mechanism=SCRAM[mechanism]) for mechanism in mechanisms]
    _alter_users(client, AlterUserScramCredentialsRequest(deletions=deletions, upsertions=[]))


def _alter_users(client: Client, request: AlterUserScramCredentialsRequest) -> None:
    for result in client.controller().call(request, AlterUserScramCredentialsResponse).results:
        check(result.error_code, result.error_message)


# --- quotas ---------------------------------------------------------------------------------------------------------

Entity = Mapping[str, str | None]
"""user, client-id, ip to a name; None is the default of all that have none of their own."""


def quotas(client: Client) -> list[tuple[dict[str, str | None], dict[str, float]]]:
    """Every entity that has quotas, with them."""
    request = DescribeClientQuotasRequest(components=[], strict=False)
    answer = client.any().call(request, DescribeClientQuotasResponse)
    check(answer.error_code, answer.error_message)
    return [
        ({one.entity_type: one.entity_name for one in entry.entity}, {one.key: one.value for one in entry.values})
        for entry in answer.entries or ()
    ]


def alter_quotas(
    client: Client, entity: Entity, put: Mapping[str, float], delete: Collection[str], *, validate_only: bool = False
) -> None:
    entry = alter_quotas_messages.RequestEntryData(
        entity=[alter_quotas_messages.EntityData(entity_type=kind, entity_name=name) for kind, name in entity.items()],
        ops=[
            *(alter_quotas_messages.OpData(key=key, value=value, remove=False) for key, value in put.items()),
            *(alter_quotas_messages.OpData(key=key, value=0.0, remove=True) for key in delete),
        ],
    )
    request = alter_quotas_messages.AlterClientQuotasRequest(entries=[entry], validate_only=validate_only)
    answer = client.controller().call(request, alter_quotas_messages.AlterClientQuotasResponse)
    for result in answer.entries:
        check(result.error_code, result.error_message)
