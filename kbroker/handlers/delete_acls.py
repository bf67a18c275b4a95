"""DeleteAcls: remove the access rules that match each filter (KIP-140). There is no authorizer to remove them from."""

from __future__ import annotations

from kbroker.context import Context
from wire.errors import ErrorCode
from wire.messages.delete_acls import DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse


def delete_acls(request: DeleteAclsRequest, ctx: Context) -> DeleteAclsResponse:
    return DeleteAclsResponse(
        filter_results=[
            DeleteAclsFilterResult(
                error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured.", matching_acls=[]
            )
            for _ in request.filters
        ]
    )
