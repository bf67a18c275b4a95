"""CreateAcls: add access rules; each stands or falls alone, and one that is there already is no error (KIP-140)."""

from __future__ import annotations

from kbroker.acls import Acl
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode, KafkaError
from wire.messages.create_acls import AclCreation, AclCreationResult, CreateAclsRequest, CreateAclsResponse


async def create_acls(request: CreateAclsRequest, ctx: Context) -> CreateAclsResponse:
    if ctx.cluster.authorizer is None:
        disabled = KafkaError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")
        return CreateAclsResponse(results=[_result(disabled) for _ in request.creations])
    authorize_on_cluster(ctx, "ALTER")
    outcomes = await ctx.cluster.catalog.create_acls([_acl(creation) for creation in request.creations])
    return CreateAclsResponse(results=[_result(error) for error in outcomes])


def _acl(creation: AclCreation) -> Acl:
    return Acl(
        creation.resource_type,
        creation.resource_name,
        creation.resource_pattern_type,
        creation.principal,
        creation.host,
        creation.operation,
        creation.permission_type,
    )


def _result(error: KafkaError | None) -> AclCreationResult:
    if error is None:
        return AclCreationResult(error_code=0, error_message=None)
    return AclCreationResult(error_code=error.code, error_message=error.message or error.code.message)
