"""ApiVersions (key 18): which requests does this broker know, in which versions, and which features are on?

A client's first request, before authentication too. It then uses the newest version that both know; a key that is not
listed is a feature that is not there. A broker that does not know the version of this very request answers in version
0 with UNSUPPORTED_VERSION and its range for key 18 (KIP-511). For the same reason its response always has header
version 0.

v1 throttle_time_ms   v2 the client waits it out itself (KIP-219)
v3 flexible; software name and version of the client (KIP-511); supported and finalized features (KIP-584)
v4 features may have 0 as their least version (KAFKA-17011)
v5 cluster_id and node_id: are you who I think you are? (KIP-1242)

Errors: UNSUPPORTED_VERSION, INVALID_REQUEST (a bad software name), REBOOTSTRAP_REQUIRED (another cluster or node).
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, int64, string


class ApiVersionsRequest(Request, key=18, versions="0-5", flexible="3+"):
    client_software_name: str = string(versions="3+", ignorable=True)
    client_software_version: str = string(versions="3+", ignorable=True)
    cluster_id: str | None = string(versions="5+", nullable="5+", default=None, ignorable=True)
    node_id: int = int32(versions="5+", default=-1, ignorable=True)


class ApiVersion(Struct):
    api_key: int = int16(map_key=True)
    min_version: int = int16()
    max_version: int = int16()


class SupportedFeatureKey(Struct):
    name: str = string(versions="3+", map_key=True)
    min_version: int = int16(versions="3+")
    max_version: int = int16(versions="3+")


class FinalizedFeatureKey(Struct):
    name: str = string(versions="3+", map_key=True)
    max_version_level: int = int16(versions="3+")
    min_version_level: int = int16(versions="3+")


class ApiVersionsResponse(Response, key=18, versions="0-5", flexible="3+"):
    error_code: int = int16()
    api_keys: list[ApiVersion] = array(ApiVersion, kept=True)
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    supported_features: list[SupportedFeatureKey] = array(
        SupportedFeatureKey, versions="3+", tag=0, default=..., ignorable=True
    )
    finalized_features_epoch: int = int64(versions="3+", tag=1, default=-1, ignorable=True)
    finalized_features: list[FinalizedFeatureKey] = array(
        FinalizedFeatureKey, versions="3+", tag=2, default=..., ignorable=True
    )
    zk_migration_ready: bool = boolean(versions="3+", tag=3, default=False, ignorable=True)
