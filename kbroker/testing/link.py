"""The process of a test's broker, and the lines to it (`kbroker/control/door.py` says what stands on them).

One end of a socket pair is ours, the other the child's: when ours closes the child ends, and it closes with this
process, however that ends. A thread reads what the child says. Questions may be asked from any thread.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from kbroker.control.plain import to_plain

STARTING_SECONDS = 30.0
ENDING_SECONDS = 10.0
MOST_ASKED = 1000

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Behind everything else on the path, so that what the environment has of its own comes first; but in a wheel the inner
# packages are ours alone.
_CHILD = """
import os, sys
package, fd, parent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
house = os.path.join(package, "_house")
if os.path.isdir(house):
    sys.path.insert(0, house)
sys.path.append(os.path.dirname(package))
from kbroker.control.child import main
main(fd, parent)
"""


def _spawn(door: socket.socket) -> subprocess.Popen[bytes]:
    """A child that has this socket: as a descriptor, or where those are not inherited (Windows) by its description,
    which is what it finds on its stdin. A process group of its own: Ctrl-C is for the test to hear."""
    command = [sys.executable, "-P", "-c", _CHILD, _PACKAGE]
    if sys.platform != "win32":
        command += [str(door.fileno()), str(os.getpid())]
        return subprocess.Popen(command, pass_fds=(door.fileno(),), stdin=subprocess.DEVNULL, process_group=0)
    flags = subprocess.CREATE_NEW_PROCESS_GROUP
    process = subprocess.Popen([*command, "-1", "0"], stdin=subprocess.PIPE, creationflags=flags)
    assert process.stdin is not None
    process.stdin.write(door.share(process.pid))
    process.stdin.close()
    return process


class ControlError(Exception):
    """The broker did not do what it was asked to. `kind` is a word: "argument", "unknown", "missing", "refused" (then
    the message begins with the name of Kafka's error), "timeout" or "failed"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NotSeen(ControlError, AssertionError):
    """What was waited for has not come; the message says what was seen instead."""


class BrokerGone(Exception):
    """The broker could not start, or has ended."""


class Stream:
    """Events of a subscription, until `close`."""

    def __init__(self, link: Link, number: int, heard: Callable[[Any], object]) -> None:
        self._link = link
        self.number = number
        self.heard = heard
        self.is_over = False

    def close(self) -> None:
        self._link.forget(self.number)


class Line(Protocol):
    """What asks a broker. `asked` are the newest questions of this line, for a scenario of what was done."""

    asked: deque[tuple[str, Mapping[str, Any]]]

    def ask(self, verb: str, arguments: Mapping[str, Any]) -> tuple[int, Future[Any]]: ...

    def stream(self, verb: str, arguments: Mapping[str, Any], heard: Callable[[Any], object]) -> Stream: ...

    def forget(self, number: int) -> None: ...

    def close(self) -> None: ...


class Extension:
    """The line to one more broker of the same child."""

    def __init__(self, link: Link, broker: int) -> None:
        self._link = link
        self._broker = broker
        self._is_closed = False
        self.asked: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=MOST_ASKED)

    def ask(self, verb: str, arguments: Mapping[str, Any]) -> tuple[int, Future[Any]]:
        self.asked.append((verb, arguments))
        return self._link.ask(verb, arguments, self._broker)

    def stream(self, verb: str, arguments: Mapping[str, Any], heard: Callable[[Any], object]) -> Stream:
        return self._link.stream(verb, arguments, heard, self._broker)

    def forget(self, number: int) -> None:
        self._link.forget(number)

    def close(self) -> None:
        """End that broker alone."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self._link.ask("brokers.drop", {"broker": self._broker})[1].result(ENDING_SECONDS)
            except BrokerGone:  # with all that were in its process
                pass


class Link:
    """A running child. `ready` is what it said of itself."""

    def __init__(self, wish: Mapping[str, Any]) -> None:
        self.asked: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=MOST_ASKED)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._asked: dict[int, Future[Any]] = {}
        self._streams: dict[int, Stream] = {}
        self._gone: str = ""
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = _spawn(theirs)
        self._file = self._socket.makefile("rb")
        self.ready = self._begin(wish)
        self._reader = threading.Thread(target=self._read, name="kbroker", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, verb: str, arguments: Mapping[str, Any], broker: int = 0) -> tuple[int, Future[Any]]:
        """The number of the question and the plain answer to come, or ControlError, or BrokerGone."""
        future: Future[Any] = Future()
        if not broker:
            self.asked.append((verb, arguments))
        with self._lock:
            number = next(self._numbers)
            self._asked[number] = future
        self._say(id=number, verb=verb, arguments=arguments, broker=broker)
        return number, future

    def stream(
        self, verb: str, arguments: Mapping[str, Any], heard: Callable[[Any], object], broker: int = 0
    ) -> Stream:
        """Subscribe: `heard` is called with each event, in the thread that reads."""
        with self._lock:
            stream = Stream(self, next(self._numbers), heard)
            self._streams[stream.number] = stream
        self._say(id=stream.number, verb=verb, arguments=arguments, broker=broker)
        return stream

    def forget(self, number: int) -> None:
        """Nobody waits for this answer, or these events, any more."""
        with self._lock:
            self._asked.pop(number, None)
            self._streams.pop(number, None)
            gone = self._gone
        if not gone:
            self._say(cancel=number)

    def close(self) -> None:
        """End the child, and wait until it has ended. Harmless twice."""
        with self._lock:
            was_gone, self._gone = self._gone, self._gone or "it was closed"
        if not was_gone:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:  # the child was faster
                pass
        self._reap()
        if self._reader is not threading.current_thread():
            self._reader.join()
        self._file.close()
        self._socket.close()

    def _reap(self) -> None:
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # --- lines --------------------------------------------------------------------------------------------------------

    def _begin(self, wish: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say what is wanted, and hear that it is there."""
        self._socket.settimeout(STARTING_SECONDS)
        try:
            self._socket.sendall(json.dumps(wish).encode() + b"\n")
            line = self._file.readline()
        except OSError as error:
            line = b""
            self._gone = f"it said nothing for {STARTING_SECONDS:g} s" if isinstance(error, TimeoutError) else ""
        self._socket.settimeout(None)
        said = json.loads(line) if line else {}
        if "ready" not in said:
            self._socket.close()
            self._reap()
            why = said.get("failed") or self._gone or f"its process ended with status {self._process.returncode}"
            raise BrokerGone(f"the broker did not start: {why}")
        ready: Mapping[str, Any] = said["ready"]
        return ready

    def _say(self, **line: Any) -> None:
        data = json.dumps(to_plain(line), separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if not self._gone:
                try:
                    self._socket.sendall(data)
                    return
                except OSError:
                    pass
        self._end()

    def _read(self) -> None:
        try:
            for line in self._file:
                self._hear(json.loads(line))
        except (OSError, ValueError):
            pass
        self._end()

    def _hear(self, said: Mapping[str, Any]) -> None:
        number = said.get("id")
        if number is None:
            return
        if "event" in said:
            stream = self._streams.get(number)
            if stream is not None:
                stream.heard(said["event"])
            return
        with self._lock:
            ended = self._streams.pop(number, None)
            future = self._asked.pop(number, None)
        if ended is not None:
            ended.is_over = True
        if future is None or future.done():
            return
        if "error" in said:
            kind, message = said["error"]["kind"], said["error"]["message"]
            future.set_exception((NotSeen if kind == "timeout" else ControlError)(kind, message))
        else:
            future.set_result(said.get("answer"))

    def _end(self) -> None:
        """The child is gone, or we have let go of it: nobody will hear an answer."""
        with self._lock:
            if not self._gone:
                try:
                    status = f"with status {self._process.wait(1.0)}"
                except subprocess.TimeoutExpired:
                    status = "without a word"
                self._gone = f"its process ended {status}"
            asked, self._asked = self._asked, {}
            streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.is_over = True
        for future in asked.values():
            if not future.done():
                future.set_exception(BrokerGone(f"the broker is gone: {self._gone}"))
