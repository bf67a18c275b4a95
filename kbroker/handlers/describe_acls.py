"""DescribeAcls: the access rules that match a filter (KIP-140). There is no authorizer, and so there are no rules."""

from __future__ import annotations

from kbroker.context import Context
from wire.errors import ErrorCode
from wire.messages.describe_acls import DescribeAclsRequest, DescribeAclsResponse


def describe_acls(request: DescribeAclsRequest, ctx: Context) -> DescribeAclsResponse:
    return DescribeAclsResponse(
        error_code=ErrorCode.SECURITY_DISABLED,
        error_message="No Authorizer is configured on the broker",
        resources=[],
    )
