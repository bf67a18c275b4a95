"""StreamsGroupTopologyDescriptionUpdate: nobody keeps descriptions here."""

import pytest

from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.streams_group_topology_description_update import (
    StreamsGroupTopologyDescriptionUpdateRequest,
    TopologyDescription,
)


@pytest.mark.parametrize(
    ("denied", "protocols", "expected"),
    [
        ((), "streams", (35, "The broker has no streams group topology description plugin configured.")),
        ((("READ", "GROUP", "app"),), "streams", (30, "The principal may not do this with the group.")),
        ((), "classic", (35, "The broker does not support this version of the request.")),
    ],
)
def test_it_is_refused_as_by_apache_kafka_without_the_plugin(
    denied: tuple[tuple[str, str, str], ...], protocols: str, expected: tuple[int, str]
) -> None:
    async def test(desk: GroupDesk) -> None:
        desk.denied = set(denied)
        request = StreamsGroupTopologyDescriptionUpdateRequest(
            group_id="app",
            member_id="A",
            topology_epoch=0,
            topology_description=TopologyDescription(subtopologies=[], global_stores=[]),
        )
        response = await desk.ask(request, 0)
        assert (response.error_code, response.error_message) == expected

    among_groups(test, config={"group.coordinator.rebalance.protocols": protocols})
