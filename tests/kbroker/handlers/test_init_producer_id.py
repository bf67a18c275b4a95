"""InitProducerId, in every version."""

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, together, versions
from tests.kbroker.handlers.transactional import Transactional, with_transactions
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


def test_half_a_producer_and_an_empty_transactional_id_are_invalid() -> None:
    async def test(desk: Desk) -> None:
        for request in (question(producer_id=5), question(epoch=0), question("")):
            assert (await desk.ask(request, 5)).error_code == 42
        assert (await desk.ask(question(producer_id=5, epoch=0), 5)).error_code == 0

    at_a_desk(test)


def test_who_may_write_anywhere_may_do_so_idempotently() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("IDEMPOTENT_WRITE", "CLUSTER", "kafka-cluster"), ("WRITE", "TOPIC", "*")}
        assert (await desk.ask(question(), 5)).error_code == 31
        desk.denied = {("IDEMPOTENT_WRITE", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(question(), 5)).error_code == 0

    at_a_desk(test)


@pytest.mark.parametrize("version", versions("init_producer_id"))
def test_a_transactional_id_keeps_its_producer_id_and_raises_the_epoch(version: int) -> None:
    async def test(broker: Transactional) -> None:
        first = await broker.init("my-id", version=version)
        assert first == (0, *first[1:2], 0)
        assert await broker.init("my-id", version=version) == (0, first[1], 1)
        other = await broker.init("another", version=version)
        assert (other[0], other[2]) == (0, 0)
        assert other[1] != first[1]

    with_transactions(test)


@pytest.mark.parametrize("version", [version for version in versions("init_producer_id") if version >= 3])
def test_who_says_another_epoch_is_fenced_in_the_words_of_its_version(version: int) -> None:
    async def test(broker: Transactional) -> None:
        _, producer_id, _ = await broker.init("my-id")
        assert await broker.init("my-id", producer_id, 0, version=version) == (0, producer_id, 1)
        assert await broker.init("my-id", producer_id, 0, version=version) == (0, producer_id, 1), "the answer was lost"
        fenced = 90 if version >= 4 else 47
        assert await broker.init("my-id", producer_id, 5, version=version) == (fenced, -1, -1)
        assert await broker.init("my-id", producer_id + 1, 1, version=version) == (fenced, -1, -1)

    with_transactions(test)


def test_an_open_transaction_is_aborted_before_the_next_producer_gets_its_epoch() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("my-id")
        await broker.add("my-id", one, [(broker.topic, 0)])
        await broker.produce("my-id", one, 0)
        assert await broker.init("my-id") == (51, -1, -1)
        assert await broker.until_init("my-id") == (0, one.id, 2)
        assert (await broker.committed(0))[0] == []
        assert await broker.produce("my-id", one, 1) == (47, -1)

    with_transactions(test)


def test_timeouts_that_cannot_be() -> None:
    async def test(broker: Transactional) -> None:
        for timeout_ms in (0, -1, 900_001):
            assert await broker.init("my-id", timeout_ms=timeout_ms) == (50, -1, -1)

    with_transactions(test)


def test_only_the_coordinator_knows_an_id() -> None:
    async def test(broker: Transactional) -> None:
        other = await broker.at_another_node("my-id")
        assert await other.init("my-id") == (16, -1, -1)
        await other.client.close()

    with_transactions(test, nodes=2)
