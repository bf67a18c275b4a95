"""What a quota lets through for a real client: librdkafka produces, then consumes, as fast as it may.

python -m compat_tests.bench.quotas [--rate BYTES_PER_SECOND] [--seconds N]

For each way it says how many bytes came through in how many seconds, what part of the quota that is, the most and the
least in any `quota.window.num` seconds (11) after the burst that the first windows allow, and how long the client was
told to wait.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from compat_tests.broker import REPOSITORY, Process

WINDOWS = 11
PIECE = 2_000
CLIENT = {"batch.size": 20_000, "linger.ms": 1, "queue.buffering.max.messages": 60, "fetch.message.max.bytes": 20_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=45)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        broker = Process(Path(home), memory=True).start()
        try:
            _quota(broker, f"producer_byte_rate={chosen.rate}", f"consumer_byte_rate={chosen.rate}")
            for way, run in (("produced", _produce), ("consumed", _consume)):
                told: list[float] = []
                seen, seconds = run(broker.bootstrap, chosen.seconds, told)
                _report(way, seen, seconds, told, chosen.rate)
        finally:
            broker.close()


def _quota(broker: Process, *sets: str) -> None:
    options = [word for each in sets for word in ("--set", each)]
    command = [sys.executable, "-m", "kbroker", "quota", "alter", "--to", broker.bootstrap, "--user", "*", *options]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def _settings(bootstrap: str, told: list[float]) -> dict[str, Any]:
    return {"bootstrap.servers": bootstrap, "throttle_cb": lambda event: told.append(event.throttle_time)}


def _produce(bootstrap: str, seconds: int, told: list[float]) -> tuple[list[tuple[float, int]], float]:
    from confluent_kafka import Producer

    settings = {name: value for name, value in CLIENT.items() if not name.startswith("fetch.")}
    producer, seen = Producer(_settings(bootstrap, told) | settings), []
    began = time.monotonic()

    def delivered(error: Any, message: Any) -> None:
        assert error is None, error
        seen.append((time.monotonic() - began, PIECE))

    while time.monotonic() - began < seconds:
        try:
            producer.produce("t", bytes(PIECE), partition=0, on_delivery=delivered)
            producer.poll(0)
        except BufferError:
            producer.poll(0.01)
    producer.flush(60)
    return seen, time.monotonic() - began


def _consume(bootstrap: str, seconds: int, told: list[float]) -> tuple[list[tuple[float, int]], float]:
    from confluent_kafka import Consumer, TopicPartition

    settings = {"group.id": "readers", "fetch.message.max.bytes": CLIENT["fetch.message.max.bytes"]}
    consumer, seen = Consumer(_settings(bootstrap, told) | settings | {"queued.max.messages.kbytes": 64}), []
    consumer.assign([TopicPartition("t", 0, 0)])
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            seen.append((time.monotonic() - began, len(message.value())))
    consumer.close()
    return seen, time.monotonic() - began


def _report(way: str, seen: list[tuple[float, int]], seconds: float, told: list[float], rate: int) -> None:
    total = sum(size for _, size in seen)
    spans = [
        sum(size for at, size in seen if begin <= at < begin + WINDOWS) / (rate * WINDOWS)
        for begin in range(2 * WINDOWS, int(seconds) - WINDOWS)
    ]
    print(f"{way}: {total} bytes in {seconds:.1f} s at a quota of {rate} B/s: {total / rate / seconds:.0%} of it")
    if spans:
        print(f"  any {WINDOWS} s after the burst and the rest that follows it: {min(spans):.0%} to {max(spans):.0%}")
    print(f"  told to wait {sum(told):.1f} s in {len(told)} answers")


if __name__ == "__main__":
    main()
