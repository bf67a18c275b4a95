"""Each scenario on kbroker: its answers are those that Apache Kafka gave, but for what was agreed upon.

No Java here: Kafka's answers are in the files. `make oracle` plays them on a live Kafka as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from compat_tests.broker import REPOSITORY
from compat_tests.differential import brokers
from compat_tests.differential.__main__ import scenarios
from compat_tests.differential.compare import (
    Agreed,
    Difference,
    agreed_differences,
    differences,
    forbidden,
    settle,
)
from compat_tests.differential.play import Player, warm_up
from compat_tests.differential.scenario import Scenario, parse

ALL = scenarios([])
AGREED = agreed_differences()
_played: set[str] = set()

pytestmark = pytest.mark.kbroker_only("Kafka's answers are what is compared with")


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, tuple[str, int]]]:
    """A kbroker for each preset."""
    with ExitStack() as stack:
        found = {preset: stack.enter_context(brokers.kbroker(preset)) for preset in brokers.PRESETS}
        for address in found.values():
            warm_up(*address)
        yield found


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_kbroker_answers_as_kafka_did(scenario: Scenario, running: dict[str, tuple[str, int]]) -> None:
    recorded = [ask.answer for ask in scenario.asks]
    assert None not in recorded, "nothing recorded: python -m compat_tests.differential --rewrite"
    ours = Player(*running[scenario.broker]).play(scenario)
    left = settle(differences(scenario, recorded, ours), AGREED)
    _played.add(scenario.name)
    assert not left, "\n".join([scenario.rule, *map(str, left)])


def test_every_agreed_difference_is_needed() -> None:
    if len(_played) < len(ALL):
        pytest.skip("only some of the scenarios were played, or not all of them to the end")
    for one in AGREED:
        print(f"used {one.used} times: {one}")
    assert [str(one) for one in AGREED if not one.used] == []


def test_no_agreement_exempts_an_error_code_an_offset_or_a_whole_answer() -> None:
    assert [f"{one}: {why}" for one in AGREED if (why := forbidden(one))] == []
    for path in ("errorCode", "topics/0/partitions/0/committedOffset", "responses", "groups/*"):
        assert forbidden(Agreed("*", "X", tuple(path.split("/")), "*", "*", "")), path


def test_every_agreement_is_told_to_users() -> None:
    told = " ".join((REPOSITORY / "docs" / "differences.md").read_text().split())
    assert [str(one) for one in AGREED if one.words not in told] == []


def test_a_scenario_is_written_as_it_was_read() -> None:
    for scenario in ALL:
        answers = [ask.answer for ask in scenario.asks]
        again = parse(scenario.name, scenario.with_answers(answers))
        assert [ask.answer for ask in again.asks] == answers
        assert "\n".join(scenario.lines) + "\n" == scenario.with_answers(answers), scenario.name


def test_an_agreement_covers_one_field_of_one_api() -> None:
    one = Agreed("*", "Produce", ("responses", "*", "errorMessage"), "*", "null", "")
    seen = Difference("s", 3, "Produce v9", ("responses", "0", "errorMessage"), "<words>", None)
    assert one.covers(seen)
    for other in (
        Difference("s", 3, "Fetch v9", seen.path, "<words>", None),
        Difference("s", 3, "Produce v9", ("responses", "0", "errorCode"), 1, None),
        Difference("s", 3, "Produce v9", seen.path, None, "<words>"),
    ):
        assert not one.covers(other)
