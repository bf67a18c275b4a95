"""The broker of a test, in a process of its own: an inherited socket is its door, its ears and its life line.

    parent: {"configs": {...}, ...}      the first line says what broker is wanted (`Wish`)
    child:  {"ready": {...}}             it accepts connections; or {"failed": "one sentence"} and it is gone
    both:   the lines of `door.py`

The child ends when the parent's end of the socket closes, however that happens; and, where the system can tell, when
the parent itself ends: a process that the parent has forked may hold the socket open without knowing it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

NOT_STARTED = 2


class Wish(NamedTuple):
    """What broker is wanted. `configs` are Kafka's, as text; `nodes` in one process; `history_bytes` is how much of the
    traffic is remembered, 0 for nothing; `certificates` is a folder to make certificates in."""

    configs: dict[str, str]
    nodes: int = 1
    history_bytes: int = 0
    seed: int | None = None
    certificates: str = ""


def main(fd: int, parent: int) -> None:
    """The whole life of the process."""
    gc.disable()  # start-up makes no garbage worth looking for
    door = _inherited(fd)
    wish = Wish(**json.loads(_line(door)))
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        status = runner.run(_live(door, parent, wish))
    os._exit(status)  # nothing is left to do, and nobody to wait for


def _inherited(fd: int) -> socket.socket:
    """The socket from the parent; on Windows, where it is no descriptor, its description is on stdin."""
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=fd)


def _line(door: socket.socket) -> bytes:
    """The first line: nothing more is said before it is answered."""
    said = b""
    while not said.endswith(b"\n"):
        more = door.recv(65536)
        if not more:
            os._exit(NOT_STARTED)
        said += more
    return said


async def _live(door: socket.socket, parent: int, wish: Wish) -> int:
    from kbroker.broker import Broker, CannotStart, StorageError
    from kbroker.config import Config, ConfigError
    from kbroker.control.journal import keep
    from kbroker.server.listener import CannotListen

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    journal = keep()
    try:
        from kbroker.control.world import ControlledWorld

        if wish.certificates:
            _certify(wish.certificates)
        files = None
        if "kbroker.memory" not in wish.configs:
            from kbroker.control.storage import WatchedFiles

            files = WatchedFiles()
        world = ControlledWorld(loop, files, wish.seed)
        broker = Broker(Config(wish.configs), world=world, nodes=wish.nodes)
        await broker.start()
    except (CannotListen, ConfigError, CannotStart, StorageError) as error:
        _say(door, failed=" ".join(str(error).split()))
        return NOT_STARTED
    from kbroker.control.control import Control
    from kbroker.control.door import Door
    from kbroker.control.house import House

    control = broker.control or Control(broker, history_bytes=wish.history_bytes)
    control.journal = journal
    house = House(control)
    await _open(loop, door, lambda: Door(house, ended.set))
    _watch(loop, parent, ended.set)
    gc.freeze()
    gc.enable()
    await ended.wait()
    await house.close()
    if broker.data != "memory":
        await broker.stop()
    return 0


async def _open(loop: asyncio.AbstractEventLoop, door: socket.socket, make: Callable[[], Any]) -> None:
    """The door opens by saying that everything is ready."""
    from kbroker.control.house import FIRST
    from kbroker.control.verbs.broker import started

    door.setblocking(False)
    is_unix = hasattr(socket, "AF_UNIX") and door.family == socket.AF_UNIX
    connect = loop.create_unix_connection if is_unix else loop.create_connection
    _, opened = await connect(make, sock=door)
    opened.say(ready=started(opened.house.find(FIRST)))


def _certify(folder: str) -> None:
    """An authority and the broker's certificate; raises ConfigError."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    from kbroker.cli.certs import certs
    from kbroker.config import ConfigError

    said = StringIO()
    try:
        with redirect_stdout(StringIO()), redirect_stderr(said):
            certs.main([folder], standalone_mode=False)
    except SystemExit:
        raise ConfigError(said.getvalue().removeprefix("kbroker: ")) from None


def _say(door: socket.socket, **line: Any) -> None:
    door.sendall(json.dumps(line).encode() + b"\n")


def _watch(loop: asyncio.AbstractEventLoop, parent: int, ended: Callable[[], object]) -> None:
    """Hear of the parent's end from the system, where it tells (Linux: a descriptor that becomes readable)."""
    if hasattr(os, "pidfd_open"):
        try:
            loop.add_reader(os.pidfd_open(parent), ended)
        except OSError:  # the parent is gone, which closes the socket; or the sandbox does not allow it
            pass
