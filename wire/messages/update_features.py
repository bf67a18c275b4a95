"""UpdateFeatures (key 57): raise or lower the finalized level of features such as transaction.version (KIP-584).

upgrade_type: 1 raise, 2 lower without loss, 3 lower even with loss. A level of 0 removes the feature.

v1 upgrade_type instead of allow_downgrade, validate_only
v2 all or nothing: no results of single features (KIP-1022)

Errors: FEATURE_UPDATE_FAILED, INVALID_UPDATE_VERSION, INVALID_REQUEST, NOT_CONTROLLER, REQUEST_TIMED_OUT,
CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, string


class FeatureUpdateKey(Struct):
    feature: str = string(map_key=True)
    max_version_level: int = int16()
    allow_downgrade: bool = boolean(versions="0")
    upgrade_type: int = int8(versions="1+", default=1)


class UpdateFeaturesRequest(Request, key=57, versions="0-2", flexible="0+"):
    timeout_ms: int = int32(default=60000)
    feature_updates: list[FeatureUpdateKey] = array(FeatureUpdateKey)
    validate_only: bool = boolean(versions="1+", default=False)


class UpdatableFeatureResult(Struct):
    feature: str = string(map_key=True)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")


class UpdateFeaturesResponse(Response, key=57, versions="0-2", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
    results: list[UpdatableFeatureResult] = array(UpdatableFeatureResult, versions="0-1", default=..., ignorable=True)
