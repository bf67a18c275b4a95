"""DescribeUserScramCredentials: which users can log in with which SCRAM mechanism, and how many iterations it takes;
nothing that helps to (KIP-554). No users are all users.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode
from wire.messages.describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)


def describe_user_scram_credentials(
    request: DescribeUserScramCredentialsRequest, ctx: Context
) -> DescribeUserScramCredentialsResponse:
    authorize_on_cluster(ctx, "DESCRIBE")
    known: dict[str, list[CredentialInfo]] = {}
    for (user, mechanism), credential in sorted(ctx.cluster.catalog.users.items()):
        info = CredentialInfo(mechanism=mechanism, iterations=credential.iterations)
        known.setdefault(user, []).append(info)
    names = [user.name for user in request.users or ()]
    results = []
    for name in dict.fromkeys(names) or known:
        if names.count(name) > 1:
            reason = f"Cannot describe SCRAM credentials for the same user twice in a single request: {name}"
            results.append(_result(name, [], ErrorCode.DUPLICATE_RESOURCE, reason))
        elif name not in known:
            reason = f"Attempt to describe a user credential that does not exist: {name}"
            results.append(_result(name, [], ErrorCode.RESOURCE_NOT_FOUND, reason))
        else:
            results.append(_result(name, known[name], ErrorCode.NONE, ""))
    return DescribeUserScramCredentialsResponse(error_code=0, error_message="", results=results)


def _result(
    name: str, infos: list[CredentialInfo], code: ErrorCode, message: str
) -> DescribeUserScramCredentialsResult:
    return DescribeUserScramCredentialsResult(
        user=name, error_code=code, error_message=message, credential_infos=infos
    )
