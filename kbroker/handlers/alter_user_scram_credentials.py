"""AlterUserScramCredentials: give users SCRAM credentials, or take them away (KIP-554). One change for each user; each
user stands alone.
"""

from __future__ import annotations

from kbroker.catalog.users import Deletion, Upsertion
from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
)


async def alter_user_scram_credentials(
    request: AlterUserScramCredentialsRequest, ctx: Context
) -> AlterUserScramCredentialsResponse:
    authorize_on_cluster(ctx, "ALTER")
    outcomes = await ctx.cluster.catalog.alter_users(
        [Deletion(one.name, one.mechanism) for one in request.deletions],
        [
            Upsertion(one.name, one.mechanism, one.iterations, one.salt, one.salted_password)
            for one in request.upsertions
        ],
    )
    return AlterUserScramCredentialsResponse(
        results=[
            AlterUserScramCredentialsResult(
                user=user,
                error_code=0 if error is None else error.code,
                error_message=None if error is None else error.message,
            )
            for user, error in outcomes.items()
        ]
    )
