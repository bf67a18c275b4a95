"""A distributed Kafka Connect worker as a process: started, asked over its REST interface, killed, started again."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from compat_tests.broker import free_port
from compat_tests.java.jars import jars
from compat_tests.tools import need_command, until

REST_S = 30
READY_S = 120.0
JAVA = ["-Xmx512M", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


class Java:
    """A main class of `pom-connect.xml` with a properties file."""

    def __init__(self, main: str, home: Path, settings: dict[str, object]) -> None:
        self.main = main
        self.home = home
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        file = self.home / "worker.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        words = [need_command("java", "java"), *JAVA, "-cp", f"{jars('pom-connect.xml')}/*", self.main, str(file)]
        with open(self.home / "worker.log", "ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.home)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def said(self) -> str:
        return (self.home / "worker.log").read_text(errors="replace")[-4000:]


class Worker(Java):
    def __init__(self, bootstrap: str, home: Path) -> None:
        self.port = free_port()
        settings: dict[str, object] = {
            "bootstrap.servers": bootstrap,
            "group.id": "connect",
            "exactly.once.source.support": "enabled",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "listeners": f"http://127.0.0.1:{self.port}",
            "plugin.discovery": "only_scan",
            "offset.flush.interval.ms": 500,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1000,
            "scheduled.rebalance.max.delay.ms": 0,
        }
        for store in ("config", "offset", "status"):
            settings[f"{store}.storage.topic"] = f"connect-{store}"
            settings[f"{store}.storage.replication.factor"] = 1
        super().__init__("org.apache.kafka.connect.cli.ConnectDistributed", home, settings)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer, or None while the worker cannot give one."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, REST_S) as answer:
                return json.load(answer)
        except (OSError, urllib.error.HTTPError):
            return None

    def connect(self, name: str, kind: str, **config: str) -> None:
        """Makes a connector of the file connectors, and waits until its task runs."""
        config = {key.replace("_", "."): value for key, value in config.items()}
        config |= {"connector.class": f"org.apache.kafka.connect.file.{kind}", "tasks.max": "1"}
        until(f"the worker takes {name}", lambda: self.ask("PUT", f"/connectors/{name}/config", config), READY_S)
        self.runs(name)

    def runs(self, name: str) -> None:
        def is_running() -> bool:
            status = self.ask("GET", f"/connectors/{name}/status") or {"tasks": []}
            return [task["state"] for task in status["tasks"]] == ["RUNNING"]

        until(f"{name} runs", is_running, READY_S)
