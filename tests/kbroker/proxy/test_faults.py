"""What the short words for a fault mean, and that nonsense is said."""

import pytest

from kbroker.control.shapes import Effect, Match, When
from kbroker.proxy.faults import NotAFault, Rule, parse


@pytest.mark.parametrize(
    ("text", "match", "when", "effect"),
    [
        ("Produce drop", Match(api=["Produce"]), When(), Effect(drop="after")),
        ("produce drop once", Match(api=["Produce"]), When(times=1), Effect(drop="after")),
        ("* refuse nth=2", Match(), When(nth=2), Effect(drop="before")),
        ("Fetch delay=1.5s times=2", Match(api=["Fetch"]), When(times=2), Effect(delay_ms=1500)),
        ("Fetch delay=200ms p=0.1", Match(api=["Fetch"]), When(probability=0.1), Effect(delay_ms=200)),
        ("EndTxn error=NOT_COORDINATOR", Match(api=["EndTxn"]), When(), Effect(errors=["NOT_COORDINATOR"])),
    ],
)
def test_words_are_a_fault_of_the_control_verbs(text: str, match: Match, when: When, effect: Effect) -> None:
    assert parse(text) == Rule(text, match, when, effect)


def test_chance_has_the_seed_that_was_given() -> None:
    assert parse("Produce drop p=0.5", seed=7).when == When(probability=0.5, seed=7)


@pytest.mark.parametrize(
    "text",
    ["", "Produce", "Nothing drop", "Produce explode", "Produce drop never", "Produce error=NO", "Produce delay=1h",
     "Produce drop once twice", "Produce drop nth=0"],
)  # fmt: skip
def test_what_means_nothing_is_said(text: str) -> None:
    with pytest.raises(NotAFault):
        parse(text)
