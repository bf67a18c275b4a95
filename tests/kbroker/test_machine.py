"""The values between a machine and its runtime."""

from kbroker.machine import Effects, Loaded, Marker, Producer, Record, Reply, Ticket, Timer
from wire.durable.catalog import CatalogProducerIdsKey, CatalogProducerIdsValue


def test_a_step_without_effects_asks_for_nothing() -> None:
    effects = Effects()
    assert (effects.batches, effects.replies, effects.timers, effects.tasks) == ([], [], [], [])


def test_effects_of_two_steps_share_nothing() -> None:
    first, second = Effects(), Effects()
    first.replies.append(Reply(Ticket(1), "answer"))
    assert second.replies == []


def test_effects_are_values_that_a_test_can_compare() -> None:
    key = CatalogProducerIdsKey()
    value = CatalogProducerIdsValue(next_producer_id=1000)
    assert Record(key, value) == Record(key, CatalogProducerIdsValue(next_producer_id=1000))
    assert Timer("m1", 45_000, "expired") == Timer("m1", 45_000, "expired") != Timer("m1", None)
    assert Marker(Producer(7, 1), True, 0) != Marker(Producer(7, 1), False, 0)
    assert Loaded(5) == Loaded(now=5)
