"""The JVM that runs the tools (Tools.java), and the playing of a transcript with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

from compat_tests.broker import Outside, Process
from compat_tests.java.jars import jars
from compat_tests.java.tools.transcript import APPLICATIONS, Step, Transcript, masked
from compat_tests.tools import Deadline, need_command

CALL_S = 90.0
OPTIONS = (
    *("-Xmx512M", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
)
# kbroker's default, so that Apache Kafka does not wait either
DEVELOPMENT = ("group.initial.rebalance.delay.ms=0",)
# these parse the address as an option of their own, before the sub-command
SUB_COMMANDS = ("MetadataQuorumCommand", "TransactionsCommand", "FeatureCommand")


class Machine:
    """One JVM, one call at a time."""

    def __init__(self, *options: str, applications: Path | None = None) -> None:
        """`options` are the JVM's. With a folder to compile them into, applications of ours run like tools, too."""
        folder = jars("pom-tools.xml")
        tools = next(folder.glob("kafka-tools-[0-9]*.jar"))
        words = [
            need_command("java", "java"),
            *OPTIONS,
            *options,
            "-cp",
            os.pathsep.join([f"{folder}/*", *(_compiled(folder, applications) if applications else [])]),
            str(Path(__file__).parent / "Tools.java"),
        ]
        self._jvm = subprocess.Popen([*words, str(tools)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to one request; a JVM that is silent for too long is killed, and the test fails."""
        assert self._jvm.stdin is not None and self._jvm.stdout is not None
        self._jvm.stdin.write(json.dumps(request) + "\n")
        self._jvm.stdin.flush()
        guard = threading.Timer(CALL_S, self._jvm.kill)
        guard.start()
        try:
            line = self._jvm.stdout.readline()
        finally:
            guard.cancel()
        assert line, f"no answer within {CALL_S:g} s to {request}"
        return dict(json.loads(line))

    def close(self) -> None:
        assert self._jvm.stdin is not None and self._jvm.stdout is not None
        self._jvm.stdin.close()
        self._jvm.stdout.close()
        self._jvm.kill()
        self._jvm.wait()


def _compiled(tools: Path, into: Path) -> list[str]:
    """Where the applications are, and what they need beside the tools."""
    needed = [str(path) for pattern in ("kafka-streams-*.jar", "rocksdbjni-*.jar") for path in jars().glob(pattern)]
    path = os.pathsep.join([f"{tools}/*", *needed])
    sources = [str(Path(__file__).parent / f"{name}.java") for name in APPLICATIONS]
    subprocess.run([need_command("javac", "java"), "-d", str(into), "-cp", path, *sources], check=True, timeout=CALL_S)
    return [str(into), *needed]


def play(transcript: Transcript, machine: Machine, broker: Process | Outside, home: Path) -> list[list[str]]:
    """What each command says, against this broker."""
    for name, text in transcript.files.items():
        (home / name).write_text(text.replace("{address}", broker.bootstrap))
    return [_run(step, machine, broker.bootstrap, home) for step in transcript.steps]


def _run(step: Step, machine: Machine, address: str, home: Path) -> list[str]:
    if step.how == "stop":
        machine.ask(stop=step.pattern)
        return []
    words = [re.sub(r"@(?=[\w-]+\.)", f"{home}/", word) for word in step.words[1:]]
    if any("{address}" in word for word in words):
        words = [word.replace("{address}", address) for word in words]
    elif step.words[0] in SUB_COMMANDS:
        words = ["--bootstrap-server", address, *words]
    else:
        words += ["--bootstrap-server", address]
    request = {"tool": step.tool, "words": words, "input": "".join(f"{line}\n" for line in step.lines_in)}
    if step.how == "background":
        machine.ask(**request, background=step.pattern)
        return []
    deadline = Deadline(step.text)
    told = _told(step, machine.ask(**request))
    while step.how == "until" and not any(re.search(step.pattern, line) for line in told):
        deadline.check(told)
        told = _told(step, machine.ask(**request))
    return told


def _told(step: Step, answer: dict[str, Any]) -> list[str]:
    lines = masked(answer["said"])
    status = [f"[{answer['status']}]"] if answer["status"] else []
    if step.how == "count":
        return [*status, f"{sum(bool(re.search(step.pattern, line)) for line in lines)} times"]
    return [*status, *(lines if step.in_order else sorted(lines))]
