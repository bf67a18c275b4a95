"""What both requests that alter configs check before the catalog is asked, in the words of Kafka's
`ConfigAdminManager`: who may, which resource, and whether it is this broker's to change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kbroker.catalog import names
from kbroker.catalog.configs import Alteration, altered, shows_anew
from kbroker.catalog.state import BROKER, CLIENT_METRICS, GROUP, TOPIC
from kbroker.config import ConfigError
from kbroker.context import Context
from kbroker.operations import CLUSTER_NAME
from wire.errors import ErrorCode, KafkaError

BROKER_LOGGER = 8

Outcome = KafkaError | None


async def alter(
    resources: Sequence[Any],
    ctx: Context,
    alteration_of: Callable[[Any], Alteration | None],
    *,
    validate_only: bool,
) -> list[Outcome]:
    """One outcome for each resource. `alteration_of` makes what the catalog is asked; None: it is done already."""
    outcomes: list[Outcome] = [None] * len(resources)
    asked = [(resource.resource_type, resource.resource_name) for resource in resources]
    wanted: list[tuple[int, Alteration]] = []
    renews = False
    for at, resource in enumerate(resources):
        try:
            if asked.count(asked[at]) > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
            _check(resource.resource_type, resource.resource_name, ctx)
            alteration = alteration_of(resource)
            if alteration is not None:
                renews |= _renews(alteration, ctx)
                wanted.append((at, alteration))
        except KafkaError as error:
            outcomes[at] = error
    if wanted:
        found = await ctx.cluster.catalog.alter_configs([one for _, one in wanted], validate_only=validate_only)
        for (at, _), outcome in zip(wanted, found, strict=True):
            outcomes[at] = outcome
    if renews and not validate_only and ctx.cluster.listening is not None:
        ctx.cluster.listening.renew()
    return outcomes


def _renews(alteration: Alteration, ctx: Context) -> bool:
    """Whether listeners show something else then, or the same from files that may be others; KafkaError where they
    could not."""
    cluster = ctx.cluster
    before = cluster.catalog.overrides(alteration.kind, alteration.name)
    if cluster.listening is None or not shows_anew(alteration, before):
        return False
    after = altered(alteration, before, cluster.config.text, cluster.config)
    try:
        cluster.listening.check(after)
    except ConfigError as error:
        raise KafkaError(ErrorCode.INVALID_REQUEST, str(error)) from None
    return True


def _check(kind: int, name: str, ctx: Context) -> None:
    if kind not in (TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP):
        raise unknown(kind)
    if kind == TOPIC:
        _authorize(ctx, "TOPIC", name, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
        names.check(name)
    elif kind == GROUP:
        _authorize(ctx, "GROUP", name, ErrorCode.GROUP_AUTHORIZATION_FAILED)
        if not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Default group resources are not allowed.")
    else:
        _authorize(ctx, "CLUSTER", CLUSTER_NAME, ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
        if kind == CLIENT_METRICS and not name:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty")
        if kind == BROKER_LOGGER or (kind == BROKER and name):
            _check_node(kind, name, ctx.node.id)


def unknown(kind: int) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {kind}")


def _authorize(ctx: Context, resource_type: str, name: str, refusal: ErrorCode) -> None:
    if not ctx.authorize("ALTER_CONFIGS", resource_type, (name,))[0]:
        raise KafkaError(refusal, refusal.message)


def _check_node(kind: int, name: str, here: int) -> None:
    """Each broker changes its own configs only."""
    if not name.removeprefix("-").isdecimal():
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}")
    if int(name) != here:
        refusal = "Unexpected node id. Expected {}, but received {}"
        if kind == BROKER:
            refusal = "Unexpected broker id, expected {}, but received {}"
        raise KafkaError(ErrorCode.INVALID_REQUEST, refusal.format(here, name))
