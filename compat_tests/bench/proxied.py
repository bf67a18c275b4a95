"""What `kbroker proxy` adds to a request: the same small requests straight to a broker and through a proxy, one after
another on one connection each, the two in turn. Microseconds.

    python -m compat_tests.bench.proxied [--rounds 9] [--requests 500] [--bootstrap HOST:PORT]

Without an address a kbroker in memory is asked. `seen` is a proxy that writes a recording of all that it sees. Writes
results/proxied.json and results/proxied.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from compat_tests.proxy.running import proxying
from kbroker.client.connection import Connection
from kbroker.client.security import Security
from kbroker.testing import Broker
from wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from wire.primitives import ZERO_UUID
from wire.records import Record, build_batch
from wire.schema import Response

RESULTS = Path(__file__).parent / "results"
TOPIC = "proxied"
BY_NAME = 12
"""The newest Produce that names topics."""

Ask = Callable[[Connection], Response]


def metadata(connection: Connection) -> Response:
    topic = MetadataRequestTopic(topic_id=ZERO_UUID, name=TOPIC)
    request = MetadataRequest(topics=[topic], allow_auto_topic_creation=True)
    return connection.call(request, MetadataResponse)


def produce(connection: Connection) -> Response:
    """One record of 100 bytes, acks=all."""
    batch = build_batch([Record(offset=0, timestamp=0, key=None, value=bytes(100), headers=[])])
    data = TopicProduceData(
        name=TOPIC, topic_id=ZERO_UUID, partition_data=[PartitionProduceData(index=0, records=batch)]
    )
    request = ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=[data])
    return connection.call(request, ProduceResponse, newest=BY_NAME)


def timed(connection: Connection, ask: Ask, requests: int) -> list[float]:
    found = []
    for _ in range(requests):
        began = time.perf_counter()
        ask(connection)
        found.append((time.perf_counter() - began) * 1e6)
    return found


def compare(ways: dict[str, str], ask: Ask, rounds: int, requests: int) -> dict[str, dict[str, float]]:
    """The median of the rounds' p50 and p99 for each way to the broker."""
    with ExitStack() as stack:
        open_ = {}
        for way, address in ways.items():
            host, _, port = address.rpartition(":")
            connection = Connection((host, int(port)), Security(), client_id="bench", timeout=15)
            stack.callback(connection.close)
            timed(connection, ask, requests)
            open_[way] = connection
        taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, connection in open_.items():
                cuts = quantiles(timed(connection, ask, requests), n=100)
                taken[way].append((cuts[49], cuts[98]))
    return {
        way: {"p50": round(median(one for one, _ in found)), "p99": round(median(one for _, one in found))}
        for way, found in taken.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--bootstrap", help="of a running Kafka, in place of a kbroker in memory")
    given = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        straight = given.bootstrap or stack.enter_context(Broker(history=False)).bootstrap
        ways = {
            "straight": straight,
            "proxy": stack.enter_context(proxying(straight)),
            "seen": stack.enter_context(proxying(straight, "--record", str(home / "seen.jsonl"))),
        }
        asks: tuple[Ask, ...] = (metadata, produce)
        rows = {ask.__name__: compare(ways, ask, given.rounds, given.requests) for ask in asks}
    report = {"broker": "Kafka" if given.bootstrap else "kbroker", "rounds": given.rounds, "microseconds": rows}
    RESULTS.joinpath("proxied.json").write_text(json.dumps(report, indent=2) + "\n")
    RESULTS.joinpath("proxied.md").write_text(table(rows))
    print(table(rows))


def table(rows: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [
        "| request, us | straight p50 / p99 | through the proxy | and recorded | added p50 |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, ways in rows.items():
        cells = [f"{ways[way]['p50']} / {ways[way]['p99']}" for way in ("straight", "proxy", "seen")]
        added = ways["proxy"]["p50"] - ways["straight"]["p50"]
        lines.append(f"| {name} | {' | '.join(cells)} | {added} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
