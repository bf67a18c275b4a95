"""ApiVersions (key 18): which APIs in which versions, and which features of the cluster.

It is the first request of a connection, and the only one that is answered in a version that we do not have: error 35,
in the body of version 0, with the one entry that tells the client how to ask again (KIP-511).

v3  names the client's software, whose form is checked          v3 and up carry features; below v4 none whose lowest
v5  may say which cluster and node it believes to talk to       supported version is 0 (KAFKA-17011)
    (KIP-1242): if that is wrong, the client has to bootstrap again

Errors: UNSUPPORTED_VERSION, INVALID_REQUEST, REBOOTSTRAP_REQUIRED.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kbroker.catalog.features import SUPPORTED
from kbroker.catalog.state import CLIENT_METRICS
from kbroker.context import Context
from wire.errors import ErrorCode, KafkaError
from wire.messages.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)
from wire.schema import KeptList

if TYPE_CHECKING:
    from kbroker.server.apis import Apis

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
_NO_NODE = -1

# As in Kafka without a receiver of metrics: clients do not ask unless somebody wants to know.
TELEMETRY = (71, 72)


def api_versions(request: ApiVersionsRequest, ctx: Context) -> ApiVersionsResponse:
    apis = ctx.cluster.apis
    rows = _rows(apis, apis.edition, bool(ctx.cluster.catalog.configured(CLIENT_METRICS)))
    own = rows.by_key[ctx.api_key]
    if not own.min_version <= ctx.version <= own.max_version:
        return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[own])
    names_its_software = ctx.version >= 3
    features_from_zero_are_left_out = ctx.version < 4  # KAFKA-17011
    if names_its_software:
        _check_software(request, ctx)
    _check_destination(request, ctx)
    features = ctx.cluster.catalog.features
    return ApiVersionsResponse(
        error_code=ErrorCode.NONE,
        api_keys=rows.all,
        supported_features=_supported(features_from_zero_are_left_out),
        finalized_features_epoch=features.epoch,
        finalized_features=[
            FinalizedFeatureKey(name=name, max_version_level=level, min_version_level=level)
            for name, level in sorted(features.levels.items())
        ],
    )


# Every connection begins with this request, and sixty objects are most of its cost: they are made and written once, and
# shared.


class _Rows(NamedTuple):
    by_key: dict[int, ApiVersion]
    all: KeptList[ApiVersion]


@lru_cache(maxsize=4)
def _rows(apis: Apis, edition: int, with_telemetry: bool) -> _Rows:
    rows = {
        key: ApiVersion(api_key=key, min_version=low, max_version=high)
        for key, low, high in apis.advertised()
        if with_telemetry or key not in TELEMETRY
    }
    return _Rows(rows, KeptList(rows.values()))


@lru_cache(maxsize=2)
def _supported(features_from_zero_are_left_out: bool) -> list[SupportedFeatureKey]:
    return [
        SupportedFeatureKey(name=name, min_version=low, max_version=high)
        for name, (low, high) in SUPPORTED.items()
        if low > 0 or not features_from_zero_are_left_out
    ]


def _check_software(request: ApiVersionsRequest, ctx: Context) -> None:
    name, version = request.client_software_name, request.client_software_version
    if not (_SOFTWARE.fullmatch(name) and _SOFTWARE.fullmatch(version)):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    ctx.connection.software_name = name
    ctx.connection.software_version = version


def _check_destination(request: ApiVersionsRequest, ctx: Context) -> None:
    """Is this the cluster and the node that the client means? Naming one of the two only is a mistake (KIP-1242)."""
    cluster_id, node_id = request.cluster_id, request.node_id
    if cluster_id is None and node_id == _NO_NODE:
        return
    if cluster_id is None or node_id == _NO_NODE:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if cluster_id != ctx.cluster.catalog.cluster_id or node_id != ctx.node.id:
        raise KafkaError(ErrorCode.REBOOTSTRAP_REQUIRED)
