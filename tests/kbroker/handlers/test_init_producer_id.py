"""InitProducerId, in every version."""

import logging

import pytest

from kbroker.catalog import NewTopic
from tests.kbroker.handlers.desk import Desk, at_a_desk, together, versions
from wire.messages.init_producer_id import InitProducerIdRequest


def question(transactional_id: str | None = None, producer_id: int = -1, epoch: int = -1) -> InitProducerIdRequest:
    return InitProducerIdRequest(
        transactional_id=transactional_id, transaction_timeout_ms=60_000, producer_id=producer_id, producer_epoch=epoch
    )


@pytest.mark.parametrize("version", versions("init_producer_id"))
def test_a_producer_without_transactions_gets_a_fresh_id_each_time(version: int) -> None:
    async def test(desk: Desk) -> None:
        answers = await together(*[desk.ask(question(), version) for _ in range(5)])
        assert {answer.error_code for answer in answers} == {answer.producer_epoch for answer in answers} == {0}
        ids = [answer.producer_id for answer in answers]
        assert len(set(ids)) == 5
        assert min(ids) >= 0

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("init_producer_id"))
def test_a_transactional_producer_is_refused_with_a_line_in_the_log(
    version: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(desk: Desk) -> None:
        answer = await desk.ask(question("my-id"), version)
        assert (answer.error_code, answer.producer_id, answer.producer_epoch) == (53, -1, -1)

    with caplog.at_level(logging.WARNING):
        at_a_desk(test)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "kbroker.transactions"]
    assert "my-id" in line
    assert "no transactions yet" in line


def test_half_a_producer_and_an_empty_transactional_id_are_invalid() -> None:
    async def test(desk: Desk) -> None:
        for request in (question(producer_id=5), question(epoch=0), question("")):
            assert (await desk.ask(request, 5)).error_code == 42
        assert (await desk.ask(question(producer_id=5, epoch=0), 5)).error_code == 0

    at_a_desk(test)


def test_who_may_write_anywhere_may_do_so_idempotently() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("IDEMPOTENT_WRITE", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(question(), 5)).error_code == 31
        await desk.cluster.catalog.create_topics([NewTopic("a")])
        assert (await desk.ask(question(), 5)).error_code == 0

    at_a_desk(test)
