"""DeleteAcls: remove the access rules that each filter finds; the answer lists what was removed (KIP-140)."""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.acls import Acl, AclFilter
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode, KafkaError
from wire.messages.delete_acls import (
    DeleteAclsFilter,
    DeleteAclsFilterResult,
    DeleteAclsMatchingAcl,
    DeleteAclsRequest,
    DeleteAclsResponse,
)


async def delete_acls(request: DeleteAclsRequest, ctx: Context) -> DeleteAclsResponse:
    if ctx.cluster.authorizer is None:
        disabled = KafkaError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")
        return DeleteAclsResponse(filter_results=[_result(disabled) for _ in request.filters])
    authorize_on_cluster(ctx, "ALTER")
    outcomes = await ctx.cluster.catalog.delete_acls([_filter(asked) for asked in request.filters])
    return DeleteAclsResponse(filter_results=[_result(outcome) for outcome in outcomes])


def _filter(asked: DeleteAclsFilter) -> AclFilter:
    return AclFilter(
        asked.resource_type_filter,
        asked.resource_name_filter,
        asked.pattern_type_filter,
        asked.principal_filter,
        asked.host_filter,
        asked.operation,
        asked.permission_type,
    )


def _result(outcome: Sequence[Acl] | KafkaError) -> DeleteAclsFilterResult:
    if isinstance(outcome, KafkaError):
        message = outcome.message or outcome.code.message
        return DeleteAclsFilterResult(error_code=outcome.code, error_message=message, matching_acls=[])
    return DeleteAclsFilterResult(error_code=0, error_message=None, matching_acls=[_gone(acl) for acl in outcome])


def _gone(acl: Acl) -> DeleteAclsMatchingAcl:
    return DeleteAclsMatchingAcl(
        error_code=0,
        error_message=None,
        resource_type=acl.resource_type,
        resource_name=acl.resource_name,
        pattern_type=acl.pattern_type,
        principal=acl.principal,
        host=acl.host,
        operation=acl.operation,
        permission_type=acl.permission,
    )
