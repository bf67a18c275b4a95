"""What small requests notice of a running compaction: p50 and p99 of 10,000 Produce requests without and with one.

    python -m compat_tests.proof.compaction [--megabytes 500] [--samples 10000] [--rounds 3]

A topic of so many megabytes, each key in it many times, in segments of 16 MiB, is not compacted as long as its
`min.compaction.lag.ms` says so. In each round the same process measures twice (probe.py): with that topic at rest, and
after its config has changed, while the cleaner is at work; a round counts only if the cleaner had not ended before the
last sample. Broker and probe have a core of their own where there are two. Ends with status 1 if p99 with the
compaction is above twice that without one plus half a millisecond.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compat_tests.broker import REPOSITORY, Process
from compat_tests.drivers.confluent import Confluent
from compat_tests.proof import hush_librdkafka
from compat_tests.wire.connection import Connection
from wire.records import Record, build_batch

SETTINGS = ("log.cleaner.backoff.ms=100", "log.cleaner.min.cleanable.ratio=0.01")
KEYS = 20_000
RECORDS = 5_000
DONE = "is compacted up to"


def fill(client: Confluent, broker: Process, topic: str, megabytes: int) -> None:
    """Records of 100 bytes with keys at random: a few batches over and over, which costs the broker no look at them."""
    configs = {"cleanup.policy": "compact", "segment.bytes": str(16 << 20), "min.compaction.lag.ms": str(1 << 40)}
    client.create_topic(topic, config=configs)
    rng = random.Random(1)
    now = time.time_ns() // 1_000_000
    made = []
    for _ in range(8):
        keys = [b"%d" % rng.randrange(KEYS) for _ in range(RECORDS)]
        made.append(build_batch([Record(key=key, value=b"v" * 100, timestamp=now) for key in keys]))
    with Connection(broker.host, broker.port) as line:
        for number in range(megabytes * 1_000_000 // len(made[0])):
            data = {"index": 0, "records": made[number % len(made)]}
            topics = [{"name": topic, "partition_data": [data]}]
            answer = line.ask("Produce", 9, acks=-1, timeout_ms=30_000, topic_data=topics)
            assert answer.responses[0].partition_responses[0].error_code == 0, answer


def begin(broker: Process, topic: str) -> None:
    """Let the cleaner have it."""
    with Connection(broker.host, broker.port) as line:
        change = {"name": "min.compaction.lag.ms", "config_operation": 0, "value": "0"}
        resource = {"resource_type": 2, "resource_name": topic, "configs": [change]}
        answer = line.ask("IncrementalAlterConfigs", 1, resources=[resource], validate_only=False)
        assert answer.responses[0].error_code == 0, answer


def probe(broker: Process, samples: int) -> dict[str, float]:
    command = [sys.executable, "-m", "compat_tests.proof.probe", broker.bootstrap, "probed", "--samples", str(samples)]
    command += ["--core", "1"] if (os.cpu_count() or 1) > 1 else []
    found: dict[str, float] = json.loads(subprocess.run(command, cwd=REPOSITORY, stdout=-1, check=True).stdout)
    return found


def compacted(broker: Process, topic: str) -> bool:
    return any(topic in line and DONE in line for line in broker.stderr_path.read_text().splitlines())


def one_round(broker: Process, client: Confluent, number: int, arguments: argparse.Namespace) -> dict[str, float]:
    topic = f"compacted-{number}"
    fill(client, broker, topic, arguments.megabytes)
    without = probe(broker, arguments.samples)
    began = time.monotonic()
    begin(broker, topic)
    time.sleep(0.3)  # the cleaner looks every 100 ms
    during = probe(broker, arguments.samples)
    early = compacted(broker, topic)
    assert not early, "the cleaner had ended before the last sample: give it more --megabytes"
    while not compacted(broker, topic):
        assert time.monotonic() - began < 300, "the cleaner does not come to its end"
        time.sleep(0.1)
    seconds = time.monotonic() - began
    row = {"p50": without["p50_us"], "p99": without["p99_us"]}
    row |= {"p50 with": during["p50_us"], "p99 with": during["p99_us"]}
    print(f"| {number} | " + " | ".join(f"{us:.0f}" for us in row.values()) + f" | {seconds:.1f} |", flush=True)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    hush_librdkafka()
    with tempfile.TemporaryDirectory() as home:
        broker = Process(Path(home), settings=SETTINGS).start()
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(broker.pid, {0})
        client = Confluent(broker.bootstrap)
        try:
            client.create_topic("probed")
            print("| round | p50 us | p99 us | p50 while compacting | p99 while compacting | compaction, s |")
            print("|---|---:|---:|---:|---:|---:|")
            rows = [one_round(broker, client, number + 1, arguments) for number in range(arguments.rounds)]
        finally:
            client.close()
            broker.close()
    median = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    print("| median | " + " | ".join(f"{us:.0f}" for us in median.values()) + " | |")
    return int(median["p99 with"] > 2 * median["p99"] + 500)


if __name__ == "__main__":
    sys.exit(main())
