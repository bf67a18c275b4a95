"""ControlledShutdown (key 7)."""

from ..schema import Request, Response


class ControlledShutdownRequest(Request, key=7, versions="none"):
    pass


class ControlledShutdownResponse(Response, key=7, versions="none"):
    pass
