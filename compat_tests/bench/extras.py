"""Rows that no other broker is measured by: what many members, commits, parked consumers and partitions cost kbroker.

    python -m compat_tests.bench.extras [--seconds 3] [--only commits,parked] [--json FILE]

A broker on core 0, the load on core 1 (Linux, two cores or more; else wherever they run). CPU is the broker's own, user
and system, from /proc, in ticks of 10 ms: each row works for `--seconds`. Prints a table: what was found, and what was
wanted of it.

    commits    64 connections, each commits an offset of a group of its own, one request in flight
    beats      heartbeats of 1,000 members, each alone in its group, over 64 connections; and how much the log grew
    parked     1,000 fetches parked on 1,000 partitions, one record produced: until its fetch is answered; and the same
               with 10 parked, since what it costs must not depend on the others
    session    an incremental fetch session over 1,000 partitions, one of which has a new record each time
    metadata   Metadata of 10,000 partitions in topics of 100: the first answer, further ones, and the longest that
               another client waited for a small request meanwhile
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from compat_tests.broker import Process
from compat_tests.wire.connection import API, Connection, batch, request
from wire.header import encode_request_header

CONNECTIONS = 64
MEMBERS = 1000
PARTITIONS = 1000


class Row(NamedTuple):
    """One figure; `wanted` is None where nothing was asked for."""

    name: str
    found: float
    unit: str
    wanted: float | None = None


class Bench:
    """The broker, and what it has used so far."""

    def __init__(self, home: Path, seconds: float) -> None:
        self.seconds = seconds
        self.broker = Process(home).start()
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(self.broker.pid, {0})
            os.sched_setaffinity(0, {1})
        self.control = self.connect()

    def connect(self) -> Connection:
        return Connection(self.broker.host, self.broker.port)

    def cpu_us(self) -> float:
        fields = Path(f"/proc/{self.broker.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")

    def written(self) -> int:
        """Bytes of all logs."""
        return sum(path.stat().st_size for path in self.broker.data.rglob("*.log"))

    def create(self, *names: str, partitions: int) -> None:
        topics = [{"name": name, "num_partitions": partitions, "replication_factor": 1} for name in names]
        answer = self.control.ask("CreateTopics", 5, topics=topics, timeout_ms=60_000)
        assert all(topic.error_code == 0 for topic in answer.topics), answer


def framed(name: str, version: int, **tree: Any) -> bytes:
    body = encode_request_header(API[name].key, version, 1, "bench") + request(name, version, tree).encode(version)
    return struct.pack(">i", len(body)) + body


def rounds(lines: list[Connection], frames: list[list[bytes]], seconds: float) -> int:
    """Send each connection's frames in turn, one in flight on each; how many were answered."""
    done = 0
    with selectors.DefaultSelector() as selector:
        for at, line in enumerate(lines):
            line.socket.setblocking(False)
            selector.register(line.socket, selectors.EVENT_READ, [at, 0, 0, b""])
            line.socket.send(frames[at][0])
        end = time.perf_counter() + seconds
        waiting = len(lines)
        while waiting:
            for key, _ in selector.select(5):
                state = key.data
                state[3] += key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                if len(state[3]) < 4 or len(state[3]) < 4 + struct.unpack_from(">i", state[3])[0]:
                    continue
                state[3] = b""
                done += 1
                if time.perf_counter() > end:
                    selector.unregister(key.fileobj)
                    waiting -= 1
                    continue
                state[1] = (state[1] + 1) % len(frames[state[0]])
                key.fileobj.send(frames[state[0]][state[1]])  # type: ignore[union-attr]
    for line in lines:
        line.socket.setblocking(True)
    return done


def commits(bench: Bench) -> Iterator[Row]:
    bench.create("committed", partitions=1)
    bench.control.ask("FindCoordinator", 3, key="any", key_type=0)
    lines = [bench.connect() for _ in range(CONNECTIONS)]
    place = {"name": "committed", "partitions": [{"partition_index": 0, "committed_offset": 1}]}
    frames = []
    for at, line in enumerate(lines):
        answer = line.ask("OffsetCommit", 8, group_id=f"commits-{at}", topics=[place])
        assert answer.topics[0].partitions[0].error_code == 0, answer
        frames.append([framed("OffsetCommit", 8, group_id=f"commits-{at}", topics=[place])])
    cpu = bench.cpu_us()
    count = rounds(lines, frames, bench.seconds)
    yield Row("OffsetCommit, 64 connections: CPU of each", (bench.cpu_us() - cpu) / count, "us", 25)


