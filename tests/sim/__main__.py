"""`python -m tests.sim SEED [SEED...]` or `python -m tests.sim FIRST-LAST`: live these seeds, print what was seen."""

import sys
import time
from collections import Counter

from .life import live_through

MOST_SHOWN = 4
"""Violations of one seed: the first ones tell the most."""


def seeds(arguments: list[str]) -> list[int]:
    found: list[int] = []
    for argument in arguments:
        first, _, last = argument.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main() -> int:
    hits: Counter[str] = Counter()
    violations = records = 0
    virtual = 0.0
    began = time.monotonic()
    for seed in seeds(sys.argv[1:]):
        report = live_through(seed)
        for violation in report.violations[:MOST_SHOWN]:
            print(f"seed {seed}: {violation}")
        violations += len(report.violations)
        records += report.records
        virtual += report.seconds
        hits += report.hits
    for what, count in sorted(hits.items()):
        print(f"{count:8} {what}")
    real = time.monotonic() - began
    print(f"{records} records in {virtual:.0f} virtual and {real:.0f} real seconds, {violations} violations")
    return 1 if violations else 0


sys.exit(main())
