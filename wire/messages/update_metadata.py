"""UpdateMetadata (key 6): the ZooKeeper controller told brokers the state of the cluster. Gone since 4.0: the key is
kept, no version is valid.
"""

from ..schema import Request, Response


class UpdateMetadataRequest(Request, key=6, versions="none"):
    pass


class UpdateMetadataResponse(Response, key=6, versions="none"):
    pass
