"""Brokers in the background: one folder of notes for each, by name.

    ~/.local/state/kbroker/NAME/broker.json    pid, where it listens, where its data is, when it was started
    ~/.local/state/kbroker/NAME/broker.log     what it says on standard error

XDG_STATE_HOME moves it. A note whose process has ended is a broker that went down by itself, and is shown as such.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

from kbroker.client.errors import ClientError

NOTE, LOG = "broker.json", "broker.log"


class Noted(NamedTuple):
    """One broker as it was noted at its start. `started` in seconds since 1970; `data` is "memory" or a directory."""

    name: str
    pid: int
    bootstrap: str
    data: str
    started: float

    @property
    def alive(self) -> bool:
        """Whether its process is there, and is still the one that was noted."""
        return is_kbroker(self.pid)

    @property
    def log(self) -> Path:
        return folder(self.name) / LOG


def is_kbroker(pid: int) -> bool:
    """A process id may have been given to somebody else since; where the system tells command lines, look."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    try:
        return b"kbroker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()


def folder(name: str) -> Path:
    if not name or name.startswith(".") or os.sep in name or "/" in name:
        raise ClientError(f"{name!r} is no name for a broker")
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "kbroker" / name


def note(name: str, pid: int, bootstrap: str, data: str) -> Noted:
    noted = Noted(name, pid, bootstrap, data, time.time())
    (folder(name) / NOTE).write_text(json.dumps(noted._asdict()))
    return noted


def look(name: str) -> Noted | None:
    """The note on a broker, None where there is none."""
    try:
        return Noted(**json.loads((folder(name) / NOTE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget(name: str) -> None:
    (folder(name) / NOTE).unlink(missing_ok=True)


def all_noted() -> list[Noted]:
    parent = folder("any").parent
    names = sorted(path.name for path in parent.iterdir()) if parent.is_dir() else []
    return [noted for noted in map(look, names) if noted is not None]


def the_one(name: str | None) -> Noted:
    """The broker of this name, or the only one there is."""
    found = all_noted() if name is None else [noted for noted in (look(name),) if noted is not None]
    if len(found) == 1:
        return found[0]
    if found:
        raise ClientError(f"say which: {', '.join(noted.name for noted in found)}")
    raise ClientError("no broker was started with kbroker up" + (f" under the name {name}" if name else ""))
