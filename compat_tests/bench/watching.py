"""What looking costs: CPU of the broker for each request, with nobody there, with a door, and while somebody watches.

    python -m compat_tests.bench.watching                    # two to three minutes
    python -m compat_tests.bench.watching --rounds 3 --seconds 1 --rate 10000

    off       nothing
    http      --http: requests are counted for /metrics; nobody looks
    tap       --http --control: everything is remembered; nobody looks
    trace     --http, and `kbroker trace` reads every frame
    console   --http, and the console's stream of rows is read

Each broker is a process of its own on core 0, they take turns (A B C D E, A B C D E ...), and the load comes from core
1: small requests, one in flight on each of 64 connections, paced to `--rate` a second in all. What is told is the time
that the kernel counts for the broker's process (/proc/PID/schedstat), by request: the median of the rounds. Linux only.
The result goes to compat_tests/bench/results/watching.json and .md.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from compat_tests.bench.requests import KINDS, PARTITIONS, TOPIC, framed
from wire.header import decode_response_header
from wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse

CONNECTIONS = 64
ASKED = ("metadata", "produce")
RESULTS = Path(__file__).parent / "results"
HTTP = ("--http", "127.0.0.1:0")
MODES = {
    "off": (),
    "http": HTTP,
    "tap": (*HTTP, "--control"),
    "trace": HTTP,
    "console": HTTP,
}
BROKER_CORE, LOAD_CORE = 0, 1


class Broker:
    """One of them, with whoever watches it."""

    def __init__(self, mode: str) -> None:
        command = [sys.executable, "-m", "kbroker", "serve", "--memory", "--listen", "127.0.0.1:0", *MODES[mode]]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=lambda: pin(BROKER_CORE)
        )
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        self.port = int(re.search(r"ready on \S*:(\d+)", ready)[1])  # type: ignore[index]
        found = re.search(r"http=(\S+)", ready)
        self.door = found[1] if found else ""
        self.connections = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(CONNECTIONS)]
        for each in self.connections:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._make_topic()

    def _make_topic(self) -> None:
        topic = CreatableTopic(name=TOPIC, num_partitions=PARTITIONS, replication_factor=1)
        self.connections[0].sendall(framed(CreateTopicsRequest(topics=[topic], timeout_ms=30_000), 5))
        size = int.from_bytes(exactly(self.connections[0], 4), "big")
        reply = exactly(self.connections[0], size)
        _, offset = decode_response_header(reply, 1)
        self.topic_id = bytes(16)
        assert CreateTopicsResponse.decode(reply[offset:], 5).topics[0].error_code == 0

    @property
    def cpu_ns(self) -> int:
        """What all its threads have had of the processor."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks.iterdir())

    def close(self) -> None:
        for each in self.connections:
            each.close()
        self.process.terminate()
        self.process.communicate(timeout=30)


def exactly(connection: socket.socket, count: int) -> bytes:
    said = b""
    while len(said) < count:
        said += connection.recv(count - len(said))
    return said


def pin(core: int) -> None:
    os.sched_setaffinity(0, {core})


# --- who watches ----------------------------------------------------------------------------------------------------


@contextmanager
def watched(mode: str, broker: Broker) -> Iterator[Callable[[], int]]:
    """Somebody looks, in the ways of this mode, at low priority; how much they have been told, in lines or events."""
    if mode == "trace":
        with traced(broker) as lines:
            yield lines
    elif mode == "console":
        with streamed(broker) as events:
            yield events
    else:
        yield lambda: 0


@contextmanager
def traced(broker: Broker) -> Iterator[Callable[[], int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "kbroker", "trace", broker.door],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=lambda: (pin(LOAD_CORE), os.nice(19)),
    )  # fmt: skip
    seen = [0]

    def read() -> None:
        assert process.stdout is not None
        for _ in process.stdout:
            seen[0] += 1

    threading.Thread(target=read, daemon=True).start()
    try:
        yield lambda: seen[0]
    finally:
        process.kill()
        process.wait()


@contextmanager
def streamed(broker: Broker) -> Iterator[Callable[[], int]]:
    connection = http.client.HTTPConnection(broker.door)
    connection.request("GET", "/frames/follow")
    answer = connection.getresponse()
    assert answer.status == http.client.OK
    seen = [0]

    def read() -> None:
        try:
            for line in answer:
                seen[0] += line.startswith(b"data: ")
        except (OSError, ValueError, AttributeError):
            return  # closed

    threading.Thread(target=read, daemon=True).start()
    try:
        yield lambda: seen[0]
    finally:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()


