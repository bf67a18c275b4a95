"""StreamsGroupTopologyDescriptionUpdate: the description of a topology, for a plugin to keep (KIP-1331).

There are no plugins here, so no member is ever asked for one; whoever sends it all the same hears UNSUPPORTED_VERSION
(35), as from an Apache Kafka without the plugin.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._streams import streams_groups_are_on
from wire.errors import ErrorCode, KafkaError
from wire.messages.streams_group_topology_description_update import (
    StreamsGroupTopologyDescriptionUpdateRequest,
    StreamsGroupTopologyDescriptionUpdateResponse,
)


def streams_group_topology_description_update(
    request: StreamsGroupTopologyDescriptionUpdateRequest, ctx: Context
) -> StreamsGroupTopologyDescriptionUpdateResponse:
    if not streams_groups_are_on(ctx):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    raise KafkaError(
        ErrorCode.UNSUPPORTED_VERSION, "The broker has no streams group topology description plugin configured."
    )
