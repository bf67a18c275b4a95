"""DescribeAcls: the access rules that a filter finds, by the resources that they are for (KIP-140)."""

from __future__ import annotations

from kbroker.acls import Acl, AclFilter, check_filter
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode, KafkaError
from wire.messages.describe_acls import (
    AclDescription,
    DescribeAclsRequest,
    DescribeAclsResource,
    DescribeAclsResponse,
)


def describe_acls(request: DescribeAclsRequest, ctx: Context) -> DescribeAclsResponse:
    authorize_on_cluster(ctx, "DESCRIBE")
    if ctx.cluster.authorizer is None:
        raise KafkaError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured on the broker")
    asked = AclFilter(
        request.resource_type_filter,
        request.resource_name_filter,
        request.pattern_type_filter,
        request.principal_filter,
        request.host_filter,
        request.operation,
        request.permission_type,
    )
    check_filter(asked)
    by_resource: dict[tuple[int, str, int], list[Acl]] = {}
    for acl in ctx.cluster.catalog.acls:
        if asked.finds(acl):
            by_resource.setdefault((acl.resource_type, acl.resource_name, acl.pattern_type), []).append(acl)
    return DescribeAclsResponse(
        error_code=0,
        error_message=None,
        resources=[
            DescribeAclsResource(
                resource_type=resource_type,
                resource_name=name,
                pattern_type=pattern_type,
                acls=[_described(acl) for acl in found],
            )
            for (resource_type, name, pattern_type), found in by_resource.items()
        ],
    )


def _described(acl: Acl) -> AclDescription:
    return AclDescription(
        principal=acl.principal, host=acl.host, operation=acl.operation, permission_type=acl.permission
    )
