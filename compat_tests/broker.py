"""The broker under test: a process of ours that can be killed and restarted, or somebody else's Kafka.

`Process` runs a command, waits for its ready line on stdout, keeps stderr in a file beside the data, and takes the
same port again at a restart, as a broker on a user's machine would. Two kinds of command are known:

- kbroker itself: `python -m kbroker serve ...`, whose one line on stdout says the real port;
- any other broker by `--broker-command 'COMMAND {port} {dir}'`, ready when it answers ApiVersions. With it the whole
  suite, crashes included, runs against Apache Kafka, which is how the tests themselves were checked.

`Outside` is a broker that we only have an address of (`--bootstrap`): tests that need the process skip.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
READY_S = 60.0
# ApiVersions version 0 with client id "wait": the one request that every broker answers in every state
API_VERSIONS_V0 = b"\x00\x00\x00\x0e\x00\x12\x00\x00\x00\x00\x00\x01\x00\x04wait"


class BrokerFailed(Exception):
    """The process ended or stayed silent where a ready broker was expected."""


class Outside:
    """A broker that runs without us."""

    owned = False

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.host, _, port = bootstrap.rpartition(":")
        self.port = int(port)

    def stderr_tail(self) -> str:
        return ""

    def close(self) -> None:
        pass


class Process:
    """One broker process and its data directory."""

    owned = True

    def __init__(
        self,
        home: Path,
        *,
        settings: Sequence[str] = (),
        listen: str = "127.0.0.1:0",
        command: str | None = None,
        memory: bool = False,
    ) -> None:
        self.data = home / "data"
        self.stderr_path = home / "stderr.log"
        self.settings = tuple(settings)
        self.listen = listen
        self.command = command
        self.memory = memory
        self.host = listen.rpartition(":")[0]
        self.port = int(listen.rpartition(":")[2] or 0)
        self.ready_line = ""
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)

    @property
    def bootstrap(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Process:
        """Starts, or starts again on the same data and the same port."""
        assert self._process is None, "it already runs"
        if self.command is not None and self.port == 0:
            self.port = free_port()
        with open(self.stderr_path, "ab") as stderr:
            self._process = subprocess.Popen(
                self._arguments(),
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=stderr if self.command else subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        if self.command is None:
            self._read_ready_line()
        else:
            self._wait_for_an_answer()
        return self

    def _arguments(self) -> list[str]:
        if self.command is not None:
            words = shlex.split(self.command.format(port=self.port, dir=self.data))
            return [*words, *self.settings]
        words = [sys.executable, "-m", "kbroker", "serve"]
        if self.listen:
            words += ["--listen", f"{self.host}:{self.port}"]
        for setting in self.settings:
            words += ["--set", setting]
        return [*words, "--memory"] if self.memory else [*words, "--data", str(self.data)]

    def _read_ready_line(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        line = b""
        deadline = time.monotonic() + READY_S
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(deadline - time.monotonic()):
                    raise BrokerFailed(f"no ready line within {READY_S:g} s; stderr:\n{self.stderr_tail()}")
                chunk = os.read(pipe, 4096)
                if not chunk:
                    status = self._process.wait()
                    self._process = None
                    raise BrokerFailed(f"ended with status {status} before it was ready; stderr:\n{self.stderr_tail()}")
                line += chunk
        self.ready_line = line.decode()
        address = self.ready_line.split(" ready on ", 1)[1].split()[0].split(",")[0]
        self.port = int(address.rpartition(":")[2])

    def _wait_for_an_answer(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise BrokerFailed(f"ended with status {self._process.returncode}; stderr:\n{self.stderr_tail()}")
            try:
                with socket.create_connection((self.host, self.port), timeout=5) as connection:
                    connection.sendall(API_VERSIONS_V0)
                    if connection.recv(4):
                        return
            except OSError:
                continue
        raise BrokerFailed(f"no answer within {READY_S:g} s; stderr:\n{self.stderr_tail()}")

    def kill(self) -> None:
        """kill -9: no farewell, no flush."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process = self._process
        assert process is not None, "it does not run"
        self._process = None
        process.send_signal(number)
        try:
            status = process.wait(READY_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise BrokerFailed(f"did not end within {READY_S:g} s; stderr:\n{self.stderr_tail()}") from None
        finally:
            if process.stdout is not None:
                self.ready_line += process.stdout.read().decode()
                process.stdout.close()
        return status

    def restart(self) -> None:
        self.start()

    @property
    def running(self) -> bool:
        return self._process is not None

    def close(self) -> None:
        if self._process is not None:
            self.kill()

    def stderr_tail(self, size: int = 6000) -> str:
        try:
            text = self.stderr_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return text[-size:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
