"""How long a start takes, and what an idle broker costs.

    python -m compat_tests.bench.startup [--rounds 15] [--memory] [--python PATH]

Prints one JSON object. Milliseconds are from exec, medians of the rounds, each on a fresh data directory (the first
round warms the page cache and byte code and is not counted):

    start_ms    to the first answer to a Metadata request: version 1, over a connection that is retried until the
                listening socket is there (the port is chosen before). With byte code, as an installed
                broker has it: the first round writes it even where PYTHONDONTWRITEBYTECODE is set
    compiling_ms  the same without any byte code: every module is compiled at every start
    ready_ms    to the ready line on stdout
    restart_ms  to the first Metadata answer on a data directory that a broker has used and closed before
    idle_rss_mib, idle_cpu_ms, idle_wakeups    resident memory after a second without a client; CPU time (in ticks of
                10 ms) and returns from waiting in the second after it

Asked for: start_ms below 150, idle_rss_mib below 50, idle_cpu_ms 0.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent
METADATA_V1 = b"\x00\x00\x00\x13" + b"\x00\x03\x00\x01" + b"\x00\x00\x00\x01" + b"\x00\x05bench" + b"\x00\x00\x00\x00"
GIVE_UP_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def first_metadata(port: int) -> None:
    """Until a Metadata request is answered; refused connections are tried again at once."""
    end = time.monotonic() + GIVE_UP_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_S) as connection:
                connection.sendall(METADATA_V1)
                size = int.from_bytes(exactly(connection, 4), "big")
                answer = exactly(connection, size)
                assert answer[:4] == b"\x00\x00\x00\x01"
                return
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            select.select([], [], [], 0.001)


def run(python: str, port: int, data: Path | None, bare: Path | None = None) -> subprocess.Popen[bytes]:
    """A broker; of the tree `bare` without byte code, which does not get any."""
    storage = ["--memory"] if data is None else ["--data", str(data)]
    command = [python, "-m", "kbroker", "serve", "--listen", f"127.0.0.1:{port}", *storage]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {} if bare is None else {"PYTHONDONTWRITEBYTECODE": "1"}
    place = bare or REPOSITORY
    return subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(GIVE_UP_S)
    assert process.stdout is not None
    process.stdout.close()


def start_to_metadata(python: str, data: Path | None, bare: Path | None = None) -> float:
    port = free_port()
    began = time.perf_counter()
    process = run(python, port, data, bare)
    try:
        first_metadata(port)
        return (time.perf_counter() - began) * 1000
    finally:
        end(process)


def start_to_ready(python: str, data: Path | None) -> float:
    began = time.perf_counter()
    process = run(python, free_port(), data)
    try:
        assert process.stdout is not None and process.stdout.readline()
        return (time.perf_counter() - began) * 1000
    finally:
        end(process)


def cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def wakeups(pid: int) -> int:
    """Voluntary context switches: finer than CPU ticks, each is one return from waiting."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return -1


def idle(python: str, data: Path | None) -> dict[str, float]:
    if not Path("/proc/self/stat").exists():
        return {}
    port = free_port()
    process = run(python, port, data)
    try:
        first_metadata(port)
        process_waits(process, 1.0)
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        cpu, woken = cpu_ms(process.pid), wakeups(process.pid)
        process_waits(process, 1.0)
        return {
            "idle_rss_mib": round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1),
            "idle_cpu_ms": cpu_ms(process.pid) - cpu,
            "idle_wakeups": wakeups(process.pid) - woken,
        }
    finally:
        end(process)


def process_waits(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Waits for time to pass, and notices when the broker ends meanwhile."""
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise SystemExit(f"the broker ended with status {status}")


def figures(rounds: list[float]) -> dict[str, float]:
    counted = rounds[1:]
    return {
        "median": round(statistics.median(counted), 1),
        "least": round(min(counted), 1),
        "most": round(max(counted), 1),
    }


def measure(python: str, rounds: int, memory: bool) -> dict[str, Any]:
    def directory(home: str, name: str) -> Path | None:
        return None if memory else Path(home) / name

    with tempfile.TemporaryDirectory() as home:
        result: dict[str, Any] = {
            "python": subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1],
            "storage": "memory" if memory else "disk",
            "rounds": rounds,
            "start_ms": figures([start_to_metadata(python, directory(home, f"a{i}")) for i in range(rounds + 1)]),
            "ready_ms": figures([start_to_ready(python, directory(home, f"b{i}")) for i in range(rounds + 1)]),
        }
        bare = Path(home) / "tree"
        for package in ("kbroker", "storage", "wire"):
            shutil.copytree(REPOSITORY / package, bare / package, ignore=shutil.ignore_patterns("__pycache__"))
        for shared in REPOSITORY.glob("*__mypyc*"):  # what the extensions of a compiled tree have in common
            shutil.copy(shared, bare)
        result["compiling_ms"] = figures(
            [start_to_metadata(python, directory(home, f"c{i}"), bare) for i in range(rounds + 1)]
        )
        if not memory:
            used = directory(home, "a0")
            result["restart_ms"] = figures([start_to_metadata(python, used) for _ in range(rounds + 1)])
        result.update(idle(python, directory(home, "idle")))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    print(json.dumps(measure(options.python, options.rounds, options.memory), indent=2))


if __name__ == "__main__":
    main()
