"""CreateAcls: add access rules (KIP-140). There is no authorizer to add them to."""

from __future__ import annotations

from kbroker.context import Context
from wire.errors import ErrorCode
from wire.messages.create_acls import AclCreationResult, CreateAclsRequest, CreateAclsResponse


def create_acls(request: CreateAclsRequest, ctx: Context) -> CreateAclsResponse:
    return CreateAclsResponse(
        results=[
            AclCreationResult(error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured.")
            for _ in request.creations
        ]
    )
