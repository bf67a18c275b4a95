"""IncrementalAlterConfigs (key 44): set, delete, append to or subtract from single configs (KIP-339).

Operations: 0 set, 1 delete (back to the default), 2 append and 3 subtract for lists. A resource changes as a whole or
not at all.

v1 flexible

Errors: INVALID_CONFIG, INVALID_REQUEST (a config or resource twice, null to set), UNKNOWN_TOPIC_OR_PARTITION,
POLICY_VIOLATION, NOT_CONTROLLER, TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED,
GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, string


class AlterableConfig(Struct):
    name: str = string(map_key=True)
    config_operation: int = int8(map_key=True)
    value: str | None = string(nullable="0+")


class AlterConfigsResource(Struct):
    resource_type: int = int8(map_key=True)
    resource_name: str = string(map_key=True)
    configs: list[AlterableConfig] = array(AlterableConfig)


class IncrementalAlterConfigsRequest(Request, key=44, versions="0-1", flexible="1+"):
    resources: list[AlterConfigsResource] = array(AlterConfigsResource)
    validate_only: bool = boolean()


class AlterConfigsResourceResponse(Struct):
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
    resource_type: int = int8()
    resource_name: str = string()


class IncrementalAlterConfigsResponse(Response, key=44, versions="0-1", flexible="1+"):
    throttle_time_ms: int = int32(default=0)
    responses: list[AlterConfigsResourceResponse] = array(AlterConfigsResourceResponse)
