"""UpdateFeatures: raise or lower the finalized level of features (KIP-584). All or none.

v1 the kind of change, and validate only   v2 no results of single features (KIP-1022)
"""

from __future__ import annotations

from kbroker.catalog.features import SUPPORTED, FeatureUpdate
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.messages.update_features import UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse


async def update_features(request: UpdateFeaturesRequest, ctx: Context) -> UpdateFeaturesResponse:
    tells_of_each = ctx.version < 2
    authorize_on_cluster(ctx, "ALTER")
    updates = [FeatureUpdate(one.feature, one.max_version_level, one.upgrade_type) for one in request.feature_updates]
    await ctx.cluster.catalog.update_features(updates, SUPPORTED, validate_only=request.validate_only)
    response = UpdateFeaturesResponse(error_code=0, error_message=None)
    if tells_of_each:
        response.results = [
            UpdatableFeatureResult(feature=update.name, error_code=0, error_message="NONE") for update in updates
        ]
    return response
