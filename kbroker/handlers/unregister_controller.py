"""UnregisterController: forget a controller that will not come back. There is one, and it is active."""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import ErrorCode, KafkaError
from wire.messages.unregister_controller import UnregisterControllerRequest, UnregisterControllerResponse


def unregister_controller(request: UnregisterControllerRequest, ctx: Context) -> UnregisterControllerResponse:
    authorize_on_cluster(ctx, "ALTER")
    controller_id = request.controller_id
    if controller_id == ctx.cluster.catalog.controller_id:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Controller cannot unregister itself while it is active.")
    raise KafkaError(
        ErrorCode.CONTROLLER_ID_NOT_REGISTERED, f"Controller ID {controller_id} is not currently registered."
    )
