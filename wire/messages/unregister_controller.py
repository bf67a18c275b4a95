"""UnregisterController (key 94): forget a controller that will not come back.

Errors: CONTROLLER_ID_NOT_REGISTERED, NOT_CONTROLLER, REQUEST_TIMED_OUT, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, int16, int32, string


class UnregisterControllerRequest(Request, key=94, versions="0", flexible="0+"):
    controller_id: int = int32()


class UnregisterControllerResponse(Response, key=94, versions="0", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
