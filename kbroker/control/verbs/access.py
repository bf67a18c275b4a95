"""Access rules: who may do what, where the broker asks for rights (authorizer.class.name)."""

from __future__ import annotations

from kbroker.acls import ALLOW, ANY_NAME, DENY, LITERAL, OPERATIONS, PREFIXED, RESOURCE_TYPES
from kbroker.control.control import Control, accept
from kbroker.control.table import ControlError, verb
from wire.messages.create_acls import AclCreation, CreateAclsRequest


@verb
async def allow(
    control: Control, principal: str, operation: str, resource_type: str, name: str, deny: bool = False
) -> None:
    """Add a rule: principal "User:alice", operation READ, WRITE ... or ALL, resource type TOPIC, GROUP, CLUSTER,
    TRANSACTIONAL_ID, and its name, where a * at the end stands for any ending. With `deny` it forbids."""
    for text, known in ((operation, OPERATIONS), (resource_type, RESOURCE_TYPES)):
        if text.upper() not in known:
            raise ControlError("argument", f"there is no {text}; there are {', '.join(known)}")
    is_prefix = name != ANY_NAME and name.endswith("*")
    rule = AclCreation(
        resource_type=RESOURCE_TYPES[resource_type.upper()],
        resource_name=name.removesuffix("*") if is_prefix else name,
        resource_pattern_type=PREFIXED if is_prefix else LITERAL,
        principal=principal,
        host="*",
        operation=OPERATIONS[operation.upper()],
        permission_type=DENY if deny else ALLOW,
    )
    (result,) = (await control.ask(CreateAclsRequest(creations=[rule]))).results
    accept(result.error_code, result.error_message)
