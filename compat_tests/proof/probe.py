"""How long small requests take, from a process of its own: one Produce of 100 bytes at a time, acks=all, over one
connection.

    python -m compat_tests.proof.probe HOST:PORT TOPIC --samples 10000 [--per-second 0] [--core 1]

Prints one JSON object: count, seconds, p50_us, p99_us, most_us. `--per-second` paces it; 0 sends the next request when
the answer to the last one is there.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import time

from compat_tests.wire.connection import Connection, batch


def quantile(values: list[int], share: float) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, int(len(values) * share))]


def measure(place: str, topic: str, samples: int, per_second: float) -> dict[str, float]:
    host, _, port = place.rpartition(":")
    took = []
    with Connection(host, int(port)) as line:
        data = {"index": 0, "records": batch(b"x" * 100)}
        topics = [{"name": topic, "partition_data": [data]}]
        gc.disable()
        began = time.perf_counter_ns()
        for sample in range(samples):
            if per_second:
                wait_s = sample / per_second - (time.perf_counter_ns() - began) / 1e9
                if wait_s > 0:
                    time.sleep(wait_s)
            sent = time.perf_counter_ns()
            number = line.send_request("Produce", 9, acks=-1, timeout_ms=30_000, topic_data=topics)
            frame = line.receive_frame()
            took.append(time.perf_counter_ns() - sent)
            answer = line.decoded("Produce", 9, number, frame)
            assert answer.responses[0].partition_responses[0].error_code == 0, answer
        seconds = (time.perf_counter_ns() - began) / 1e9
    took.sort()
    return {
        "count": len(took),
        "seconds": round(seconds, 3),
        "p50_us": round(quantile(took, 0.5) / 1000, 1),
        "p99_us": round(quantile(took, 0.99) / 1000, 1),
        "most_us": round(took[-1] / 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place")
    parser.add_argument("topic")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--per-second", type=float, default=0)
    parser.add_argument("--core", type=int, help="run on this core only (Linux)")
    arguments = parser.parse_args()
    if arguments.core is not None:
        os.sched_setaffinity(0, {arguments.core})
    print(json.dumps(measure(arguments.place, arguments.topic, arguments.samples, arguments.per_second)))


if __name__ == "__main__":
    main()
