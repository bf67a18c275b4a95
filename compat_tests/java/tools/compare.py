"""What may differ between the recorded lines and ours: `agreed.txt`, one rule a line.

    transcript | regex of Kafka's line | our line (groups as \\1) | words of docs/differences.md

`(absent)` in the third column drops Kafka's line, in the second it drops ours (a regex in the third). A rule that
nothing needs fails the suite, and so does one whose words docs/differences.md does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

ABSENT = "(absent)"


class Rule:
    def __init__(self, line: str) -> None:
        self.transcript, self.kafka, self.ours, self.words = (part.strip() for part in line.split(" | "))
        self.used = False

    def apply(self, recorded: list[str], ours: list[str]) -> tuple[list[str], list[str]]:
        """Both sides without this difference; lines that they have in common stay as they are."""
        if self.kafka == ABSENT:
            kept = [line for line in ours if line in recorded or not re.fullmatch(self.ours, line)]
            self.used |= kept != ours
            return recorded, kept
        changed = []
        for line in recorded:
            if line in ours or not re.fullmatch(self.kafka, line):
                changed.append(line)
            elif self.ours != ABSENT:
                changed.append(re.sub(self.kafka, self.ours, line))
        self.used |= changed != recorded
        return changed, ours

    def __str__(self) -> str:
        return f"{self.transcript} | {self.kafka} | {self.ours}"


def rules() -> list[Rule]:
    lines = (Path(__file__).parent / "agreed.txt").read_text().splitlines()
    return [Rule(line) for line in lines if line and not line.startswith("#")]


def settled(
    name: str, recorded: list[str], ours: list[str], agreed: Iterable[Rule], *, in_order: bool = True
) -> tuple[list[str], list[str]]:
    """The two sides of one command after the rules for this transcript; sorted, where the order does not count."""
    for rule in (None, *agreed):
        if rule is not None and fnmatchcase(name, rule.transcript):
            recorded, ours = rule.apply(recorded, ours)
        if not in_order:
            recorded, ours = sorted(recorded), sorted(ours)
        if recorded == ours:
            break
    return recorded, ours
