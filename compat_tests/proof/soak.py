"""A soak: ten minutes of mixed load with retention, compaction, transactions and rebalances, and nothing may drift.

    python -m compat_tests.proof.soak [--minutes 10] [--short]

Two producers write into a topic that keeps 8 MiB of each partition and into one that is compacted, one works in
transactions, two groups (the classic protocol and KIP-848's) consume it all while their members come and go every few
seconds, and a process of its own sends 200 small Produce requests a second and measures them (probe.py). Ten windows, a
row for each. At the end, with status 1 if any of it is not so:

    no error        no client saw one, and the broker logged none
    at work         in every window but the first: log starts moved, logs were compacted, groups rebalanced
    memory flat     RssAnon of the last three windows at most 5 % or 4 MiB above that of windows three to five
    p99 steady      the median p99 of the last five windows at most twice that of the first five, plus a millisecond

`--short` is one minute; its p99 rests on few samples, and its memory is still warming up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from compat_tests.broker import REPOSITORY, Process
from compat_tests.drivers.confluent import Confluent
from compat_tests.proof import hush_librdkafka
from compat_tests.proof.soaking import Client, Member, Sender, Transactor

WINDOWS = 10
PER_SECOND = 200
SEGMENT = str(1 << 20)
SETTINGS = (
    "log.retention.check.interval.ms=1000",
    "log.cleaner.backoff.ms=500",
    f"offsets.topic.segment.bytes={SEGMENT}",
    f"transaction.state.log.segment.bytes={SEGMENT}",
)
KEPT = {"retention.bytes": str(8 << 20), "segment.bytes": SEGMENT}
COMPACTED = {"cleanup.policy": "compact", "segment.bytes": SEGMENT, "min.cleanable.dirty.ratio": "0.1"}
COLUMNS = "| window | sent | transactions | consumed | rebalances | trims | compactions | RSS MiB | p50 us | p99 us |"


class Seen(NamedTuple):
    """Totals since the beginning, but for memory and latencies."""

    sent: int
    transactions: int
    consumed: int
    rebalances: int
    trims: int
    compactions: int
    rss_mib: float
    p50_us: float
    p99_us: float


class Soak:
    """The broker and everybody who uses it."""

    def __init__(self, home: Path, life_s: tuple[float, float]) -> None:
        self.broker = Process(home, settings=SETTINGS).start()
        self.admin = Confluent(self.broker.bootstrap)
        self.admin.create_topic("kept", 4, KEPT)
        self.admin.create_topic("compacted", 2, COMPACTED)
        self.admin.create_topic("decided", 2, KEPT)
        self.admin.create_topic("probed", 1, KEPT)
        place = self.broker.bootstrap
        topics = ["kept", "compacted", "decided"]
        self.senders = [Sender(place, "kept", 2000, 1000), Sender(place, "compacted", 1000, 500, keys=2000)]
        self.transactor = Transactor(place, "decided")
        protocols = ("classic", "consumer")
        self.members = [Member(place, topics, protocol, life_s) for protocol in protocols for _ in range(3)]
        self.clients: list[Client] = [*self.senders, self.transactor, *self.members]
        for client in self.clients:
            client.start()

    def window(self, seconds: float) -> Seen:
        """Let it work for so long, and look."""
        command = [sys.executable, "-m", "compat_tests.proof.probe", self.broker.bootstrap, "probed"]
        command += ["--samples", str(int(seconds * PER_SECOND)), "--per-second", str(PER_SECOND)]
        ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=seconds * 3 + 60)
        assert ended.returncode == 0, ended.stderr
        probed = json.loads(ended.stdout)
        lines = self.lines()
        return Seen(
            sum(sender.count for sender in self.senders),
            self.transactor.count,
            sum(member.count for member in self.members),
            sum(member.rebalances for member in self.members),
            sum(" begins at " in line for line in lines),
            sum("is compacted up to" in line for line in lines),
            self.rss_mib(),
            probed["p50_us"],
            probed["p99_us"],
        )

    def lines(self) -> list[str]:
        return self.broker.stderr_path.read_text().splitlines()

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.broker.pid}/status")
        if not status.exists():
            return 0.0
        return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if "RssAnon" in line)

    def end(self) -> list[str]:
        """Everybody goes; what any of them, or the broker, has to complain of."""
        for client in self.clients:
            client.ended.set()
        for client in self.clients:
            client.end()
        status = self.broker.stop()
        faults = [fault for client in self.clients for fault in client.faults]
        faults += [line for line in self.lines() if " ERROR " in line or line.startswith("Traceback")]
        return faults + ([f"the broker ended with status {status}"] if status else [])

    def close(self) -> None:
        self.broker.close()


def row(number: int, now: Seen, before: Seen) -> str:
    """What the window has added."""
    added = [after - first for after, first in zip(now[:6], before[:6], strict=True)]
    cells = [str(number), *(f"{value:,.0f}" for value in added), f"{now.rss_mib:.1f}"]
    return "| " + " | ".join([*cells, f"{now.p50_us:.0f}", f"{now.p99_us:.0f}"]) + " |"


def verdict(windows: list[Seen], short: bool) -> list[str]:
    """What is not as it should be."""
    found = []
    for number, (before, now) in enumerate(pairwise(windows), 2):
        idle = [name for name, was, is_ in zip(Seen._fields[:6], before[:6], now[:6], strict=True) if is_ <= was]
        found += [f"at work: no {name} in window {number}" for name in idle]
    rss = [seen.rss_mib for seen in windows]
    early, late = statistics.median(rss[2:5]), statistics.median(rss[-3:])
    if late > max(early * 1.05, early + 4) and not short:
        found.append(f"memory flat: {early:.1f} MiB became {late:.1f}")
    p99 = [seen.p99_us for seen in windows]
    first, last = statistics.median(p99[:5]), statistics.median(p99[5:])
    if last > 2 * first + 1000:
        found.append(f"p99 steady: {first:.0f} us became {last:.0f}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--short", action="store_true", help="one minute")
    arguments = parser.parse_args()
    hush_librdkafka()
    minutes = 1.0 if arguments.short else arguments.minutes
    windows = [Seen(0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0)]
    print(COLUMNS + "\n|" + "---:|" * (COLUMNS.count("|") - 1), flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        soak = Soak(Path(home), (1.0, 3.0) if minutes <= 2 else (3.0, 10.0))
        try:
            for number in range(WINDOWS):
                windows.append(soak.window(minutes * 60 / WINDOWS))
                print(row(number + 1, windows[-1], windows[-2]), flush=True)
            faults = soak.end()
        finally:
            soak.close()
    found = [*dict.fromkeys(faults)][:20] + verdict(windows[1:], arguments.short)
    print(f"\n{time.monotonic() - began:.0f} s; " + (f"{len(found)} violations" if found else "no violation"))
    for one in found:
        print(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