# --- the load -------------------------------------------------------------------------------------------------------


def load(broker: Broker, kind: str, rate: int, seconds: float) -> tuple[float, float]:
    """Microseconds of the broker's CPU for each request, and requests a second. One request in flight on each
    connection; a wave of them goes out when its time has come and the wave before has been answered."""
    make, version = KINDS[kind]
    waves = [framed(make(version, index % PARTITIONS, broker.topic_id), version) for index in range(CONNECTIONS)]
    selector = selectors.DefaultSelector()
    for each in broker.connections:
        selector.register(each, selectors.EVENT_READ)
    pause, sent = CONNECTIONS / rate, 0
    begun, cpu = time.monotonic(), broker.cpu_ns
    due = begun
    while (now := time.monotonic()) < begun + seconds:
        if now < due:
            selector.select(due - now)  # nothing comes: it is the wave's time that is waited for
        due = max(due + pause, now - pause)
        for connection, frame in zip(broker.connections, waves, strict=True):
            connection.send(frame)
        left = CONNECTIONS
        while left:
            for key, _ in selector.select():
                reply = key.fileobj.recv(65536)  # type: ignore[union-attr]
                assert len(reply) == 4 + int.from_bytes(reply[:4], "big"), "one reply, and it is whole"
                left -= 1
        sent += CONNECTIONS
    took = time.monotonic() - begun
    selector.close()
    return (broker.cpu_ns - cpu) / sent / 1000, sent / took


# --- all of it ------------------------------------------------------------------------------------------------------


def measure(rounds: int, rate: int, seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    brokers = {mode: Broker(mode) for mode in MODES}
    found: dict[str, dict[str, list[tuple[float, float, int]]]] = {kind: {m: [] for m in MODES} for kind in ASKED}
    try:
        for kind in ASKED:
            for broker in brokers.values():
                load(broker, kind, rate, 0.5)  # to be warm
            for _ in range(rounds):
                for mode, broker in brokers.items():
                    with watched(mode, broker) as told:
                        if mode in ("trace", "console"):
                            load(broker, kind, rate, 0.7)  # until who watches is there
                        before = told()
                        us, per_second = load(broker, kind, rate, seconds)
                        found[kind][mode].append((us, per_second, told() - before))
    finally:
        for broker in brokers.values():
            broker.close()
    return {
        kind: {
            mode: {
                "us": round(median(each[0] for each in rows), 2),
                "rate": round(median(each[1] for each in rows)),
                "told": round(median(each[2] for each in rows)),
            }
            for mode, rows in modes.items()
        }
        for kind, modes in found.items()
    }


def as_table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = ["| request | " + " | ".join(MODES) + " | requests/s |", "|---" * (len(MODES) + 2) + "|"]
    for kind, modes in found.items():
        http_us = modes["http"]["us"]
        cells = [f"{modes['off']['us']:.1f}", f"{http_us:.1f}"]
        cells += [f"{modes[m]['us']:.1f} ({modes[m]['us'] / http_us * 100 - 100:+.0f} %)" for m in list(MODES)[2:]]
        lines.append(f"| {kind} | " + " | ".join(cells) + f" | {min(each['rate'] for each in modes.values()):,.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=20_000, help="requests a second, as far as they can be had")
    parser.add_argument("--seconds", type=float, default=2.0, help="so long for each round")
    parser.add_argument("--name", default="watching", help="of the result files")
    chosen = parser.parse_args()
    pin(LOAD_CORE)
    found = measure(chosen.rounds, chosen.rate, chosen.seconds)
    machine = {"python": platform.python_version(), "system": platform.platform(), "load": os.getloadavg()}
    asked = {"rounds": chosen.rounds, "rate": chosen.rate, "seconds": chosen.seconds}
    RESULTS.mkdir(exist_ok=True)
    told = json.dumps({"asked": asked, "machine": machine, **found}, indent=2)
    (RESULTS / f"{chosen.name}.json").write_text(told + "\n")
    text = f"Microseconds of the broker's CPU a request; in brackets, against `http`.\n\n{as_table(found)}\n"
    (RESULTS / f"{chosen.name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
