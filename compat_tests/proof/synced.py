"""No answer leaves before the disk has what it says: `kbroker --fsync` under strace, 1,000 writes looked at one by one.

    python -m compat_tests.proof.synced [--writes 1000] [--connections 8] [--without-fsync]

Every write is one Produce with a value of its own over one of several connections; they go to several partitions, up to
five under way on each connection. strace (Linux; a package of that name) sees the system calls of all threads in order.
For each write:

    pwritev of its bytes has ended  <  an fdatasync of the same file begins  ..  it ends with 0  <  its answer is sent

and for each file, before the first answer that rests on it, an fsync of its directory that began after the file was
made. `--without-fsync` starts the broker without the flag: then the checker must find answers that came too early,
which shows that it can. Ends with status 1 if the promise was broken.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from compat_tests.broker import REPOSITORY, free_port
from compat_tests.wire.connection import Connection, batch

PARTITIONS = 4
IN_FLIGHT = 5
CALLS = "openat,pwrite64,pwritev,pwritev2,fdatasync,fsync,write,writev,sendto,sendmsg"
MARK = re.compile(rb"write=(\d{8})")

_LINE = re.compile(r"^(\d+) +(.*)$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HEX = re.compile(rb"\\x([0-9a-f]{2})")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$")
_RESULT = re.compile(r"= (-?\d+)(?:<(.*?)>)?(?: \w+ \(.*\))?$")


class Call(NamedTuple):
    """One system call: where in the order of events it began and ended."""

    name: str
    begun: int
    ended: int
    path: str
    """Of the descriptor that it is about, or that it made."""
    data: bytes
    result: int


def calls(lines: list[str]) -> list[Call]:
    """What strace has seen, in the order in which calls began."""
    found: list[Call] = []
    open_calls: dict[str, tuple[str, int, str]] = {}
    for at, line in enumerate(lines):
        split = _LINE.match(line)
        if split is None:
            continue
        thread, text = split.groups()
        if resumed := _RESUMED.match(text):
            name, begun, head = open_calls.pop(thread, (resumed[1], at, ""))
            found.append(_call(name, begun, at, head + resumed[2]))
        elif call := _CALL.match(text):
            if text.endswith("<unfinished ...>"):
                open_calls[thread] = call[1], at, call[2].removesuffix("<unfinished ...>")
            else:
                found.append(_call(call[1], at, at, call[2]))
    return sorted(found, key=lambda one: one.begun)


def _call(name: str, begun: int, ended: int, text: str) -> Call:
    data = b"".join(map(_bytes, _STRING.findall(text)))
    result = _RESULT.search(text)
    value = int(result[1]) if result else -1
    described = result[2] if name == "openat" and result else _first_path(text)
    return Call(name, begun, ended, _bytes(described or "").decode(), data, value)


def _bytes(text: str) -> bytes:
    """strace -xx writes strings, and the paths behind descriptors, as \\xNN; sockets it describes in plain words."""
    return _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())


def _first_path(text: str) -> str:
    match = re.match(r"\d+<([^>]*)>", text)
    return match[1] if match else ""


class Trace:
    """What the calls say about writes, syncs and answers."""

    def __init__(self, found: list[Call]) -> None:
        self.written: dict[int, Call] = {}
        self.syncs: dict[str, list[Call]] = defaultdict(list)
        self.made: dict[str, int] = {}
        self.answered: dict[int, int] = {}
        streams: dict[str, bytearray] = defaultdict(bytearray)
        for call in found:
            if call.name in ("fdatasync", "fsync"):
                if call.result == 0:
                    self.syncs[call.path].append(call)
            elif call.name == "openat":
                self.made.setdefault(call.path, call.ended)
            elif call.path.startswith(("socket:", "TCP:")):
                self._sent(streams[call.path], call)
            elif call.path.endswith(".log"):
                for mark in MARK.findall(call.data):
                    self.written[int(mark)] = call

    def _sent(self, stream: bytearray, call: Call) -> None:
        stream += call.data[: call.result] if call.result > 0 else b""
        while len(stream) >= 8 and len(stream) >= 4 + (size := struct.unpack_from(">i", stream)[0]):
            self.answered.setdefault(struct.unpack_from(">i", stream, 4)[0], call.begun)
            del stream[: 4 + size]

    def fault(self, write: int, answer: int) -> str | None:
        """What is wrong with the answer to this write, if anything."""
        wrote, answered = self.written.get(write), self.answered.get(answer)
        if wrote is None:
            return "its bytes were never written"
        if answered is None:
            return "its answer is not in the trace"
        if not any(sync.begun > wrote.ended and sync.ended < answered for sync in self.syncs[wrote.path]):
            return "no fdatasync lies between its pwritev and its answer"
        made, folder = self.made.get(wrote.path, -1), os.path.dirname(wrote.path)
        if not any(sync.begun > made and sync.ended < answered for sync in self.syncs[folder]):
            return "the name of its file was not synced before its answer"
        return None


def load(port: int, writes: int, connections: int) -> dict[int, int]:
    """Produce so many writes; the correlation id of the answer to each."""
    lines = [Connection("127.0.0.1", port) for _ in range(connections)]
    topic = {"name": "synced", "num_partitions": PARTITIONS, "replication_factor": 1}
    lines[0].ask("CreateTopics", 5, topics=[topic], timeout_ms=30_000)
    answers: dict[int, int] = {}
    waiting: list[tuple[Connection, int]] = []
    for at, line in enumerate(lines):
        line._ids = iter(range((at + 1) * 1_000_000, (at + 2) * 1_000_000))  # type: ignore[assignment]
    for write in range(writes):
        line = lines[write % connections]
        data = {"index": write % PARTITIONS, "records": batch(b"write=%08d" % write)}
        topics = [{"name": "synced", "partition_data": [data]}]
        number = line.send_request("Produce", 9, acks=-1, timeout_ms=30_000, topic_data=topics)
        answers[write] = number
        waiting.append((line, number))
        if len(waiting) >= IN_FLIGHT * connections:
            _take(*waiting.pop(0))
    for line, number in waiting:
        _take(line, number)
    for line in lines:
        line.close()
    return answers


def _take(line: Connection, number: int) -> None:
    answer = line.receive("Produce", 9, number)
    (one,) = answer.responses[0].partition_responses
    assert one.error_code == 0, one


def traced(arguments: argparse.Namespace, home: Path) -> tuple[dict[int, int], Trace]:
    """A broker under strace, the load, and what was seen."""
    port, log = free_port(), home / "strace.txt"
    broker = [sys.executable, "-m", "kbroker", "serve", "--listen", f"127.0.0.1:{port}", "--data", str(home / "data")]
    broker += [] if arguments.without_fsync else ["--fsync"]
    strace = ["strace", "-f", "-yy", "-xx", "-s", "100000", "-e", f"trace={CALLS}", "-o", str(log)]
    with subprocess.Popen([*strace, *broker], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        try:
            assert " pid=" in ready, "the broker did not start"
            answers = load(port, arguments.writes, arguments.connections)
        finally:
            if " pid=" in ready:
                os.kill(int(ready.rpartition("pid=")[2]), 15)
            process.wait(60)
    return answers, Trace(calls(log.read_text().splitlines()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--without-fsync", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("strace") is None:
        print("nothing was looked at: strace is not installed")
        return 1
    with tempfile.TemporaryDirectory() as home:
        answers, trace = traced(arguments, Path(home))
    faults = Counter(fault for write, answer in answers.items() if (fault := trace.fault(write, answer)) is not None)
    synced = sum(map(len, trace.syncs.values()))
    pwrites = len(set(trace.written.values()))
    print(
        f"{len(answers)} acknowledged writes in {pwrites} pwritev, {synced} syncs, {len(trace.answered)} answers seen"
    )
    for fault, count in faults.items():
        print(f"{count} answers: {fault}")
    if not faults:
        print("every answer was sent after an fdatasync that began after its bytes were written")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
