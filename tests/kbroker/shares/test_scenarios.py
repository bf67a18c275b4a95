"""The window of a share partition as scenarios: scripts of what members do and what comes of it, in
`tests/scenarios/shares`. With KBROKER_REWRITE=1 in the environment this test writes down what really happens, to be
read before it is believed.

    log 0-9 10-19 20-29!        batches of the log; an aborted one has an exclamation mark
    fetch MEMBER [max=N] [size=N] [strict]
    say MEMBER 0-3=accept 4-5=release,reject          one word for all, or one for each record
    pass MS     end MEMBER     trim OFFSET     restart     settings locks=N deliveries=N

Locks last 1000 ms. After each step stands the window: where it begins, and its runs with state, count and holder.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kbroker.shares.acknowledge import Given, Said, acknowledge, expire, release
from kbroker.shares.acquire import BATCH_OPTIMIZED, RECORD_LIMIT, Span, Taking, acquire
from kbroker.shares.kept import Range, combine
from kbroker.shares.states import Acknowledge
from kbroker.shares.window import Window
from wire.errors import KafkaError

FOLDER = Path(__file__).parents[2] / "scenarios" / "shares"
LOCK_MS = 1_000


class Play:
    def __init__(self) -> None:
        self.window = Window(0)
        self.log: list[Span] = []
        self.kept: tuple[Range, ...] = ()
        self.now = 0
        self.locks, self.deliveries = 2000, 5

    def run(self, line: str) -> str:
        verb, *words = line.split()
        try:
            told = getattr(self, f"do_{verb}")(*words)
        except KafkaError as error:
            told = [f"{error.code.name}: {error.message}"]
        self.kept = combine(self.kept, self.window.changed, self.window.start)
        self.window.changed = []
        runs = [
            f"{run.first}-{run.last} {run.state.name.lower()}"
            + (f" x{run.count}" if run.count else "")
            + (f" by {run.member}" if run.member else "")
            for run in self.window.runs
        ]
        return "\n".join([*(told or []), f"from {self.window.start}: " + (", ".join(runs) or "nothing")]) + "\n"

    def do_log(self, *batches: str) -> None:
        for text in batches:
            first, last = text.rstrip("!").split("-")
            self.log.append(Span(int(first), int(last), text.endswith("!")))

    def do_settings(self, *words: str) -> None:
        for word in words:
            name, value = word.split("=")
            setattr(self, name, int(value))

    def do_fetch(self, member: str, *words: str) -> list[str]:
        options = dict(word.split("=") for word in words if "=" in word)
        mode = RECORD_LIMIT if "strict" in words else BATCH_OPTIMIZED
        offset = self.window.next_offset()
        spans = [span for span in self.log if span.last >= offset]
        most, size = int(options.get("max", 500)), int(options.get("size", 500))
        taking = Taking(member, self.now + LOCK_MS, most, size, mode, self.locks, self.deliveries)
        taken = acquire(self.window, offset, spans, taking)
        return [f"{member}: {first}-{last} x{count}" for first, last, count in taken] or [f"{member}: nothing"]

    def do_say(self, member: str, *words: str) -> list[str]:
        said = []
        for word in words:
            places, kinds = word.split("=")
            first, last = places.split("-")
            said.append(Said(int(first), int(last), [Acknowledge[kind.upper()] for kind in kinds.split(",")]))
        return self._given(acknowledge(self.window, member, said, self.now + LOCK_MS, self.deliveries))

    def do_pass(self, milliseconds: str) -> list[str]:
        self.now += int(milliseconds)
        return self._given(expire(self.window, self.now, self.deliveries))

    def do_end(self, member: str) -> list[str]:
        return self._given(release(self.window, member, self.deliveries))

    def do_trim(self, offset: str) -> None:
        self.log = [span for span in self.log if span.last >= int(offset)]
        self.window.forget_below(int(offset))

    def do_restart(self) -> None:
        self.window = Window(self.window.start, self.kept)

    def _given(self, given: list[Given]) -> list[str]:
        why = {True: "rejected", False: "delivered too often"}
        return [f"given up: {each.first}-{each.last}, {why[each.was_rejected]}" for each in given]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    play = Play()
    head, *steps = path.read_text().rstrip("\n").split("\n\n")
    played = [head]
    for step in steps:
        line = step.partition("\n")[0]
        played.append(f"{line}\n----\n{play.run(line)}".rstrip("\n"))
    text = "\n\n".join(played) + "\n"
    if os.environ.get("KBROKER_REWRITE"):
        path.write_text(text)
    else:
        assert path.read_text() == text
