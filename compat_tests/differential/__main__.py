"""Holds kbroker against Apache Kafka by hand: `make oracle`, or

    python -m compat_tests.differential                  live Kafka, the recording and kbroker: who differs from whom
    python -m compat_tests.differential --rewrite        plays on Kafka and writes its answers into the scenarios
    python -m compat_tests.differential --ours           kbroker against the recording only; no Java
    ... produce_* fetch_maxwait                          only these scenarios (patterns of their names)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from compat_tests.differential import brokers
from compat_tests.differential.compare import Difference, agreed_differences, differences, settle
from compat_tests.differential.play import Player, Stuck, warm_up
from compat_tests.differential.scenario import Scenario, load

SCENARIOS = Path(__file__).resolve().parent / "scenarios"


def scenarios(patterns: list[str]) -> list[Scenario]:
    found = [load(path) for path in sorted(SCENARIOS.glob("*.txt"))]
    return [each for each in found if not patterns or any(fnmatchcase(each.name, pattern) for pattern in patterns)]


def play_all(chosen: list[Scenario], host: str, port: int, say: Callable[[str], None] = print) -> dict[str, list[Any]]:
    warm_up(host, port)
    answers = {}
    for scenario in chosen:
        try:
            answers[scenario.name] = Player(host, port).play(scenario)
        except Stuck as error:
            say(f"STUCK {error}")
    return answers


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("patterns", nargs="*")
    chosen = parser.parse_args(words)
    wanted = scenarios(chosen.patterns)
    if not chosen.ours and (reason := brokers.why_no_kafka()):
        print(reason, file=sys.stderr)
        return 2
    agreed = agreed_differences()
    failures = 0
    for preset in brokers.PRESETS:
        mine = [each for each in wanted if each.broker == preset]
        if mine:
            failures += _preset(preset, mine, chosen, agreed)
    answers = sum(len(each.asks) for each in wanted)
    print(f"{len(wanted)} scenarios, {answers} answers, {failures} differences not agreed upon")
    for one in agreed:
        print(f"  agreed, used {one.used} times: {one}")
    return 1 if failures else 0


def _preset(preset: str, mine: list[Scenario], chosen: argparse.Namespace, agreed: list[Any]) -> int:
    began = time.monotonic()
    live: dict[str, list[Any]] = {}
    if not chosen.ours:
        with tempfile.TemporaryDirectory() as home, brokers.kafka(preset, Path(home)) as kafka:
            live = play_all(mine, kafka.host, kafka.port)
        print(f"Apache Kafka {brokers.VERSION}, {preset}: {len(live)} scenarios in {time.monotonic() - began:.0f} s")
        if chosen.rewrite:
            for scenario in mine:
                if scenario.name in live:
                    path = SCENARIOS / f"{scenario.name}.txt"
                    path.write_text(scenario.with_answers(live[scenario.name]))
            return len(mine) - len(live)
    with brokers.kbroker(preset) as (host, port):
        ours = play_all(mine, host, port)
    wrong: list[Difference] = []
    failures = 0 if chosen.ours else len(mine) - len(live)
    for scenario in mine:
        recorded = [ask.answer for ask in scenario.asks]
        if scenario.name in live:
            for each in differences(scenario, recorded, live[scenario.name]):
                failures += 1
                print(each.told("recorded", "live Kafka"))
        if scenario.name in ours:
            wrong += settle(differences(scenario, recorded, ours[scenario.name]), agreed)
        else:
            failures += 1
    for each in wrong:
        print(each)
    return failures + len(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
