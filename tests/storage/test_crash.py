"""After every crash everything that was answered is there, and nothing half: lives on a disk that forgets.

The story is in `lives.py`; `mutants.py` says why a passing run means something.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import Planted
from tests.storage.lives import Broken, live
from tests.storage.mutants import MUTANTS, Plant

SEEDS = 150
BOUND = 200
"""Within so many seeds a planted bug must be found."""


@pytest.mark.parametrize("fsync", [False, True], ids=["page-cache", "fsync"])
def test_everything_answered_is_there_after_a_crash_and_nothing_half(fsync: bool) -> None:
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        seen.update(live(seed, fsync=fsync).seen)
    rare = {"_cut", "_rewrite", "_delete", "_trim", "_restart", "refused", "crash in recovery"}
    assert {what for what in rare if seen[what] < SEEDS // 10} == set(), seen


@pytest.mark.parametrize("plant", MUTANTS.values(), ids=MUTANTS)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch, planted: Planted) -> None:
    plant(monkeypatch)
    for seed in range(BOUND):
        for fsync in (True, False):
            try:
                live(seed, fsync=fsync)
            except Broken:
                planted(plant.__name__, "lives of the engine", seed + 1)
                return
    pytest.fail(f"not found within {BOUND} seeds")
