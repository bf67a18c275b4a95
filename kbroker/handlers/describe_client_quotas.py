"""DescribeClientQuotas: the quotas of the entities that a filter matches (KIP-546)."""

from __future__ import annotations

from kbroker.catalog.quotas import Component, matching
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import KafkaError
from wire.messages.describe_client_quotas import (
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)


def describe_client_quotas(request: DescribeClientQuotasRequest, ctx: Context) -> DescribeClientQuotasResponse:
    authorize_on_cluster(ctx, "DESCRIBE_CONFIGS")
    components = [Component(one.entity_type, one.match_type, one.match) for one in request.components]
    try:
        found = matching(ctx.cluster.catalog.quotas, components, strict=request.strict)
    except KafkaError as error:
        return DescribeClientQuotasResponse(error_code=error.code, error_message=error.message, entries=None)
    return DescribeClientQuotasResponse(
        error_code=0,
        error_message="",
        entries=[
            EntryData(
                entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
                values=[ValueData(key=name, value=value) for name, value in values.items()],
            )
            for entity, values in found
        ],
    )
