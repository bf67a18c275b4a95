"""The quota of changes to topics (KIP-599): what creates, grows or deletes topics asks here, partition by partition.

From the version on in which a request knows THROTTLING_QUOTA_EXCEEDED, each topic is admitted or refused with it while
the client owes nothing; before, everything is admitted and the client waits afterwards. What would fail anyhow costs
nothing, so that what is asked is validated first if there is such a quota.
"""

from __future__ import annotations

from collections.abc import Sequence

from kbroker.context import Context
from wire.errors import ErrorCode, KafkaError


def are_limited(ctx: Context) -> bool:
    return ctx.cluster.throttle is not None and ctx.cluster.throttle.limits_mutations


def admit(ctx: Context, costs: Sequence[int | None], *, strict: bool) -> list[KafkaError | None]:
    """For each topic its number of partitions, or None for what fails anyhow: None, or why not now."""
    throttle = ctx.cluster.throttle
    assert throttle is not None
    return [
        None
        if cost is None or throttle.mutate(ctx, cost, strict=strict)
        else KafkaError(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
        for cost in costs
    ]
