"""Kafka's command-line tools say with kbroker what they say with Apache Kafka: `transcripts/`, one broker each.

The recorded lines come from Apache Kafka 4.3.1 (`python -m compat_tests.java.tools --rewrite ...`). What may differ
stands in `agreed.txt`, and must be needed. With --broker-command another broker is held against them, without mercy.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compat_tests.broker import REPOSITORY, Process
from compat_tests.java.tools.compare import Rule, rules, settled
from compat_tests.java.tools.machine import DEVELOPMENT, Machine, play
from compat_tests.java.tools.transcript import TRANSCRIPTS, load

NAMES = sorted(path.stem for path in TRANSCRIPTS.glob("*.txt"))
# fmt: off
TOOLS = {
    "TopicCommand", "ConfigCommand", "ConsumerGroupCommand", "ShareGroupCommand", "StreamsGroupCommand",
    "GroupsCommand", "TransactionsCommand", "LogDirsCommand", "DeleteRecordsCommand", "LeaderElectionCommand",
    "ReassignPartitionsCommand", "FeatureCommand", "BrokerApiVersionsCommand", "AclCommand", "DelegationTokenCommand",
    "ClientMetricsCommand", "MetadataQuorumCommand", "GetOffsetShell", "ConsoleProducer", "ConsoleConsumer",
    "ConsoleShareConsumer", "ProducerPerformance", "ConsumerPerformance", "EndToEndLatency", "VerifiableProducer",
    "VerifiableConsumer",
}
# fmt: on
_agreed = rules()
_played: set[str] = set()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    one = Machine(applications=tmp_path_factory.mktemp("applications"))
    yield one
    one.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_tools_say_what_they_say_with_apache_kafka(
    name: str,
    machine: Machine,
    new_broker: Callable[..., Process],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    transcript = load(TRANSCRIPTS / f"{name}.txt")
    agreed = [] if request.config.getoption("--broker-command") else _agreed
    said = play(transcript, machine, new_broker(*DEVELOPMENT, *transcript.settings), tmp_path)
    wrong = []
    for step, ours in zip(transcript.steps, said, strict=True):
        kafka, we = settled(name, step.said, ours, agreed, in_order=step.in_order)
        if kafka != we:
            wrong += [f"$ {step.text}", *difflib.unified_diff(kafka, we, "recorded", "now", n=1, lineterm="")]
    _played.add(name)
    assert not wrong, "\n".join(wrong)


@pytest.mark.kbroker_only("the rules are about kbroker")
def test_every_agreed_difference_is_needed() -> None:
    if _played != set(NAMES):
        pytest.skip("seen only where all transcripts are played")
    assert not [str(rule) for rule in _agreed if not rule.used]


def test_every_agreed_difference_is_told_to_users() -> None:
    told = " ".join((REPOSITORY / "docs" / "differences.md").read_text().split())
    assert not [str(rule) for rule in _agreed if rule.words not in told]


def test_every_tool_has_its_part() -> None:
    used = {step.words[0] for name in NAMES for step in load(TRANSCRIPTS / f"{name}.txt").steps if step.words}
    assert not TOOLS - used


def test_a_line_too_many_too_few_or_other_is_seen() -> None:
    for ours in (["a", "b", "x"], ["a"], ["a", "c"]):
        kafka, we = settled("any", ["a", "b"], ours, [Rule("other | b | c | words"), Rule("any | z | y | words")])
        assert kafka != we


def test_a_rule_takes_what_it_names_and_nothing_else() -> None:
    drop, change = Rule("t* | (absent) | extra \\d | words"), Rule("t* | old (\\d) | new \\1 | words")
    kafka, we = settled("topics", ["old 1", "old 2"], ["new 1", "old 2", "extra 3"], [drop, change])
    assert kafka == we and drop.used and change.used
    kafka, we = settled("topics", ["old 1"], ["new 2"], [Rule("t* | old (\\d) | new \\1 | words")])
    assert kafka != we
