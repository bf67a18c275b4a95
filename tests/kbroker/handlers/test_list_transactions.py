"""ListTransactions, in every version: the ids that a node coordinates, through filters."""

from typing import Any

import pytest

from tests.kbroker.handlers.desk import versions
from tests.kbroker.handlers.transactional import V2, Transactional, with_transactions
from wire.messages.list_transactions import ListTransactionsRequest


async def names(broker: Transactional, version: int = 2, **filters: Any) -> set[str]:
    request = ListTransactionsRequest(**{"state_filters": [], "producer_id_filters": [], **filters})
    answer = await broker.ask(request, version)
    assert answer.error_code == 0
    return {each.transactional_id for each in answer.transaction_states}


@pytest.mark.parametrize("version", versions("list_transactions"))
def test_states_and_producers_are_filters(version: int) -> None:
    async def test(broker: Transactional) -> None:
        one, other = await broker.producer("one"), await broker.producer("other")
        await broker.produce("other", other, 0, version=V2)
        assert await names(broker, version) == {"one", "other"}
        assert await names(broker, version, state_filters=["Ongoing"]) == {"other"}
        assert await names(broker, version, state_filters=["Ongoing", "Empty"]) == {"one", "other"}
        assert await names(broker, version, producer_id_filters=[one.id]) == {"one"}

    with_transactions(test)


@pytest.mark.parametrize("version", versions("list_transactions"))
def test_states_that_nobody_knows_come_back_and_match_nothing(version: int) -> None:
    async def test(broker: Transactional) -> None:
        await broker.producer("one")
        request = ListTransactionsRequest(state_filters=["Bogus", "Dead"], producer_id_filters=[])
        answer = await broker.ask(request, version)
        assert (answer.error_code, answer.unknown_state_filters, answer.transaction_states) == (0, ["Bogus"], [])

    with_transactions(test)


def test_a_transaction_that_has_not_run_for_so_long_is_left_out() -> None:
    async def test(broker: Transactional) -> None:
        one = await broker.producer("one")
        await broker.produce("one", one, 0, version=V2)
        assert await names(broker, duration_filter=1_000_000_000) == set()
        assert await names(broker, duration_filter=-1) == {"one"}

    with_transactions(test)


def test_a_pattern_matches_the_whole_id() -> None:
    async def test(broker: Transactional) -> None:
        for name in ("app-1", "app-2", "other"):
            await broker.producer(name)
        assert await names(broker, transactional_id_pattern="app-.*") == {"app-1", "app-2"}
        assert await names(broker, transactional_id_pattern="app") == set()
        assert await names(broker, transactional_id_pattern="") == {"app-1", "app-2", "other"}

    with_transactions(test)


@pytest.mark.parametrize("pattern", ["((", "(?=a)b"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    async def test(broker: Transactional) -> None:
        request = ListTransactionsRequest(
            state_filters=[], producer_id_filters=[], transactional_id_pattern=pattern
        )
        assert (await broker.ask(request, 2)).error_code == 128

    with_transactions(test)
