"""DescribeClientQuotas: filters by name, by default and by presence, strict or not."""

import pytest

from kbroker.catalog.quotas import QuotaAlteration, QuotaChange
from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.describe_client_quotas import ComponentData, DescribeClientQuotasRequest

EXACT, DEFAULT, ANY = range(3)
USER_A, USERS, BOTH, IPS = (
    (("user", "a"),), (("user", None),), (("client-id", "c"), ("user", "a")), (("ip", None),),
)  # fmt: skip


def question(*components: tuple[str, int, str | None], strict: bool = False) -> DescribeClientQuotasRequest:
    return DescribeClientQuotasRequest(
        components=[ComponentData(entity_type=kind, match_type=how, match=match) for kind, how, match in components],
        strict=strict,
    )


@pytest.mark.parametrize("version", versions("describe_client_quotas"))
@pytest.mark.parametrize(
    ("components", "strict", "found"),
    [
        ([], False, [BOTH, IPS, USER_A, USERS]),
        ([], True, []),
        ([("user", EXACT, "a")], False, [BOTH, USER_A]),
        ([("user", EXACT, "a")], True, [USER_A]),
        ([("user", DEFAULT, None)], False, [USERS]),
        ([("user", ANY, None)], True, [USER_A, USERS]),
        ([("user", ANY, None), ("client-id", ANY, None)], True, [BOTH]),
        ([("ip", ANY, None)], False, [IPS]),
        ([("client-id", EXACT, "no")], False, []),
    ],
)
def test_a_filter_finds_what_it_names(
    version: int, components: list[tuple[str, int, str | None]], strict: bool, found: list[object]
) -> None:
    async def test(desk: Desk) -> None:
        await desk.cluster.catalog.alter_quotas(
            [QuotaAlteration(entity, [QuotaChange("producer_byte_rate", 5.0)]) for entity in (USER_A, USERS, BOTH)]
            + [QuotaAlteration(IPS, [QuotaChange("connection_creation_rate", 5.0)])]
        )
        response = await desk.ask(question(*components, strict=strict), version)
        assert (response.error_code, response.error_message) == (0, "")
        entities = [tuple((part.entity_type, part.entity_name) for part in one.entity) for one in response.entries]
        assert entities == found
        assert all([value.value for value in one.values] == [5.0] for one in response.entries)

    at_a_desk(test)


@pytest.mark.parametrize(
    ("components", "code", "message"),
    [
        ([("bogus", EXACT, "a")], 35, "Unsupported entity type bogus"),
        ([("user", 7, "a")], 42, "Unknown match type 7"),
        ([("user", EXACT, None)], 42, "Request specified MATCH_TYPE_EXACT, but set match string to null."),
        ([("user", DEFAULT, "a")], 42, "Request specified MATCH_TYPE_DEFAULT, but also specified a match string."),
        ([("user", ANY, "a")], 42, "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."),
        ([("user", EXACT, "a"), ("user", EXACT, "b")], 42,
         "Entity type user cannot appear more than once in the filter."),
        ([("ip", EXACT, "::1"), ("user", EXACT, "b")], 42,
         "Invalid entity filter component combination. IP filter component should not be used with user or clientId "
         "filter component."),
        ([("", EXACT, "x")], 42, "Invalid empty entity type."),
    ],
)  # fmt: skip
def test_a_filter_that_means_nothing_is_refused(
    components: list[tuple[str, int, str | None]], code: int, message: str
) -> None:
    async def test(desk: Desk) -> None:
        response = await desk.ask(question(*components), 1)
        assert (response.error_code, response.error_message, response.entries) == (code, message, None)

    at_a_desk(test)


def test_who_may_not_know_is_told_so() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("DESCRIBE_CONFIGS", "CLUSTER", "kafka-cluster")}
        assert (await desk.ask(question(), 1)).error_code == 31

    at_a_desk(test)
