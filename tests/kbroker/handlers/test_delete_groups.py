"""DeleteGroups, in every version."""

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.delete_groups import DeleteGroupsRequest


@pytest.mark.parametrize("version", versions("delete_groups"))
def test_groups_without_members_go_with_their_offsets(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        await desk.member()
        await desk.commit({("t", 0): 5}, group="simple")
        await desk.commit({("t", 0): 5}, group="")
        desk.denied = {("DELETE", "GROUP", "secret")}
        request = DeleteGroupsRequest(groups_names=["g", "nobody", "", "simple", "simple", "secret"])
        answer = await desk.ask(request, version)
        assert [(each.group_id, each.error_code) for each in answer.results] == [
            ("g", 68), ("nobody", 69), ("", 0), ("simple", 0), ("secret", 30),
        ]  # fmt: skip
        assert await desk.fetch({"t": [0]}, group="simple") == {("t", 0): (-1, 0)}
        desk.restart_groups()
        assert await desk.fetch({"t": [0]}, group="simple") == {("t", 0): (-1, 0)}

    among_groups(test)
