"""A URL is an engine: the one place that knows which engines there are.

memory:                  the reference engine; gone with the process
file:///var/lib/kbroker  the engine on files; needs `files`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine import Engine, EngineOptions, Files, Now

if TYPE_CHECKING:
    from .disk.deleted import At


def open_engine(url: str, *, files: Files | None, now: Now, options: EngineOptions, at: At | None = None) -> Engine:
    """The engine behind the URL, not yet opened: `await engine.open()`. Without `at` deleted files go at once."""
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        from .memory import MemoryEngine

        return MemoryEngine(now=now, options=options)
    if scheme == "file":
        if files is None:
            raise ValueError("an engine on files needs files")
        from .disk.engine import DiskEngine

        return DiskEngine(rest.removeprefix("//"), files=files, now=now, options=options, at=at)
    raise ValueError(f"no engine for {url!r}: memory: or file:///path")
