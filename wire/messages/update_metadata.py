"""UpdateMetadata (key 6)."""

from ..schema import Request, Response


class UpdateMetadataRequest(Request, key=6, versions="none"):
    pass


class UpdateMetadataResponse(Response, key=6, versions="none"):
    pass
