"""UnregisterBroker: forget a broker that will not come back (KIP-631). One that runs stays, and one that comes back is
registered again.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._cluster import authorize_on_cluster
from wire.messages.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse


async def unregister_broker(request: UnregisterBrokerRequest, ctx: Context) -> UnregisterBrokerResponse:
    authorize_on_cluster(ctx, "ALTER")
    await ctx.cluster.catalog.unregister(request.broker_id)
    return UnregisterBrokerResponse(error_code=0, error_message=None)