def beats(bench: Bench) -> Iterator[Row]:
    lines = [bench.connect() for _ in range(CONNECTIONS)]
    frames: list[list[bytes]] = [[] for _ in lines]
    bench.control.ask("FindCoordinator", 3, key="any", key_type=0)
    for number in range(MEMBERS):
        line = lines[number % CONNECTIONS]
        group = {"group_id": f"beats-{number}"}
        protocols = [{"name": "range", "metadata": b""}]
        asked = {"protocol_type": "consumer", "protocols": protocols, "session_timeout_ms": 600_000}
        asked |= {**group, "rebalance_timeout_ms": 600_000}
        member = line.ask("JoinGroup", 5, **asked, member_id="").member_id
        joined = line.ask("JoinGroup", 5, **asked, member_id=member)
        me = {**group, "generation_id": joined.generation_id, "member_id": member}
        line.ask("SyncGroup", 3, **me, assignments=[{"member_id": member, "assignment": b""}])
        assert line.ask("Heartbeat", 3, **me).error_code == 0
        frames[number % CONNECTIONS].append(framed("Heartbeat", 3, **me))
    cpu, written = bench.cpu_us(), bench.written()
    count = rounds(lines, frames, bench.seconds)
    yield Row("Heartbeat, 1,000 members: CPU of each", (bench.cpu_us() - cpu) / count, "us", 12)
    yield Row("Heartbeat: bytes written by all of them", bench.written() - written, "bytes", 0)


def fetching(partition: int, offset: int) -> dict[str, Any]:
    asked = {"partition": partition, "fetch_offset": offset, "partition_max_bytes": 1 << 20}
    topics = [{"topic": "parked", "partitions": [asked]}]
    return {"max_wait_ms": 600_000, "min_bytes": 1, "max_bytes": 1 << 20, "session_epoch": -1, "topics": topics}


def producing(topic: str, partition: int) -> dict[str, Any]:
    data = [{"index": partition, "records": batch(b"x" * 100)}]
    return {"acks": -1, "timeout_ms": 30_000, "topic_data": [{"name": topic, "partition_data": data}]}


def parked(bench: Bench) -> Iterator[Row]:
    bench.create("parked", partitions=PARTITIONS)
    lines = [bench.connect() for _ in range(PARTITIONS)]
    for at in range(PARTITIONS):  # a first write makes the files of a log, which is not what is asked here
        bench.control.ask("Produce", 9, **producing("parked", at))
    ends = [1] * PARTITIONS
    numbers = [0] * PARTITIONS
    for count in (10, PARTITIONS):
        for at, line in enumerate(lines[:count]):
            if not numbers[at]:
                numbers[at] = line.send_request("Fetch", 11, **fetching(at, ends[at]))
        took, cpu, began = [], bench.cpu_us(), time.perf_counter()
        while time.perf_counter() - began < bench.seconds:
            at = len(took) % count
            sent = time.perf_counter()
            asked = bench.control.send_request("Produce", 9, **producing("parked", at))
            frame = lines[at].receive_frame()
            took.append((time.perf_counter() - sent) * 1e6)
            bench.control.receive("Produce", 9, asked)
            answer = lines[at].decoded("Fetch", 11, numbers[at], frame)
            assert answer.responses[0].partitions[0].records, answer
            ends[at] += 1
            numbers[at] = lines[at].send_request("Fetch", 11, **fetching(at, ends[at]))
        used = (bench.cpu_us() - cpu) / len(took)
        wanted = 300 if count == PARTITIONS else None
        median = statistics.median(took)
        yield Row(f"{count:,} parked, one record: until its fetch is answered, p50", median, "us", wanted)
        yield Row(f"{count:,} parked, one record: CPU of produce, fetch and the next fetch", used, "us")
    for line in lines:
        line.close()


