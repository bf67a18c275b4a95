"""kbroker beside other brokers on this machine, in one run: `make bench` (a few minutes: SHORT=1).

    python -m compat_tests.bench.compare [--short] [--rounds 2] [--broker kafka ... | --alone] [--only W6,W7]

The load and the measuring are those of a harness outside of this repository (`../shared/bench`, or KBROKER_BENCH says
where): it starts Apache Kafka, kfake (a stand-in in Go) and kbroker in turn on one core and loads them from another,
A B A B. Without it there is nothing to run, and this says so and ends with status 0. What is written, into
`compat_tests/bench/results/`:

    <name>.json    every value of every round, and the machine
    <name>.md      the medians, their ratios to the first broker, the machine, and what this commit is

A ratio below 1 is better where the figure is a cost (CPU, seconds, microseconds, memory), above 1 where it is a rate.
The kernel's share of bulk writes is a matter of luck on virtual machines: trust the ratios of one run, A B A B, on a
quiet machine; the load average at the beginning and at the end is in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results"
SHORT = "W1,W2,W6,W7,W8,W10"
KBROKER = "kbroker=env PYTHONPATH={root} {python} -P -m kbroker serve --listen 127.0.0.1:{{port}} --data {{dir}}"
NEEDS = {"kafka": ("java", "mvn"), "kfake": ("go",)}


def harness() -> Path | None:
    """The folder of the harness, if it is here."""
    folder = Path(os.environ.get("KBROKER_BENCH", ROOT.parent / "shared" / "bench"))
    return folder if (folder / "bench.py").is_file() else None


def can_run(broker: str) -> bool:
    missing = [tool for tool in NEEDS.get(broker, ()) if shutil.which(tool) is None]
    if missing:
        print(f"without {broker}: it needs {' and '.join(missing)}", file=sys.stderr)
    return not missing


def machine() -> dict[str, Any]:
    """What the figures are figures of."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    except (OSError, StopIteration):
        memory = -1
    found: dict[str, Any] = {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_mib": memory,
        "system": platform.system() + " " + platform.release(),
        "python": platform.python_version(),
    }
    try:
        import uvloop

        found["uvloop"] = uvloop.__version__
    except ImportError:
        found["uvloop"] = "none"
    return found


def commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(measured: dict[str, Any]) -> list[str]:
    """One row for each figure: medians, and the ratio to the first broker."""
    names = list(measured)
    rows = [
        f"| figure | {' | '.join(names)} | {' | '.join(f'{name} / {names[0]}' for name in names[1:])} |",
        "|---|" + "---:|" * (2 * len(names) - 1),
    ]
    for figure in dict.fromkeys(figure for name in names for figure in measured[name]["figures"]):
        medians = []
        for name in names:
            values = measured[name]["figures"].get(figure)
            medians.append(statistics.median(values) if values else None)
        cells = ["-" if median is None else text(median) for median in medians]
        cells += [f"{median / medians[0]:.2f}" if median is not None and medians[0] else "-" for median in medians[1:]]
        rows.append(f"| {figure} | {' | '.join(cells)} |")
    return rows


def write(name: str, measured: dict[str, Any], about: dict[str, Any]) -> Path:
    for found in measured.values():
        found.pop("command", None)  # it names folders of this machine
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"about": about, "brokers": measured}, indent=1) + "\n")
    lines = [f"# {name}", "", *[f"- {key}: {value}" for key, value in about.items()], "", *table(measured)]
    for broker, found in measured.items():
        lines += ["", *[f"- {broker}: {note}" for note in dict.fromkeys(found["notes"])]] if found["notes"] else []
    path = RESULTS / f"{name}.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help=f"only {SHORT}, one round: a few minutes")
    parser.add_argument("--rounds", type=int, default=0, help="A B A B: so often; 1 for the short form, else 3")
    parser.add_argument("--only", default="", help="a comma list of the harness's workloads")
    parser.add_argument("--broker", action="append", help="kafka, kfake, or what the harness takes; default both")
    parser.add_argument("--alone", action="store_true", help="kbroker without any other broker: no ratios")
    parser.add_argument("--name", default="", help="of the result files; short or full")
    parser.add_argument("--from", dest="found", help="make the table of a JSON file that the harness wrote")
    arguments = parser.parse_args()
    name = arguments.name or ("short" if arguments.short else "full")
    about = {"commit": commit(), **machine(), "load before": load()}
    if arguments.found:
        print(write(name, json.loads(Path(arguments.found).read_text()), about).read_text())
        return 0
    folder = harness()
    if folder is None:
        print("Not measured beside other brokers: the harness that loads them is no part of this repository")
        print("and is neither in ../shared/bench nor where KBROKER_BENCH says (its bench.py).")
        return 0
    rounds = arguments.rounds or (1 if arguments.short else 3)
    only = arguments.only or (SHORT if arguments.short else "")
    RESULTS.mkdir(exist_ok=True)
    raw = RESULTS / "run.json"
    # An installed broker has byte code; a tree where PYTHONDONTWRITEBYTECODE is set would be compiled at every start.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "wire", "storage", "kbroker"], cwd=ROOT, check=True)
    command = [sys.executable, str(folder / "bench.py"), "--rounds", str(rounds), "--json", str(raw)]
    command += ["--only", only] if only else []
    for broker in [] if arguments.alone else arguments.broker or ["kafka", "kfake"]:
        command += ["--broker", broker] if can_run(broker) else []
    command += ["--broker", KBROKER.format(root=ROOT, python=sys.executable)]
    ended = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode
    if ended or not raw.is_file():
        print(f"the harness ended with status {ended}; its own README says what it needs", file=sys.stderr)
        return ended or 1
    measured = json.loads(raw.read_text())
    raw.unlink()
    print(write(name, measured, {**about, "load after": load()}).read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
