"""What the test broker costs: starting, one more, resetting, keeping and bringing back, faults, time. As JSON, in
milliseconds: the median of several, and the worst. What was found last is `results/testing.json`.

    python -m compat_tests.bench.testing [--keep]
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

from kbroker.testing import Broker, Cluster

RESULTS = Path(__file__).parent / "results" / "testing.json"
TOPICS, PARTITIONS, RECORDS, RECORD_BYTES = 10, 10, 100, 1024  # 100 partitions, 10 MiB
REQUESTS = 3000


def timed(count: int, work: Callable[[], Any], after: Callable[[], Any] = lambda: None) -> dict[str, float]:
    found = []
    for _ in range(count):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
        after()
    return {"median_ms": round(median(found), 3), "worst_ms": round(max(found), 3)}


def starting(make: Callable[[], Broker]) -> dict[str, float]:
    brokers: list[Broker] = []

    def start() -> None:
        brokers.append(make().start())

    return timed(10, start, lambda: brokers.pop().close())


def another(broker: Broker) -> dict[str, float]:
    more: list[Broker] = []
    found = timed(50, lambda: more.append(broker.another()))
    for one in more:
        one.close()
    return found


def another_by_http(broker: Broker) -> dict[str, Any]:
    """POST /brokers, one after another, and fifty at once: how long each of those waited."""

    def post(_: int = 0) -> float:
        began = time.perf_counter()
        door = HTTPConnection(broker.info.http)
        door.request("POST", "/brokers", "{}", {"Content-Type": "application/json"})
        answer = door.getresponse()
        made = json.load(answer)
        assert answer.status == 200, made
        places.append(made["broker"]["bootstrap"])
        door.close()
        return (time.perf_counter() - began) * 1000

    places: list[str] = []
    found = timed(50, post)
    began = time.perf_counter()
    with ThreadPoolExecutor(50) as pool:
        waits = list(pool.map(post, range(50)))
    together = (time.perf_counter() - began) * 1000
    for place in places:
        host, _, port = place.rpartition(":")
        socket.create_connection((host, int(port))).close()
    assert len(set(places)) == 100, "each has a port of its own"
    return {
        "post_brokers": found,
        "fifty_at_once": {"all_ms": round(together, 1), "median_ms": round(median(waits), 1)},
    }


def fill(broker: Broker) -> None:
    for number in range(TOPICS):
        broker.create_topic(f"t{number}", PARTITIONS)
        for index in range(PARTITIONS):
            broker.produce(f"t{number}", *[b"x" * RECORD_BYTES] * RECORDS, partition=index)


def data(broker: Broker) -> dict[str, Any]:
    fill(broker)
    kept = [broker.snapshot()]
    found: dict[str, Any] = {"snapshot": timed(10, lambda: kept.append(broker.snapshot()))}
    found["restore"] = timed(10, lambda: broker.restore(kept[0]))
    found["reset"] = timed(10, broker.reset, lambda: broker.restore(kept[0]))
    found["reset_keep_topics"] = timed(10, lambda: broker.reset(keep="topics"), lambda: broker.restore(kept[0]))
    broker.reset()
    return found


def faults(broker: Broker) -> dict[str, float]:
    return timed(100, lambda: broker.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER").remove())


def advancing(broker: Broker) -> dict[str, float]:
    broker.clock.freeze()
    found = timed(50, lambda: broker.clock.advance("45s"))
    broker.clock.auto()
    return found


def round_trip(broker: Broker) -> float:
    """Microseconds for a small request (ApiVersions), one after another on one connection."""
    host, _, port = broker.bootstrap.rpartition(":")
    body = struct.pack(">hhih", 18, 0, 1, -1)
    frame = struct.pack(">i", len(body)) + body
    with socket.create_connection((host, int(port))) as client:
        began = time.perf_counter()
        for _ in range(REQUESTS):
            client.sendall(frame)
            (size,) = struct.unpack(">i", client.recv(4, socket.MSG_WAITALL))
            client.recv(size, socket.MSG_WAITALL)
        return round((time.perf_counter() - began) / REQUESTS * 1e6, 1)


def main() -> None:
    found: dict[str, Any] = {"cores": os.cpu_count(), "load": [round(each, 1) for each in os.getloadavg()]}
    found |= {"start": starting(Broker), "start_of_three": starting(Cluster)}
    with Broker() as broker:
        found |= {"another": another(broker), **data(broker), "fault_on_off": faults(broker)}
        found["advance"] = advancing(broker)
        found["request_with_history_us"] = round_trip(broker)
    with Broker(kbroker_http="127.0.0.1:0", kbroker_control=True) as broker:
        found |= another_by_http(broker)
    with Broker(history=False) as broker:
        found["request_us"] = round_trip(broker)
        broker.faults.delay("Produce").remove()
        found["request_after_a_fault_us"] = round_trip(broker)
        broker.faults.install("ApiVersions", client_id="nobody", delay_ms=1)
        found["request_that_a_fault_passes_us"] = round_trip(broker)
    text = json.dumps(found, indent=2)
    print(text)
    if "--keep" in sys.argv[1:]:
        RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
