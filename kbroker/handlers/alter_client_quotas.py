"""AlterClientQuotas: set or take away quotas of users, client ids and addresses (KIP-546). Each entity stands alone.

They are kept and told, and not enforced yet.
"""

from __future__ import annotations

from kbroker.catalog.quotas import Entity, QuotaAlteration, QuotaChange
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.errors import KafkaError
from wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntityData,
    RequestEntryData,
    ResponseEntryData,
)


async def alter_client_quotas(request: AlterClientQuotasRequest, ctx: Context) -> AlterClientQuotasResponse:
    authorize_on_cluster(ctx, "ALTER_CONFIGS")
    alterations = [_alteration(entry) for entry in request.entries]
    outcomes = await ctx.cluster.catalog.alter_quotas(alterations, validate_only=request.validate_only)
    # An entity that is named twice is refused, and answered once.
    answers = dict(zip([alteration.entity for alteration in alterations], outcomes, strict=True))
    return AlterClientQuotasResponse(entries=[_answer(entity, error) for entity, error in answers.items()])


def _alteration(entry: RequestEntryData) -> QuotaAlteration:
    parts = {part.entity_type: part.entity_name for part in entry.entity}
    changes = [QuotaChange(one.key, None if one.remove else one.value) for one in entry.ops]
    return QuotaAlteration(tuple(sorted(parts.items())), changes)


def _answer(entity: Entity, error: KafkaError | None) -> ResponseEntryData:
    return ResponseEntryData(
        error_code=0 if error is None else error.code,
        error_message=None if error is None else error.message,
        entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
    )
