"""DescribeTopicPartitions: pages and cursors."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk
from wire.messages.describe_topic_partitions import Cursor, DescribeTopicPartitionsRequest, TopicRequest


def page(*names: str, limit: int = 2000, cursor: tuple[str, int] | None = None) -> DescribeTopicPartitionsRequest:
    return DescribeTopicPartitionsRequest(
        topics=[TopicRequest(name=name) for name in names],
        response_partition_limit=limit,
        cursor=None if cursor is None else Cursor(topic_name=cursor[0], partition_index=cursor[1]),
    )


def shown(response: Any) -> list[tuple[str, list[int]]]:
    return [(topic.name, [partition.partition_index for partition in topic.partitions]) for topic in response.topics]


def following(response: Any) -> tuple[str, int] | None:
    cursor = response.next_cursor
    return None if cursor is None else (cursor.topic_name, cursor.partition_index)


def test_topics_come_sorted_and_without_names_it_is_all() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("b", 2, 2), NewTopic("a", 1, 1)])
        response = await desk.ask(page(), 0)
        assert shown(response) == [("a", [0]), ("b", [0, 1])]
        assert response.next_cursor is None
        topic = response.topics[1]
        assert (topic.error_code, topic.topic_authorized_operations, topic.is_internal) == (0, 3576, False)
        partition = topic.partitions[1]
        assert (partition.error_code, partition.leader_id, partition.leader_epoch) == (0, 2, 0)
        assert (partition.replica_nodes, partition.isr_nodes) == ([2, 1], [2, 1])
        assert (partition.eligible_leader_replicas, partition.last_known_elr) == ([], [])
        assert partition.offline_replicas == []
        assert shown(await desk.ask(page("b", "a", "b"), 0)) == [("a", [0]), ("b", [0, 1])]

    at_a_desk(test, nodes=(1, 2))


def test_unknown_and_invalid_names_have_their_place_among_the_sorted() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("b")])
        response = await desk.ask(page("c", "b", "a", "!"), 0)
        outcome = [(topic.name, topic.error_code) for topic in response.topics]
        assert outcome == [("!", 17), ("a", 3), ("b", 0), ("c", 3)]

    at_a_desk(test)


def test_a_full_page_says_where_the_next_one_begins() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 2), NewTopic("b", 3)])
        inside = await desk.ask(page(limit=4), 0)
        assert (shown(inside), following(inside)) == ([("a", [0, 1]), ("b", [0, 1])], ("b", 2))
        between = await desk.ask(page(limit=2), 0)
        assert (shown(between), following(between)) == ([("a", [0, 1])], ("b", 0))
        nothing = await desk.ask(page(limit=0), 0)
        assert (shown(nothing), following(nothing)) == ([("a", [0])], ("a", 1))
        rest = await desk.ask(page(cursor=("b", 2)), 0)
        assert (shown(rest), following(rest)) == ([("b", [2])], None)
        later = await desk.ask(page(cursor=("aa", 1)), 0)
        assert shown(later) == [("b", [0, 1, 2])]

    at_a_desk(test)


def test_the_broker_bounds_the_page() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 5)])
        assert following(await desk.ask(page(limit=2000), 0)) == ("a", 3)

    at_a_desk(test, config={"max.request.partition.size.limit": "3"})


def test_a_cursor_below_zero_or_at_a_topic_that_was_not_asked_for_is_invalid() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a", 5), NewTopic("b")])
        for cursor in (("a", -1), ("b", 0), ("z", 0)):
            response = await desk.ask(page("a", cursor=cursor), 0)
            assert [topic.error_code for topic in response.topics] == [42]

    at_a_desk(test)


def test_what_may_not_be_described_is_refused_by_name_and_hidden_in_the_list() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("b")])
        desk.denied = {("DESCRIBE", "TOPIC", "a")}
        named = await desk.ask(page("a", "b"), 0)
        assert {topic.name: topic.error_code for topic in named.topics} == {"a": 29, "b": 0}
        assert shown(await desk.ask(page(), 0)) == [("b", [0])]

    at_a_desk(test)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 7))
def test_pages_together_show_every_partition_once(sizes: list[int], limit: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic(f"t{at}", size) for at, size in enumerate(sizes)])
        seen: list[tuple[str, int]] = []
        cursor: tuple[str, int] | None = None
        while True:
            response = await desk.ask(page(limit=limit, cursor=cursor), 0)
            seen += [(name, index) for name, indexes in shown(response) for index in indexes]
            cursor = following(response)
            if cursor is None:
                break
        assert seen == [(f"t{at}", index) for at, size in enumerate(sizes) for index in range(size)]

    at_a_desk(test)
