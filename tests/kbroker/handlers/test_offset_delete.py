"""OffsetDelete."""

from typing import Any

from tests.kbroker.handlers.group_desk import GroupDesk, among_groups
from wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)


async def deleted(desk: GroupDesk, topics: dict[str, list[int]], group: str = "g") -> Any:
    request = OffsetDeleteRequest(
        group_id=group,
        topics=[
            OffsetDeleteRequestTopic(
                name=name, partitions=[OffsetDeleteRequestPartition(partition_index=index) for index in indexes]
            )
            for name, indexes in topics.items()
        ],
    )
    answer = await desk.ask(request, 0)
    if answer.error_code:
        assert answer.topics == []
        return answer.error_code
    return {(topic.name, each.partition_index): each.error_code for topic in answer.topics for each in topic.partitions}


def test_offsets_are_forgotten_unless_the_group_reads_their_topic() -> None:
    async def test(desk: GroupDesk) -> None:
        member, generation = await desk.member()
        offsets = {("t", 0): 1, ("u", 0): 2, ("u", 1): 3}
        await desk.commit(offsets, member_id=member, generation_id_or_member_epoch=generation)
        desk.denied = {("READ", "TOPIC", "hidden")}
        asked = {"t": [0], "u": [0, 9], "missing": [0], "hidden": [0]}
        assert await deleted(desk, asked) == {
            ("t", 0): 86, ("u", 0): 0, ("u", 9): 3, ("missing", 0): 3, ("hidden", 0): 29,
        }  # fmt: skip
        assert await desk.fetch(None) == {("t", 0): (1, 0), ("u", 1): (3, 0)}

    among_groups(test)


def test_the_group_has_to_be_there_and_not_used_for_something_else() -> None:
    async def test(desk: GroupDesk) -> None:
        assert await deleted(desk, {"t": [0]}, "nobody") == 69
        assert await deleted(desk, {}, "nobody") == 69
        assert await deleted(desk, {"t": [0]}, "") == 24
        await desk.join(group="workers", protocol_type="connect", version=3)
        assert await deleted(desk, {"t": [0]}, "workers") == 68
        desk.denied = {("DELETE", "GROUP", "g")}
        assert await deleted(desk, {"t": [0]}) == 30

    among_groups(test)
