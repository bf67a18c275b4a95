"""ControlledShutdown (key 7): a broker asked the ZooKeeper controller to move its leaders away. Gone since 4.0: the
key is kept, no version is valid.
"""

from ..schema import Request, Response


class ControlledShutdownRequest(Request, key=7, versions="none"):
    pass


class ControlledShutdownResponse(Response, key=7, versions="none"):
    pass
