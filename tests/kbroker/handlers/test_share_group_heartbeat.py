"""ShareGroupHeartbeat: joining, staying, leaving; what other requests make of such a group. Codes and sentences are
those of Apache Kafka 4.4.0.
"""

from typing import Any

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.share_desk import ShareDesk, at_a_share_desk
from tests.kbroker.virtual import passed, settle
from wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.messages.delete_groups import DeleteGroupsRequest
from wire.messages.describe_groups import DescribeGroupsRequest
from wire.messages.list_groups import ListGroupsRequest
from wire.messages.share_group_describe import ShareGroupDescribeRequest


def assigned(desk: ShareDesk, answer: Any) -> dict[str, list[int]] | None:
    """Partitions by topic; None when nothing is said."""
    assert answer.error_code == 0, answer.error_message
    if answer.assignment is None:
        return None
    names = {desk.topic_id(name): name for name in ("t", "u")}
    return {names[each.topic_id]: each.partitions for each in answer.assignment.topic_partitions}


async def described(desk: ShareDesk, group: str = "g") -> Any:
    request = ShareGroupDescribeRequest(group_ids=[group], include_authorized_operations=False)
    return (await desk.ask(request, 1)).groups[0]


def test_the_first_member_gets_everything_with_its_first_heartbeat() -> None:
    async def test(desk: ShareDesk) -> None:
        answer = await desk.beat("m", 0, "t", "u")
        assert assigned(desk, answer) == {"t": [0, 1], "u": [0, 1]}
        assert (answer.member_id, answer.member_epoch, answer.heartbeat_interval_ms) == ("m", 2, 500)
        assert assigned(desk, await desk.beat("m", 2)) is None, "nothing new"
        assert assigned(desk, await desk.beat("m", 2, "t", "u")) == {"t": [0, 1], "u": [0, 1]}, "who says all hears all"

    at_a_share_desk(test)


def test_with_kafkas_timing_partitions_come_with_a_later_heartbeat_as_in_kafka() -> None:
    async def test(desk: ShareDesk) -> None:
        answer = await desk.beat()
        assert (answer.member_epoch, assigned(desk, answer)) == (2, {})
        await passed(1.0)
        answer = await desk.beat("m", 2)
        assert (answer.member_epoch, assigned(desk, answer)) == (3, {"t": [0, 1]})

    at_a_share_desk(test, config={"group.share.assignment.interval.ms": "1000"})


def test_members_share_out_the_partitions_without_waiting_for_each_other() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        other = await desk.beat("n")
        assert other.member_epoch == 3
        assert len((assigned(desk, other) or {})["t"]) == 1, "at once, though m has not let go yet"
        rest = assigned(desk, await desk.beat("m", 2)) or {}
        assert sorted(rest["t"] + (assigned(desk, other) or {})["t"]) == [0, 1]
        third = assigned(desk, await desk.beat("o")) or {}
        assert len(third["t"]) == 1, "more members than partitions: they share"

    at_a_share_desk(test)


def test_new_partitions_and_topics_are_found() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m", 0, "t", "late")
        await desk.cluster.catalog.create_topics([NewTopic("late", 1)])
        await desk.beat("m", 2)
        await settle()
        answer = await desk.beat("m", 3)
        assert {len(each.partitions) for each in answer.assignment.topic_partitions} == {1, 2}
        assert answer.member_epoch == 4

    at_a_share_desk(test)


def test_a_member_that_is_silent_for_too_long_is_removed() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        await desk.beat("n")
        await passed(30)
        await desk.beat("n", 3)
        await passed(20)
        group = await described(desk)
        assert [member.member_id for member in group.members] == ["n"]
        assert assigned(desk, await desk.beat("n", 3)) == {"t": [0, 1]}
        assert (await desk.beat("m", 3)).error_code == 25

    at_a_share_desk(test)


def test_who_leaves_is_gone_and_the_group_stays() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        left = await desk.beat("m", -1)
        assert (left.error_code, left.member_id, left.member_epoch, left.heartbeat_interval_ms) == (0, "m", -1, 0)
        group = await described(desk)
        assert (group.group_state, group.group_epoch, group.assignment_epoch, group.members) == ("Empty", 3, 3, [])

    at_a_share_desk(test)


