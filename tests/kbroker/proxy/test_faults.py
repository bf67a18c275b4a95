"""What a proxy is told to break, and when it does."""

import random

import pytest

from kbroker.proxy.faults import Action, Faults, NotAFault, parse
from wire.errors import ErrorCode

PRODUCE, FETCH = 0, 1


def met(text: str, keys: list[int]) -> list[bool]:
    rule = parse(text)
    return [rule.meets(key, random.Random(1)) for key in keys]


def test_a_rule_meets_its_api_at_its_times() -> None:
    assert met("Produce drop", [PRODUCE, FETCH, PRODUCE]) == [True, False, True]
    assert met("produce drop once", [FETCH, PRODUCE, PRODUCE]) == [False, True, False]
    assert met("* drop nth=2", [FETCH, PRODUCE, PRODUCE]) == [False, True, False]
    assert met("Produce drop times=2", [PRODUCE] * 3) == [True, True, False]


def test_chance_can_be_repeated_by_its_seed() -> None:
    def lot(seed: int) -> list[bool]:
        faults = Faults([parse("Produce drop p=0.5")], seed)
        return [faults.action(PRODUCE) is not None for _ in range(50)]

    assert lot(1) == lot(1) != lot(2)
    assert 10 < sum(lot(3)) < 40


def test_the_first_rule_that_meets_decides() -> None:
    faults = Faults([parse("Fetch delay=200ms once"), parse("* error=NOT_COORDINATOR")])
    assert faults.action(FETCH) == Action(delay_s=0.2)
    assert faults.action(FETCH) == Action(error=ErrorCode.NOT_COORDINATOR)


@pytest.mark.parametrize(
    "text",
    ["", "Produce", "Nothing drop", "Produce explode", "Produce drop never", "Produce error=NO", "Produce delay=1h",
     "Produce drop once twice", "Produce drop nth=0"],
)  # fmt: skip
def test_what_means_nothing_is_said(text: str) -> None:
    with pytest.raises(NotAFault):
        parse(text)
