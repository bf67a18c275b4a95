"""kbroker beside other brokers on this machine, in one run: `make bench` (a few minutes: SHORT=1).

    python -m compat_tests.bench.compare [--short] [--minutes 52] [--broker kafka ... | --alone] [--only W6,W7]
    python -m compat_tests.bench.compare --resume          # go on where the last run was cut off

The load and the measuring are those of a harness outside of this repository (`../shared/bench`, or KBROKER_BENCH says
where): it starts Apache Kafka, kfake (a stand-in in Go) and kbroker in turn on one core and loads them from another,
A B A B. Without it there is nothing to run, and this says so and ends with status 0.

A run is made of pieces: a round, a broker, and one of the harness's sessions, which is one process of that broker on
fresh data. All pieces of the first round come before those of the second, and a piece that would not end within
`--minutes` is left out: so every row is there, of as many rounds as there was time for. After each piece everything is
written, into `compat_tests/bench/results/`:

    <name>.json    every value of every piece, and the machine; what --resume reads
    <name>.md      the medians, their ratios to the first broker, what was wanted (`wanted.py`), whether it is reached

`--broker compiled` is kbroker once more, with the modules of its hot path compiled (hatch_build.py): the tree in
`build/compiled`, made first where it is not there or is of another source.

A ratio below 1 is better where the figure is a cost (CPU, seconds, microseconds, memory), above 1 where it is a rate.
The kernel's share of bulk writes is a matter of luck on virtual machines: trust the ratios of one run, A B A B, on a
quiet machine; the load average before and after each piece is in the JSON, the highest in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from filecmp import cmp
from pathlib import Path
from typing import Any, NamedTuple

from compat_tests.bench.wanted import median, verdict, with_derived

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results"
SHORT = "W1,W6,W7,W8,W10"
SESSIONS = {
    "start": "W1",
    "main": "W3,W3raw,W5,W6,W7,W8,W10,W12,W14",
    "partitions": "W9",
    "crash": "W13",
    "groups": "W11",
}
"""The harness's own: what one process of a broker goes through, one workload after another, so that a JVM is warm."""
LONGEST_S = {"start": 60, "main": 300, "partitions": 120, "crash": 90, "groups": 90}
"""About what a piece may take, as long as none like it has been measured."""
TOO_LONG_S = 1200
COMPILED = ROOT / "build" / "compiled"
TREES = {"kbroker": ROOT, "compiled": COMPILED}
"""Where the brokers lie that are ours."""
COMMAND = "{name}=env PYTHONPATH={root} {python} -P -m kbroker serve --listen 127.0.0.1:{{port}} --data {{dir}}"
PACKAGES = ("wire", "storage", "kbroker")
NEEDS = {"kafka": ("java", "mvn"), "kfake": ("go",), "compiled": ("cc",)}


def harness() -> Path | None:
    """The folder of the harness, if it is here."""
    folder = Path(os.environ.get("KBROKER_BENCH", ROOT.parent / "shared" / "bench"))
    return folder if (folder / "bench.py").is_file() else None


def can_run(broker: str) -> bool:
    missing = [tool for tool in NEEDS.get(broker, ()) if shutil.which(tool) is None]
    if missing:
        print(f"without {broker}: it needs {' and '.join(missing)}", file=sys.stderr)
    return not missing


def compiled_is_ours() -> bool:
    """Whether the compiled tree is there, and of this source."""
    sources = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return all((COMPILED / path).is_file() and cmp(ROOT / path, COMPILED / path, shallow=False) for path in sources)


def make_compiled() -> None:
    """The tree of `--broker compiled`: a minute or two."""
    if not compiled_is_ours():
        print("compiling kbroker's hot path into build/compiled", file=sys.stderr, flush=True)
        shutil.rmtree(COMPILED, ignore_errors=True)
        subprocess.run([sys.executable, "hatch_build.py", str(COMPILED)], cwd=ROOT, check=True, stdout=sys.stderr)


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


class Piece(NamedTuple):
    """`workloads` of one session, by one broker."""

    round: int
    broker: str
    session: str
    workloads: str

    @property
    def name(self) -> str:
        return f"{self.round} {self.broker.partition('=')[0]} {self.session}"


def pieces(brokers: list[str], rounds: int, only: str) -> Iterator[Piece]:
    wanted = set(only.split(",")) if only else {name for names in SESSIONS.values() for name in names.split(",")}
    for number in range(1, rounds + 1):
        for broker in brokers:
            for session, names in SESSIONS.items():
                if chosen := [name for name in names.split(",") if name in wanted]:
                    yield Piece(number, broker, session, ",".join(chosen))


def measure(piece: Piece, folder: Path) -> dict[str, Any]:
    """One piece by the harness: its figures and notes, how long it took, and the load of the machine around it."""
    tree = TREES.get(piece.broker)
    broker = piece.broker if tree is None else COMMAND.format(name=piece.broker, root=tree, python=sys.executable)
    raw, before, began = RESULTS / "piece.json", load(), time.monotonic()
    command = [sys.executable, str(folder / "bench.py"), "--json", str(raw), "--only", piece.workloads]
    with subprocess.Popen([*command, "--broker", broker], cwd=folder, stdout=subprocess.DEVNULL) as harness:
        try:
            status = harness.wait(TOO_LONG_S)
        except BaseException:  # it ends its broker when it is told to end
            harness.terminate()
            raise
    if status or not raw.is_file():
        return {"figures": {}, "notes": [f"the harness ended with status {status}"], "seconds": 0, "load": [before]}
    (found,) = json.loads(raw.read_text()).values()
    raw.unlink()
    seconds = round(time.monotonic() - began, 1)
    return {"figures": found["figures"], "notes": found["notes"], "seconds": seconds, "load": [before, load()]}


