"""DeleteTopics, in every version."""

from typing import Any

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.errors import ErrorCode
from wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from wire.primitives import ZERO_UUID


def deletion(version: int, *names: str) -> DeleteTopicsRequest:
    if version >= 6:
        return DeleteTopicsRequest(
            topics=[DeleteTopicState(name=name, topic_id=ZERO_UUID) for name in names], timeout_ms=1000
        )
    return DeleteTopicsRequest(topic_names=list(names), timeout_ms=1000)


def deletion_of(*states: tuple[str | None, bytes]) -> DeleteTopicsRequest:
    return DeleteTopicsRequest(
        topics=[DeleteTopicState(name=name, topic_id=topic_id) for name, topic_id in states], timeout_ms=1000
    )


def outcome(response: Any) -> list[tuple[str | None, int]]:
    return [(result.name, result.error_code) for result in response.responses]


@pytest.mark.parametrize("version", versions("delete_topics"))
def test_topics_go_by_name_and_unknown_ones_say_so(version: int) -> None:
    async def test(desk: Desk) -> None:
        (topic, _) = await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("b")])
        response = await desk.ask(deletion(version, "a", "no"), version)
        assert sorted(outcome(response)) == [("a", 0), ("no", 3)]
        gone = next(result for result in response.responses if result.name == "a")
        assert gone.topic_id == (topic.id if version >= 6 else ZERO_UUID)
        failed = next(result for result in response.responses if result.name == "no")
        assert (failed.error_message is None) == (version < 5)
        assert [topic.name for topic in desk.cluster.catalog.topics()] == ["b"]

    at_a_desk(test)


def test_topics_go_by_id_and_an_unknown_id_has_no_name() -> None:
    async def test(desk: Desk) -> None:
        (topic,) = await desk.cluster.catalog.create_topics([NewTopic("a")])
        unknown = b"\x07" * 16
        response = await desk.ask(deletion_of((None, topic.id), (None, unknown)), 6)
        assert sorted(response.responses, key=lambda result: result.error_code)[0].name == "a"
        assert {(result.name, result.topic_id, result.error_code) for result in response.responses} == {
            ("a", topic.id, 0), (None, unknown, 100),
        }  # fmt: skip

    at_a_desk(test)


def test_a_topic_whose_deletion_failed_meanwhile_is_not_called_unknown() -> None:
    """Seed 239: the views showed a deletion whose append had failed; then the topic was there again, with all in it."""

    async def test(desk: Desk) -> None:
        catalog = desk.cluster.catalog

        async def restored(topic_ids: Any) -> Any:
            await catalog.create_topics([NewTopic("back")])
            return await delete_topics(topic_ids)

        delete_topics, catalog.delete_topics = catalog.delete_topics, restored  # type: ignore[assignment]
        response = await desk.ask(deletion(6, "back", "no"), 6)
        assert sorted(outcome(response)) == [("back", ErrorCode.COORDINATOR_LOAD_IN_PROGRESS), ("no", 3)]

    at_a_desk(test)


def test_name_and_id_together_neither_or_twice_are_invalid() -> None:
    async def test(desk: Desk) -> None:
        a, _b, c = await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("b"), NewTopic("c")])
        response = await desk.ask(
            deletion_of(
                ("a", a.id), (None, ZERO_UUID), ("b", ZERO_UUID), ("b", ZERO_UUID), ("c", ZERO_UUID), (None, c.id)
            ),
            6,
        )
        assert {code for _, code in outcome(response)} == {0, 42}
        assert [name for name, code in outcome(response) if code == 0] == ["c"]
        assert [topic.name for topic in desk.cluster.catalog.topics()] == ["a", "b"]

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("delete_topics"))
def test_the_broker_can_forbid_deletion(version: int) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert outcome(await desk.ask(deletion(version, "a"), version)) == [("a", 73)]
        assert desk.cluster.catalog.topic("a") is not None

    at_a_desk(test, config={"delete.topic.enable": "false"})


def test_who_may_not_delete_or_describe_hears_the_same() -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("a"), NewTopic("b")])
        desk.denied = {("DELETE", "TOPIC", "a"), ("DESCRIBE", "TOPIC", "b"), ("DESCRIBE", "TOPIC", "no")}
        desk.denied.add(("DELETE", "CLUSTER", "kafka-cluster"))
        assert sorted(outcome(await desk.ask(deletion(6, "a", "b", "no"), 6))) == [("a", 29), ("b", 29), ("no", 29)]

    at_a_desk(test)


def test_a_topic_made_again_under_its_name_is_another_one() -> None:
    async def test(desk: Desk) -> None:
        (first,) = await desk.cluster.catalog.create_topics([NewTopic("a", 5)])
        await desk.ask(deletion(6, "a"), 6)
        (second,) = await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert first.id != second.id
        assert desk.cluster.catalog.topic_by_id(first.id) is None

    at_a_desk(test)
