"""Scenarios: what was done to a broker can be kept, and done to another one."""

import json
from pathlib import Path

import pytest

from kbroker.testing import Broker, ControlError
from kbroker.testing.scenario import ScenarioError, load


def test_what_a_test_did_can_be_played_again(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    with Broker() as broker:
        first = broker.another()
        first.create_topic("orders", 2)
        first.produce("orders", "v", key="k", partition=1)
        first.records("orders")
        first.faults.fail("Produce", "NOT_ENOUGH_REPLICAS", topic="orders", times=1)
        first.clock.freeze()
        file.write_text(json.dumps(first.scenario()))
        assert [next(iter(step)) for step in first.scenario()] == [
            "topics.create", "records.produce", "faults.install", "clock.freeze",
        ]  # fmt: skip
        second = broker.another()
        second.play(file)
        assert [(record.partition, record.value) for record in second.records("orders")] == [(1, b"v")]
        assert second.faults.list()[0].effect == first.faults.list()[0].effect
        assert second.clock.now().frozen


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "a scenario is a list of steps"),
        ("[3]", "a step is one verb with its arguments, not 3"),
        ('[{"topics.create": [1]}]', "the arguments of topics.create have names"),
    ],
)
def test_what_is_no_scenario_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=sentence):
        load(file)


def test_a_step_that_cannot_be_done_ends_it(tmp_path: Path) -> None:
    with Broker() as broker, pytest.raises(ControlError, match="there is no verb"):
        broker.play([("topics.paint", {})])