def estimate(piece: Piece, done: dict[str, Any]) -> float:
    """Seconds, from the rounds before."""
    like = [one["seconds"] for name, one in done.items() if name.split(" ", 1)[1] == piece.name.split(" ", 1)[1]]
    return max(like) if like else LONGEST_S[piece.session]


def gathered(done: dict[str, Any]) -> dict[str, Any]:
    """By broker: all values of each figure, the notes, and the rounds that they are of."""
    brokers: dict[str, Any] = {}
    for name, piece in done.items():
        found = brokers.setdefault(name.split(" ")[1], {"figures": {}, "notes": []})
        found["notes"] += piece["notes"]
        for figure, values in piece["figures"].items():
            found["figures"].setdefault(figure, []).extend(values)
    return brokers


def text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(measured: dict[str, Any]) -> list[str]:
    """One row for each figure: medians, their ratios to the first broker, what was wanted and whether it is reached."""
    names = list(measured)
    figures = {name: with_derived(measured[name]["figures"]) for name in names}
    ratios = [f"{name} / {names[0]}" for name in names[1:]]
    rows = [
        f"| {' | '.join(['figure', *names, *ratios, 'wanted', 'reached'])} |",
        "|---|" + "---:|" * (2 * len(names) - 1) + "---|---|",
    ]
    for figure in dict.fromkeys(figure for name in names for figure in figures[name]):
        medians = [median(figures[name], figure) for name in names]
        cells = ["-" if one is None else text(one) for one in medians]
        cells += [f"{one / medians[0]:.2f}" if one is not None and medians[0] else "-" for one in medians[1:]]
        rows.append(f"| {' | '.join([figure, *cells, *verdict(figure, figures)])} |")
    return rows


def write(name: str, about: dict[str, Any], done: dict[str, Any], left_out: list[str]) -> Path:
    """What has been measured so far."""
    RESULTS.mkdir(exist_ok=True)
    whole = {"about": about, "pieces": done, "left out": left_out}
    (RESULTS / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")
    measured = gathered(done)
    highest = max((said for piece in done.values() for said in piece["load"]), default="")
    rounds = sorted({int(piece.split(" ")[0]) for piece in done})
    facts = {**about, "rounds": len(rounds), "highest load average": highest, "left out": ", ".join(left_out) or "none"}
    lines = [f"# {name}", "", *[f"- {key}: {value}" for key, value in facts.items()], "", *table(measured)]
    for broker, found in measured.items():
        lines += ["", *[f"- {broker}: {note}" for note in dict.fromkeys(found["notes"])]] if found["notes"] else []
    path = RESULTS / f"{name}.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(
    name: str, about: dict[str, Any], wanted: list[Piece], minutes: float, folder: Path, done: dict[str, Any]
) -> Path:
    """All pieces that are not done and for which there is time."""
    ends = time.monotonic() + minutes * 60
    left_out: list[str] = []
    for piece in wanted:
        if piece.name in done:
            continue
        if time.monotonic() + estimate(piece, done) > ends:
            left_out.append(piece.name)
            continue
        print(f"{time.strftime('%X')} {piece.name}: {piece.workloads}", file=sys.stderr, flush=True)
        done[piece.name] = measure(piece, folder)
        write(name, about, done, [])
    return write(name, about, done, left_out)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help=f"only {SHORT}, one round: a few minutes")
    parser.add_argument("--rounds", type=int, default=0, help="A B A B: so often; 1 for the short form, else 3")
    parser.add_argument("--minutes", type=float, default=52, help="begin no piece that would not end within so many")
    parser.add_argument("--only", default="", help="a comma list of the harness's workloads")
    parser.add_argument("--broker", action="append", help="kafka, kfake (both by default), compiled, or a harness's")
    parser.add_argument("--alone", action="store_true", help="kbroker without any other broker: no ratios")
    parser.add_argument("--name", default="", help="of the result files; short or full")
    parser.add_argument("--resume", action="store_true", help="keep what the result file of that name has")
    parser.add_argument("--table", action="store_true", help="measure nothing: only write the table anew")
    return parser.parse_args()


def main() -> int:
    arguments = parsed()
    name = arguments.name or ("short" if arguments.short else "full")
    about, done = {"commit": commit(), **machine()}, {}
    if (arguments.resume or arguments.table) and (kept := RESULTS / f"{name}.json").is_file():
        known = json.loads(kept.read_text())
        about, done = known["about"], known["pieces"]
    if arguments.table:
        print(write(name, about, done, []).read_text())
        return 0
    folder = harness()
    if folder is None:
        print("Not measured beside other brokers: the harness that loads them is no part of this repository")
        print("and is neither in ../shared/bench nor where KBROKER_BENCH says (its bench.py).")
        return 0
    RESULTS.mkdir(exist_ok=True)
    # An installed broker has byte code; a tree where PYTHONDONTWRITEBYTECODE is set would be compiled at every start.
    others = [] if arguments.alone else arguments.broker or ["kafka", "kfake"]
    brokers = [*filter(can_run, others), "kbroker"]
    if "compiled" in brokers:
        make_compiled()
    for tree in [TREES[broker] for broker in brokers if broker in TREES]:
        subprocess.run([sys.executable, "-m", "compileall", "-q", *PACKAGES], cwd=tree, check=True)
    rounds = arguments.rounds or (1 if arguments.short else 3)
    wanted = list(pieces(brokers, rounds, arguments.only or (SHORT if arguments.short else "")))
    print(run(name, about, wanted, arguments.minutes, folder, done).read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