def session(bench: Bench) -> Iterator[Row]:
    bench.create("session", partitions=PARTITIONS)
    bench.create("session-alone", partitions=PARTITIONS)
    line = bench.connect()
    asked = [{"partition": at, "fetch_offset": 0, "partition_max_bytes": 1 << 20} for at in range(PARTITIONS)]
    limits = {"max_wait_ms": 0, "min_bytes": 0, "max_bytes": 50 << 20}
    topics = [{"topic": "session", "partitions": asked}]
    opened = line.ask("Fetch", 11, **limits, session_id=0, session_epoch=0, topics=topics)
    assert opened.session_id, opened
    ends = [0] * PARTITIONS
    count, producing_us, fetching_us, began = 0, 0.0, 0.0, time.perf_counter()
    while time.perf_counter() - began < 2 * bench.seconds:
        cpu = bench.cpu_us()
        batches = 100
        changed = [(count + at * 7) % PARTITIONS for at in range(batches)]
        for at in changed:
            bench.control.ask("Produce", 9, **producing("session-alone", at))
        middle = bench.cpu_us()
        for at in changed:
            bench.control.ask("Produce", 9, **producing("session", at))
            position = [{"partition": at, "fetch_offset": ends[at], "partition_max_bytes": 1 << 20}]
            told = [{"topic": "session", "partitions": position}]
            epoch = count % 0x7FFFFFFF + 1
            answer = line.ask("Fetch", 11, **limits, session_id=opened.session_id, session_epoch=epoch, topics=told)
            (found,) = [one for topic in answer.responses for one in topic.partitions if one.records]
            assert found.partition_index == at, found
            ends[at] += 1
            moved = [{"partition": at, "fetch_offset": ends[at], "partition_max_bytes": 1 << 20}]
            told = [{"topic": "session", "partitions": moved}]
            line.ask("Fetch", 11, **limits, session_id=opened.session_id, session_epoch=epoch + 1, topics=told)
            count += 2
        producing_us += middle - cpu
        fetching_us += bench.cpu_us() - middle
    used = (fetching_us - producing_us) / count
    yield Row("session over 1,000 partitions, one changed: CPU of a fetch", used, "us", 60)


def metadata(bench: Bench) -> Iterator[Row]:
    names = [f"many-{number:03d}" for number in range(100)]
    began = time.perf_counter()
    bench.create(*names, partitions=100)
    yield Row("10,000 partitions: created", time.perf_counter() - began, "s", 1)
    other, waits, ended = bench.connect(), [], threading.Event()

    def ping() -> None:
        while not ended.is_set():
            sent = time.perf_counter()
            other.ask("ApiVersions", 0)
            waits.append((time.perf_counter() - sent) * 1000)

    topics = [{"name": name} for name in names]
    thread = threading.Thread(target=ping)
    thread.start()
    took = []
    for _ in range(20):
        sent = time.perf_counter()
        number = bench.control.send_request("Metadata", 9, topics=topics)
        bench.control.receive_frame()
        took.append((time.perf_counter() - sent) * 1000)
        assert number
    ended.set()
    thread.join()
    yield Row("10,000 partitions: the first Metadata", took[0], "ms", 25)
    yield Row("10,000 partitions: further Metadata, p50", statistics.median(took[1:]), "ms", 25)
    yield Row("10,000 partitions: longest wait of another client meanwhile", max(waits), "ms", 5)


ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    one.__name__: one for one in (commits, beats, parked, session, metadata)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3, help="for each row")
    parser.add_argument("--only", default="", help="some of: " + ", ".join(ROWS))
    parser.add_argument("--json", type=Path, help="a file for the rows")
    arguments = parser.parse_args()
    rows = []
    print("| row | found | wanted |\n|---|---:|---:|", flush=True)
    for name in arguments.only.split(",") if arguments.only else list(ROWS):
        with tempfile.TemporaryDirectory() as home:
            bench = Bench(Path(home), arguments.seconds)
            try:
                for row in ROWS[name](bench):
                    rows.append(row)
                    wanted = "" if row.wanted is None else f"{row.wanted:g} {row.unit}"
                    print(f"| {row.name} | {row.found:.3g} {row.unit} | {wanted} |", flush=True)
            finally:
                bench.broker.close()
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
