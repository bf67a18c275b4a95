"""The comparison is believed because it sees bugs: each planted one is found by the scenario that is about it."""

from __future__ import annotations

import pytest

from compat_tests.differential import brokers
from compat_tests.differential.__main__ import scenarios
from compat_tests.differential.compare import agreed_differences, differences, settle
from compat_tests.differential.planted import BUGS, FOUND_BY
from compat_tests.differential.play import Player, warm_up

pytestmark = pytest.mark.kbroker_only("the bugs are kbroker's")


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_seen(name: str) -> None:
    (scenario,) = scenarios([FOUND_BY[BUGS[name]]])
    with brokers.kbroker(scenario.broker, ("-m", "compat_tests.differential.planted", name)) as (host, port):
        warm_up(host, port)
        ours = Player(host, port).play(scenario)
    recorded = [ask.answer for ask in scenario.asks]
    assert settle(differences(scenario, recorded, ours), agreed_differences())
