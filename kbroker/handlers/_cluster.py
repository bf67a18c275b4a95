"""What administration of the whole cluster asks first: may this principal do that with it?"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError


def authorize_on_cluster(ctx: Context, operation: str) -> None:
    """Raises CLUSTER_AUTHORIZATION_FAILED, which the dispatcher puts wherever the answer has a place for it."""
    if not ctx.authorize(operation, "CLUSTER", (CLUSTER_NAME,))[0]:
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, ErrorCode.CLUSTER_AUTHORIZATION_FAILED.message)
