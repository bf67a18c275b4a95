"""StopReplica (key 5): the ZooKeeper controller told brokers to drop replicas. Gone since 4.0: the key is kept, no
version is valid.
"""

from ..schema import Request, Response


class StopReplicaRequest(Request, key=5, versions="none"):
    pass


class StopReplicaResponse(Response, key=5, versions="none"):
    pass
