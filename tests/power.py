"""Ten thousand lives in which the power fails, and every planted bug beside them: what the proof of the log rests on.

    python -m tests.power [--lives 10000] [--first 0] [--no-mutants] [--to docs/lives.md]

Lives of three kinds, each by its seed, so many of each: the disk engine where every answer waits for fdatasync, the
same where it does not (tests/storage/lives.py), and retention and compaction with producer state and transactions
(tests/kbroker/cleaner/lives.py). A life crashes several times at any call to the disk, by a loss of power (what no sync
covered may be gone, of each file apart, the last write torn) or by the death of the process. What may be seen then
is said in those files; the first thing that may not is `Broken`.

The table of bugs says after how many seeds the same lives find each of them. Ends with status 1 if a life was broken,
or if a bug was not found within BOUND seeds. Six minutes for all of it.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.kbroker.cleaner import lives as cleaner_lives
from tests.kbroker.cleaner import mutants as cleaner_mutants
from tests.storage import lives as engine_lives
from tests.storage import mutants as engine_mutants

BOUND = 200
Live = Callable[[int], Counter[str]]


def _engine(seed: int, *, fsync: bool) -> Counter[str]:
    return Counter(engine_lives.live(seed, fsync=fsync).seen)


def _cleaner(seed: int) -> Counter[str]:
    return Counter(cleaner_lives.live(seed).seen)


KINDS: dict[str, Live] = {
    "engine, every answer synced": partial(_engine, fsync=True),
    "engine, answers from the page cache": partial(_engine, fsync=False),
    "retention and compaction": _cleaner,
}
BROKEN = (engine_lives.Broken, cleaner_lives.Broken)
PLANTED = (
    (engine_mutants.MUTANTS, ("engine, every answer synced", "engine, answers from the page cache")),
    (cleaner_mutants.MUTANTS, ("retention and compaction",)),
)


def lives(first: int, count: int) -> Iterator[str]:
    """One row of the table for each kind; `broken` in it if any life was."""
    yield "| lives of | seeds | power lost | process killed | broken | s |"
    yield "|---|---:|---:|---:|---:|---:|"
    for kind, live in KINDS.items():
        seen: Counter[str] = Counter()
        broken = 0
        began = time.monotonic()
        for seed in range(first, first + count):
            try:
                seen += live(seed)
            except BROKEN as error:
                broken += 1
                print(f"broken: {kind}, seed {seed}: {error}", file=sys.stderr, flush=True)
        lost, killed = seen["power lost"], seen["process killed"]
        seconds = time.monotonic() - began
        yield f"| {kind} | {first} to {first + count - 1} | {lost:,} | {killed:,} | {broken} | {seconds:.0f} |"


def found(plant: Callable[[pytest.MonkeyPatch], None], kinds: tuple[str, ...]) -> tuple[int, str] | None:
    """After how many seeds the bug is found, and what was said."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        for seed in range(BOUND):
            for kind in kinds:
                try:
                    KINDS[kind](seed)
                except BROKEN as error:
                    return seed + 1, str(error)
    return None


def mutants() -> Iterator[str]:
    yield "| planted bug | found by lives of | after so many seeds |"
    yield "|---|---|---:|"
    for planted, kinds in PLANTED:
        for name, plant in planted.items():
            seeds = found(plant, kinds)
            after = f"**not within {BOUND}**" if seeds is None else str(seeds[0])
            yield f"| {name.replace('_', ' ')} | {kinds[0].partition(',')[0]} | {after} |"


def commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lives", type=int, default=10_000, help="seeds of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--no-mutants", action="store_true", help="plant no bugs")
    parser.add_argument("--to", type=Path, help="a Markdown file for the tables")
    arguments = parser.parse_args()
    logging.disable()
    lines = [f"# Lives in which the power fails\n\n`python -m tests.power`, commit {commit()}.\n"]
    rows = lives(arguments.first, arguments.lives)
    for part in [rows] if arguments.no_mutants else [rows, iter([""]), mutants()]:
        for line in part:
            print(line, flush=True)
            lines.append(line)
    if arguments.to is not None:
        arguments.to.write_text("\n".join(lines) + "\n")
    return int("**not within" in "\n".join(lines) or any(_is_broken(line) for line in lines))


def _is_broken(line: str) -> bool:
    cells = [cell.strip() for cell in line.split("|")]
    return len(cells) == 8 and cells[5].isdigit() and cells[5] != "0"


if __name__ == "__main__":
    sys.exit(main())
