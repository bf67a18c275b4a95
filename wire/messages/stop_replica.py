"""StopReplica (key 5)."""

from ..schema import Request, Response


class StopReplicaRequest(Request, key=5, versions="none"):
    pass


class StopReplicaResponse(Response, key=5, versions="none"):
    pass