def test_an_answer_may_be_lost_and_old_epochs_are_fenced() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        await desk.beat("n")
        assert (await desk.beat("m", 2)).member_epoch == 3
        assert (await desk.beat("m", 2)).member_epoch == 3, "it has not heard of 3"
        await desk.beat("o")
        await desk.beat("m", 3)
        fenced = await desk.beat("m", 2)
        assert fenced.error_code == 110
        assert "smaller member epoch (2) than the one known by the group coordinator (4)" in fenced.error_message
        assert (fenced.member_id, fenced.member_epoch, fenced.heartbeat_interval_ms) == (None, 0, 0)
        assert "greater member epoch (9)" in (await desk.beat("m", 9)).error_message

    at_a_share_desk(test)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"member": ""}, 42, None),
        ({"group": ""}, 42, "GroupId can't be empty."),
        ({"rack_id": ""}, 42, "RackId can't be empty."),
        ({"epoch": -2}, 42, "MemberEpoch is invalid."),
        ({"epoch": 3, "member": "x"}, 25, "Member x is not a member of group g."),
        ({"epoch": -1, "member": "x"}, 25, "Member x is not a member of group g."),
        ({"epoch": 3, "group": "none"}, 69, "Share group none not found."),
        ({"epoch": -1, "group": "none"}, 69, "Group none not found."),
        ({"member": "n"}, 81, "The share group has reached its maximum capacity of 1 members."),
    ],
)
def test_what_cannot_be_is_refused_in_kafkas_words(options: dict[str, Any], code: int, message: str | None) -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        answer = await desk.beat(**options)
        assert (answer.error_code, answer.error_message) == (code, message)

    at_a_share_desk(test, config={"group.share.max.size": "1"})


def test_other_types_of_groups_and_share_groups_keep_apart() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        assert (await desk.join()).error_code == 23
        assert await desk.heartbeat("m", 2) == 25
        request = ConsumerGroupHeartbeatRequest(
            group_id="g", member_id="c", member_epoch=0, rebalance_timeout_ms=1000, subscribed_topic_names=["t"],
            topic_partitions=[],
        )  # fmt: skip
        refused = await desk.ask(request, 1)
        assert (refused.error_code, refused.error_message) == (69, "Group g is not a consumer group.")
        await desk.join(group="classic")
        refused = await desk.beat("m", group="classic")
        assert (refused.error_code, refused.error_message) == (69, "Group classic is not a share group.")
        described_as_classic = await desk.ask(DescribeGroupsRequest(groups=["g"]), 6)
        assert described_as_classic.groups[0].error_message == "Group g is not a classic group."

    at_a_share_desk(test)


def test_a_share_group_is_listed_and_deleted_once_it_is_empty() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        listed = (await desk.ask(ListGroupsRequest(states_filter=[], types_filter=["SHARE"]), 5)).groups
        assert [(each.group_id, each.protocol_type, each.group_state, each.group_type) for each in listed] == [
            ("g", "share", "Stable", "share")
        ]
        delete = DeleteGroupsRequest(groups_names=["g"])
        assert (await desk.ask(delete, 2)).results[0].error_code == 68
        await desk.beat("m", -1)
        assert (await desk.ask(delete, 2)).results[0].error_code == 0
        assert (await desk.ask(delete, 2)).results[0].error_code == 69
        await desk.restart()
        assert (await described(desk)).error_code == 69

    at_a_share_desk(test)


def test_members_find_themselves_in_their_group_after_a_restart() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.beat("m")
        await desk.beat("n")
        await desk.restart()
        answer = await desk.beat("m", 2, "t")
        assert (answer.member_epoch, len((assigned(desk, answer) or {})["t"])) == (3, 1)
        group = await described(desk)
        assert (group.group_state, group.assignor_name, len(group.members)) == ("Stable", "simple", 2)

    at_a_share_desk(test)


def test_a_group_may_have_its_own_times() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.configure(share_heartbeat_interval_ms="250", share_session_timeout_ms="1000")
        assert (await desk.beat("m")).heartbeat_interval_ms == 250
        await passed(1.1)
        assert (await desk.beat("m", 2)).error_code == 25

    at_a_share_desk(test)


def test_without_the_feature_there_are_no_share_groups() -> None:
    async def test(desk: ShareDesk) -> None:
        desk.cluster.catalog.features.levels.pop("share.version")  # type: ignore[attr-defined]
        assert (await desk.beat("m")).error_code == 35
        assert (await described(desk)).error_code == 35
        assert (await desk.fetch("m")).error_code == 35

    at_a_share_desk(test)
