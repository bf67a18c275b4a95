"""Which scenario shows which statement of what is known of Kafka's behaviour (statements.txt)."""

from __future__ import annotations

from pathlib import Path

from compat_tests.differential.__main__ import scenarios

STATEMENTS = Path(__file__).resolve().parent / "statements.txt"


def statements() -> dict[str, str]:
    """Number -> words. A number is that of the section and of the statement in it."""
    found: dict[str, str] = {}
    for line in STATEMENTS.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            number, words = line.split(maxsplit=1)
            assert number not in found, number
            found[number] = words
    return found


def test_every_statement_has_a_scenario() -> None:
    shown = {number for scenario in scenarios([]) for number in scenario.facts}
    assert {number: words for number, words in statements().items() if number not in shown} == {}


def test_every_scenario_shows_a_statement_that_there_is() -> None:
    known = statements()
    for scenario in scenarios([]):
        assert scenario.facts and scenario.rule, scenario.name
        assert [number for number in scenario.facts if number not in known] == [], scenario.name
