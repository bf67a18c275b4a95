"""Dead letter queues of share groups (KIP-1191). What is in a letter is what Apache Kafka 4.4.0 wrote into one."""

from collections.abc import Mapping
from typing import Any

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.share_desk import ShareDesk, acquired, at_a_share_desk
from tests.kbroker.handlers.test_share_fetch import begin
from tests.kbroker.virtual import passed, settle
from wire.batch import batches
from wire.records import Record, iterate

ACCEPT, RELEASE, REJECT = 1, 2, 3
ENABLED = (("errors.deadletterqueue.group.enable", "true"),)


async def letters(desk: ShareDesk, name: str = "dlq.g", index: int = 0) -> list[Record]:
    await settle()
    topic = desk.cluster.catalog.topic(name)
    if topic is None:
        return []
    partition = desk.cluster.partitions.open(topic, index)
    await partition.ready()
    if not partition.end:
        return []
    chunk = await partition.read(0, 1 << 20)
    return [record for buffer in chunk.buffers for batch in batches(buffer) for record in iterate(batch)]


def said(record: Record) -> dict[str, str]:
    return {name.removeprefix("__dlq.errors."): (value or b"").decode() for name, value in record.headers}


async def reject(desk: ShareDesk, *configs: tuple[str, str], **of_the_group: str) -> None:
    await desk.cluster.catalog.create_topics([NewTopic("dlq.g", 1, configs=configs or ENABLED)])
    await begin(desk, 5, errors_deadletterqueue_topic_name="dlq.g", **of_the_group)
    await desk.fetch()
    await desk.acknowledge("m", (1, 2, [REJECT]), (3, 3, [0]))


def test_what_is_rejected_goes_to_the_queue_and_a_gap_does_not() -> None:
    async def test(desk: ShareDesk) -> None:
        await reject(desk)
        first, second = await letters(desk)
        assert (first.key, first.value) == (None, None)
        assert said(first) == {
            "topic": "t",
            "partition": "0",
            "offset": "1",
            "group": "g",
            "delivery.count": "1",
            "message": "Offset rejected by client.",
        }
        assert said(second)["offset"] == "2"

    at_a_share_desk(test)


def test_a_group_may_want_a_copy_of_the_record() -> None:
    async def test(desk: ShareDesk) -> None:
        await reject(desk, errors_deadletterqueue_copy_record_enable="true")
        assert [(record.key, record.value) for record in await letters(desk)] == [(None, b"1"), (None, b"2")]

    at_a_share_desk(test)


def test_what_was_delivered_too_often_goes_to_the_queue_also_when_a_lock_expires() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("dlq.g", 1, configs=ENABLED)])
        await begin(desk, 2, errors_deadletterqueue_topic_name="dlq.g", share_delivery_count_limit="2")
        await desk.fetch()
        await desk.acknowledge("m", (0, 1, [RELEASE]))
        await desk.fetch()
        await desk.acknowledge("m", (0, 0, [RELEASE]))
        await passed(31)
        told = [said(record) for record in await letters(desk)]
        assert [(each["offset"], each["delivery.count"]) for each in told] == [("0", "2"), ("1", "2")]
        assert told[0]["message"] == "Offset delivery count exceeded the threshold."
        await desk.produce(1)
        assert acquired(await desk.fetch()) == [(2, 2, 1)]

    at_a_share_desk(test)


def test_a_letter_goes_to_the_partition_of_the_records_number() -> None:
    async def test(desk: ShareDesk) -> None:
        await desk.cluster.catalog.create_topics([NewTopic("dlq.g", 2, configs=ENABLED)])
        await begin(desk, errors_deadletterqueue_topic_name="dlq.g")
        await desk.produce(1, index=1)
        await desk.fetch("m", index=1)
        await desk.acknowledge("m", (0, 0, [REJECT]), index=1)
        assert [said(record)["partition"] for record in await letters(desk, index=1)] == ["1"]

    at_a_share_desk(test)


@pytest.mark.parametrize(
    ("config", "name", "made"),
    [
        ({}, "dlq.g", False),
        ({"errors.deadletterqueue.auto.create.topics.enable": "true"}, "dlq.g", True),
        ({"errors.deadletterqueue.auto.create.topics.enable": "true"}, "other", False),
        (
            {
                "errors.deadletterqueue.auto.create.topics.enable": "true",
                "errors.deadletterqueue.topic.name.prefix": "oth",
            },
            "other",
            True,
        ),
    ],
)
def test_a_queue_that_is_not_there_is_made_where_the_broker_allows_it(
    config: dict[str, str], name: str, made: bool
) -> None:
    async def test(desk: ShareDesk) -> None:
        await begin(desk, 1, errors_deadletterqueue_topic_name=name)
        await desk.fetch()
        await desk.acknowledge("m", (0, 0, [REJECT]))
        assert len(await letters(desk, name)) == made
        await desk.produce(1)
        assert acquired(await desk.fetch()) == [(1, 1, 1)], "given up either way"

    at_a_share_desk(test, config=config)


def test_a_topic_that_is_no_queue_gets_no_letters(caplog: Any) -> None:
    async def test(desk: ShareDesk) -> None:
        await reject(desk, ("errors.deadletterqueue.group.enable", "false"))
        assert await letters(desk) == []

    at_a_share_desk(test)
    assert "share group g gave up records of t-0 (1..2), and dlq.g could not be told" in caplog.text


def test_dead_letters_came_with_the_second_version_of_share_groups() -> None:
    async def test(desk: ShareDesk) -> None:
        await reject(desk)
        assert await letters(desk) == []

    class Older(ShareDesk):
        features: Mapping[str, int] = {"share.version": 1}

    at_a_share_desk(test, desk=Older)
