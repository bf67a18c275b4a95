"""LeaderAndIsr (key 4)."""

from ..schema import Request, Response


class LeaderAndIsrRequest(Request, key=4, versions="none"):
    pass


class LeaderAndIsrResponse(Response, key=4, versions="none"):
    pass
