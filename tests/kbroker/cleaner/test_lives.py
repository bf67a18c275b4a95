"""Wherever retention and compaction are interrupted, nothing that counts is lost: lives on a disk that forgets.

The story is in `lives.py`; `mutants.py` says why a passing run means something.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import Planted
from tests.kbroker.cleaner.lives import Broken, live
from tests.kbroker.cleaner.mutants import MUTANTS, Plant

SEEDS = 250
BOUND = 200
"""Within so many seeds a planted bug must be found."""


def test_nothing_that_counts_is_lost_wherever_the_cleaner_is_interrupted() -> None:
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        seen.update(live(seed).seen)
    rare = {"_clean", "_end", "_wait", "_restart", "without notes", "by another process"}
    assert {what for what in rare if seen[what] < SEEDS // 3} == set(), seen


@pytest.mark.parametrize("plant", MUTANTS.values(), ids=MUTANTS)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch, planted: Planted) -> None:
    plant(monkeypatch)
    for seed in range(BOUND):
        try:
            live(seed)
        except Broken:
            planted(plant.__name__, "lives of retention and compaction", seed + 1)
            return
    pytest.fail(f"not found within {BOUND} seeds")
