"""DescribeConfigs (key 32): the configs of topics, brokers, groups and client metrics, and where each value comes
from.

Resource types: 2 topic, 4 broker (an empty name: the defaults of the whole cluster), 8 broker logger, 16 client
metrics, 32 group. Null keys mean all; unknown keys are left out. config_source says who set the value: 1 the topic, 2
this broker, 3 the cluster, 4 the broker's file, 5 nobody; synonyms list all that were considered, the winner first
(KIP-226). A sensitive value is null.

v1 synonyms, config_source   v2 the client waits out throttle_time_ms itself (KIP-219)
v3 config_type, documentation (KIP-569)   v4 flexible

Errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST (another broker, an unknown type),
TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, string


class DescribeConfigsResource(Struct):
    resource_type: int = int8()
    resource_name: str = string()
    configuration_keys: list[str] | None = array(string, nullable="0+")


class DescribeConfigsRequest(Request, key=32, versions="1-4", flexible="4+"):
    resources: list[DescribeConfigsResource] = array(DescribeConfigsResource)
    include_synonyms: bool = boolean(versions="1+", default=False)
    include_documentation: bool = boolean(versions="3+", default=False)


class DescribeConfigsSynonym(Struct):
    name: str = string(versions="1+")
    value: str | None = string(versions="1+", nullable="0+")
    source: int = int8(versions="1+")


class DescribeConfigsResourceResult(Struct):
    name: str = string()
    value: str | None = string(nullable="0+")
    read_only: bool = boolean()
    config_source: int = int8(versions="1+", default=-1, ignorable=True)
    is_sensitive: bool = boolean()
    synonyms: list[DescribeConfigsSynonym] = array(DescribeConfigsSynonym, versions="1+", ignorable=True)
    config_type: int = int8(versions="3+", default=0, ignorable=True)
    documentation: str | None = string(versions="3+", nullable="0+", ignorable=True)


class DescribeConfigsResult(Struct):
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
    resource_type: int = int8()
    resource_name: str = string()
    configs: list[DescribeConfigsResourceResult] = array(DescribeConfigsResourceResult)


class DescribeConfigsResponse(Response, key=32, versions="1-4", flexible="4+"):
    throttle_time_ms: int = int32(default=0)
    results: list[DescribeConfigsResult] = array(DescribeConfigsResult)
