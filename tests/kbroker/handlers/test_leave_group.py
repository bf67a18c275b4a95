"""LeaveGroup, in every version."""

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.leave_group import LeaveGroupRequest, MemberIdentity


@pytest.mark.parametrize("version", versions("leave_group"))
def test_the_error_stands_at_the_top_before_version_3_and_at_the_member_after(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        for who, code in (("stranger", 25), (member, 0), (member, 25)):
            answer = await desk.leave(who, version)
            if version >= 3:
                assert answer.error_code == 0
                assert [(each.member_id, each.error_code) for each in answer.members] == [(who, code)]
            else:
                assert answer.error_code == code
        assert await desk.heartbeat(member, generation) == 25

    among_groups(test)


@pytest.mark.parametrize("version", versions("leave_group"))
def test_a_group_that_is_not_there_has_no_members(version: int) -> None:
    async def test(desk: GroupDesk) -> None:
        answer = await desk.leave("m", version, group="other")
        assert (answer.members[0].error_code if version >= 3 else answer.error_code) == 25
        assert (await desk.leave("m", version, group="")).error_code == 24
        desk.denied = {("READ", "GROUP", "g")}
        assert (await desk.leave("m", version)).error_code == 30

    among_groups(test)


def test_an_administrator_removes_static_members_by_their_instance() -> None:
    async def test(desk: GroupDesk) -> None:
        joined = await desk.join(group_instance_id="i")
        members = [
            MemberIdentity(member_id="", group_instance_id="nobody", reason="cleaning up"),
            MemberIdentity(member_id="wrong", group_instance_id="i"),
            MemberIdentity(member_id="", group_instance_id="i"),
        ]
        answer = await desk.ask(LeaveGroupRequest(group_id="g", member_id="", members=members), 5)
        assert [(each.group_instance_id, each.error_code) for each in answer.members] == [
            ("nobody", 25), ("i", 82), ("i", 0),
        ]  # fmt: skip
        assert await desk.heartbeat(joined.member_id, 1) == 25

    among_groups(test)
