"""What is known of a client that pushes metrics, by the names that subscriptions match it with (KIP-714)."""

from __future__ import annotations

from kbroker.context import Context
from wire.primitives import uuid_text


def known(ctx: Context, instance_id: bytes) -> dict[str, str]:
    peer = ctx.connection
    return {
        "client_instance_id": uuid_text(instance_id),
        "client_id": ctx.client_id or "",
        "client_software_name": peer.software_name,
        "client_software_version": peer.software_version,
        "client_source_address": peer.host,
        "client_source_port": str(peer.port),
    }
