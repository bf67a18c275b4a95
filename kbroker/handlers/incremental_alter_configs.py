"""IncrementalAlterConfigs: set, delete, append to or subtract from single configs of topics, brokers, groups, client
metrics subscriptions and loggers (KIP-339). A resource changes as a whole or not at all; it acts when it is answered.

Levels of loggers (KIP-412) are the process's own: they are not kept for the next start.
"""

from __future__ import annotations

from kbroker import loggers
from kbroker.catalog.configs import APPEND, DELETE, SET, SUBTRACT, Alteration, ConfigChange
from kbroker.context import Context
from kbroker.handlers._resources import BROKER_LOGGER, alter
from wire.errors import ErrorCode, KafkaError
from wire.messages.incremental_alter_configs import (
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

_VERBS = {APPEND: "APPEND operation", SUBTRACT: "SUBTRACT operation"}


async def incremental_alter_configs(
    request: IncrementalAlterConfigsRequest, ctx: Context
) -> IncrementalAlterConfigsResponse:
    def alteration_of(resource: AlterConfigsResource) -> Alteration | None:
        changes = [ConfigChange(one.name, one.config_operation, one.value) for one in resource.configs]
        if resource.resource_type != BROKER_LOGGER:
            return Alteration(resource.resource_type, resource.resource_name, changes)
        _check_loggers(changes)
        if not request.validate_only:
            for name, operation, level in changes:
                loggers.set_level(name, None if operation == DELETE else level)
        return None

    outcomes = await alter(request.resources, ctx, alteration_of, validate_only=request.validate_only)
    return IncrementalAlterConfigsResponse(
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


def _check_loggers(changes: list[ConfigChange]) -> None:
    nulls = [name for name, operation, value in changes if operation != DELETE and value is None]
    if nulls:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {','.join(nulls)}")
    if len({change.name for change in changes}) < len(changes):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")
    known = loggers.names()
    for name, operation, level in changes:
        if operation not in (SET, DELETE):
            verb = _VERBS.get(operation, f"Unknown operation type {operation}")
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"{verb} is not allowed for the BROKER_LOGGER resource")
        if name not in known:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {name} does not exist!")
        if operation == DELETE and name == loggers.ROOT:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, "Removing the log level of the root logger is not allowed"
            )
        if operation == SET and level not in loggers.LEVELS:
            raise KafkaError(
                ErrorCode.INVALID_CONFIG,
                f"Cannot set the log level of {name} to {level} as it is not a supported log level. Valid log levels "
                f"are {', '.join(loggers.LEVELS)}",
            )
