"""Lives that are lived in every run of the tests: nothing may be wrong, and a seed is the same life every time."""

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from .life import live_through
from .patches import Patches

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (*range(1, 30), 55, 56)

SEEN: Counter[str] = Counter()

PRINT_DIGESTS = "import json, sys; from tests.sim.life import live_through; " + (
    "print(json.dumps([live_through(int(seed)).digest for seed in sys.argv[1:]]))"
)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_in_a_life(seed: int) -> None:
    report = live_through(seed)
    SEEN.update(report.hits)
    assert report.violations == []
    assert report.records > 0


def test_the_lives_had_everything_in_them() -> None:
    """A fault that never strikes proves nothing."""
    if not SEEN:
        pytest.skip("no lives were lived in this run")
    rare = {
        "answer lost", "resend", "client vanished", "connection cut", "client did not read", "writer told to pause",
        "power lost", "process killed", "death laid into a call", "death laid into a start", "stopped and started",
        "time jumped", "disk stalled", "disk failed in pwritev of .log", "disk failed in fdatasync of .log",
        "leader moved", "follower held", "records deleted", "topic deleted", "topic read whole",
        "member died", "static member died", "member slept", "left", "led a generation", "commit",
        "rejoin ILLEGAL_GENERATION", "rejoin UNKNOWN_MEMBER_ID", "rejoin REBALANCE_IN_PROGRESS",
        "fetch OFFSET_OUT_OF_RANGE", "fetch FETCH_SESSION_ID_NOT_FOUND", "produce NOT_LEADER_OR_FOLLOWER",
        "incremental fetch", "epoch looked up", "producer began anew", "written with acks=0",
    }  # fmt: skip
    assert sorted(what for what in rare if not SEEN[what]) == []


def test_a_seed_is_the_same_life_every_time_whatever_strings_hash_to() -> None:
    seeds = ["3", "8", "11"]
    digests = []
    for hash_seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", PRINT_DIGESTS, *(seeds if hash_seed == "0" else seeds[::-1])]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == "", "a life says nothing"
        digests.append(json.loads(done.stdout))
    assert digests[0] == digests[1][::-1]
    assert len(set(digests[0])) == len(seeds)


def test_a_life_leaves_the_house_as_it_was() -> None:
    import kbroker.catalog.machine
    import kbroker.partitions.partition

    log = logging.getLogger("kbroker")
    before = (log.handlers, log.propagate, kbroker.catalog.machine.BLOCK, kbroker.partitions.partition.log_options)
    live_through(1)
    after = (log.handlers, log.propagate, kbroker.catalog.machine.BLOCK, kbroker.partitions.partition.log_options)
    assert after == before


def test_patches_are_undone_last_change_first() -> None:
    class Owner:
        value = 1

    patches = Patches()
    assert patches.set(Owner, "value", 2) == 1
    assert patches.set(Owner, "value", 3) == 2
    assert Owner.value == 3
    patches.undo()
    assert Owner.value == 1
