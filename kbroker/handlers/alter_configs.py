"""AlterConfigs: replace all overrides of a topic, broker, group or client metrics subscription (KIP-133). What is not
named goes back to where it came from; IncrementalAlterConfigs took its place.
"""

from __future__ import annotations

from kbroker.catalog.configs import SET, Alteration, ConfigChange
from kbroker.context import Context
from kbroker.handlers._resources import BROKER_LOGGER, alter, unknown
from wire.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)


async def alter_configs(request: AlterConfigsRequest, ctx: Context) -> AlterConfigsResponse:
    outcomes = await alter(request.resources, ctx, _alteration, validate_only=request.validate_only)
    return AlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error_code=0 if error is None else error.code,
                error_message=None if error is None else error.message,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
            for resource, error in zip(request.resources, outcomes, strict=True)
        ]
    )


def _alteration(resource: AlterConfigsResource) -> Alteration:
    if resource.resource_type == BROKER_LOGGER:
        raise unknown(BROKER_LOGGER)
    changes = [ConfigChange(config.name, SET, config.value) for config in resource.configs]
    return Alteration(resource.resource_type, resource.resource_name, changes, replaces=True)
