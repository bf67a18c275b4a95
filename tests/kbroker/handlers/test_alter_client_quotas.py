"""AlterClientQuotas, in every version; what is refused is what Apache Kafka 4.4.0 was seen to refuse."""

import math

import pytest

from tests.kbroker.handlers.desk import Desk, at_a_desk, versions
from wire.messages.alter_client_quotas import AlterClientQuotasRequest, EntityData, OpData, RequestEntryData

Entity = list[tuple[str, str | None]]
Ops = list[tuple[str, float | None]]
PRODUCE, CONNECT = "producer_byte_rate", "connection_creation_rate"


async def alter(
    desk: Desk, *entries: tuple[Entity, Ops], version: int = 1, validate_only: bool = False
) -> list[tuple[int, str | None]]:
    request = AlterClientQuotasRequest(
        entries=[
            RequestEntryData(
                entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
                ops=[OpData(key=key, value=value or 0.0, remove=value is None) for key, value in ops],
            )
            for entity, ops in entries
        ],
        validate_only=validate_only,
    )
    answers = (await desk.ask(request, version)).entries
    told = [sorted((part.entity_type, part.entity_name) for part in one.entity) for one in answers]
    assert told == list(map(sorted, dict.fromkeys(tuple(dict(entity).items()) for entity, _ in entries)))
    return [(one.error_code, one.error_message) for one in answers]


@pytest.mark.parametrize("version", versions("alter_client_quotas"))
def test_quotas_are_set_and_taken_away(version: int) -> None:
    async def test(desk: Desk) -> None:
        quotas = desk.cluster.catalog.quotas
        both: Entity = [("user", "a"), ("client-id", None)]
        ops: Ops = [(PRODUCE, 1000.0), ("request_percentage", 0.5)]
        assert await alter(desk, (both, ops), version=version, validate_only=True) == [(0, None)]
        assert quotas == {}
        assert await alter(desk, (both, ops), ([("ip", None)], [(CONNECT, 5.0)]), version=version) == [(0, None)] * 2
        assert quotas == {
            (("client-id", None), ("user", "a")): {PRODUCE: 1000.0, "request_percentage": 0.5},
            (("ip", None),): {CONNECT: 5.0},
        }
        gone: Ops = [(PRODUCE, None), ("request_percentage", None), ("no.such", None)]
        assert await alter(desk, (both, gone), version=version) == [(0, None)]
        assert list(quotas) == [(("ip", None),)]

    at_a_desk(test)


@pytest.mark.parametrize(
    ("entity", "ops", "message"),
    [
        ([], [(PRODUCE, 5.0)], "Invalid empty client quota entity"),
        ([("bogus", "a")], [(PRODUCE, 5.0)], "Unhandled client quota entity type: bogus"),
        ([("user", "")], [(PRODUCE, 5.0)], "Empty user not supported"),
        ([("ip", "a"), ("user", "b")], [(PRODUCE, 5.0)],
         "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId"),
        ([("ip", "not an ip")], [(CONNECT, 5.0)], "not an ip is not a valid IP or resolvable host."),
        ([("ip", "::1")], [(PRODUCE, 5.0)], f"Invalid configuration key {PRODUCE}"),
        ([("user", "a")], [(CONNECT, 5.0)], f"Invalid configuration key {CONNECT}"),
        ([("user", "a")], [(PRODUCE, -5.0)], f"Quota {PRODUCE} must be greater than 0"),
        ([("user", "a")], [(PRODUCE, 1.5)], f"{PRODUCE} cannot be a fractional value."),
        ([("user", "a")], [(PRODUCE, 1e30)], f"Proposed value for {PRODUCE} is too large for a LONG."),
        ([("ip", "::1")], [(CONNECT, 1e12)], f"Proposed value for {CONNECT} is too large for an INT."),
        ([("user", "a")], [(PRODUCE, math.nan)], f"Quota {PRODUCE} must be a finite number"),
        ([("user", "a")], [(PRODUCE, 1.0), (PRODUCE, 2.0)],
         "Ignoring duplicate entity ClientQuotaEntity(entries={user=a})"),
    ],
)  # fmt: skip
def test_an_entity_that_is_refused_something_keeps_everything(entity: Entity, ops: Ops, message: str) -> None:
    async def test(desk: Desk) -> None:
        other: tuple[Entity, Ops] = ([("user", "other")], [(PRODUCE, 2.0)])
        assert await alter(desk, (entity, ops), other) == [(42, message), (0, None)]
        assert list(desk.cluster.catalog.quotas) == [(("user", "other"),)]

    at_a_desk(test)


def test_an_entity_that_is_named_twice_is_answered_once() -> None:
    async def test(desk: Desk) -> None:
        twice: tuple[Entity, Ops] = ([("user", None)], [(PRODUCE, 2.0)])
        message = "Ignoring duplicate entity ClientQuotaEntity(entries={user=null})"
        assert await alter(desk, twice, twice) == [(42, message)]

    at_a_desk(test)


def test_who_may_not_is_told_so_for_each() -> None:
    async def test(desk: Desk) -> None:
        desk.denied = {("ALTER_CONFIGS", "CLUSTER", "kafka-cluster")}
        request = AlterClientQuotasRequest(entries=[RequestEntryData(entity=[], ops=[])] * 2, validate_only=False)
        assert [one.error_code for one in (await desk.ask(request, 1)).entries] == [31, 31]

    at_a_desk(test)
