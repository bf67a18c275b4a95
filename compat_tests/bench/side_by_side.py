"""Eight pytest workers side by side, again and again: no clash of ports or files, no flake.

    python -m compat_tests.bench.side_by_side [--runs 50] [--workers 8] [--minutes 3]

Each run is `pytest -n WORKERS tests/examples`: every worker has a broker process of its own, every test a broker in it,
some a cluster of three. What fails is told with its whole report, and is a failure of the command. `--minutes` ends it
early, after a whole run; what was found is kept in `results/side_by_side.json`, and the next call goes on from there
(`--anew` begins from nothing).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results" / "side_by_side.json"
LONGEST_S = 300
NOTHING: dict[str, Any] = {"runs": 0, "tests": 0, "failed_runs": 0, "failures": [], "seconds": []}


def run(workers: int) -> dict[str, Any]:
    """One run: how many tests passed, what failed, and how long it took."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers), "tests/examples"]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    passed = re.search(r"(\d+) passed", done.stdout)
    failures = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return {
        "is_green": done.returncode == 0,
        "passed": int(passed[1]) if passed else 0,
        "failures": failures or ([] if done.returncode == 0 else [f"pytest ended with {done.returncode}"]),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m compat_tests.bench.side_by_side")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--anew", action="store_true")
    asked = parser.parse_args()
    found = NOTHING | (json.loads(RESULTS.read_text()) if RESULTS.exists() and not asked.anew else {})
    end = time.monotonic() + asked.minutes * 60
    while found["runs"] < asked.runs and time.monotonic() < end:
        one = run(asked.workers)
        found["runs"] += 1
        found["tests"] += one["passed"]
        found["failed_runs"] += not one["is_green"]
        found["failures"] += one["failures"]
        found["seconds"].append(one["seconds"])
        told = {"workers": asked.workers, "cores": os.cpu_count(), "median_seconds": median(found["seconds"])}
        RESULTS.write_text(json.dumps(found | told, indent=1) + "\n")
        print(
            f"{found['runs']} of {asked.runs}: {one['passed']} passed in {one['seconds']} s",
            *one["failures"],
            flush=True,
        )
    raise SystemExit(1 if found["failed_runs"] else 0)


if __name__ == "__main__":
    main()
