"""LeaderAndIsr (key 4): the ZooKeeper controller told brokers what to lead. Gone since 4.0: the key is kept, no
version is valid.
"""

from ..schema import Request, Response


class LeaderAndIsrRequest(Request, key=4, versions="none"):
    pass


class LeaderAndIsrResponse(Response, key=4, versions="none"):
    pass
