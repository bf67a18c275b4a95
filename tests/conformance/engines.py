"""The engines that must keep the contract, and how a test gets each of them.

A test is an `async def` with an engine as its argument, marked `@conforms`; it runs once for every engine. Engines that
outlive a close are in LASTING: their tests get a `Place`, which opens the same data again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from storage.engine import Engine, EngineOptions, Files, Identity
from storage.open import open_engine
from tests.storage.alarms import Alarms
from tests.storage.simdisk import SimFiles

IDENTITY = Identity("a-cluster-of-tests-22ch", 1)
ENGINES = ("memory", "disk", "disk-fsync", "disk-unmapped", "simulated")
LASTING = ENGINES[1:]


class Place:
    """Where one engine's data lies. `now` is its clock."""

    def __init__(self, kind: str, path: Path) -> None:
        self.kind = kind
        self.now = 1_000_000
        self.url = "memory:" if kind == "memory" else "file:///data" if kind == "simulated" else f"file://{path}/data"
        self.files: Files | None = None
        if kind == "simulated":
            self.files = SimFiles()
        elif kind != "memory":
            from storage.disk.files import RealFiles

            self.files = RealFiles()

    def engine(self, **options: Any) -> Engine:
        """An engine on the data, to be opened."""
        options.setdefault("fsync", self.kind == "disk-fsync")
        options.setdefault("mapping", self.kind != "disk-unmapped")
        options.setdefault("identity", IDENTITY)
        given = EngineOptions(**options)
        return open_engine(self.url, files=self.files, now=lambda: self.now, options=given, at=Alarms().at)


def _each(kinds: tuple[str, ...], run: Callable[[Place], Awaitable[None]], test: Callable[..., object]) -> Any:
    @pytest.mark.parametrize("kind", kinds)
    def parametrized(kind: str, tmp_path: Path) -> None:
        async def body() -> None:
            await run(Place(kind, tmp_path))

        asyncio.run(body())

    parametrized.__name__ = getattr(test, "__name__", "test")
    parametrized.__doc__ = test.__doc__
    return parametrized


def conforms(test: Callable[[Engine], Awaitable[None]]) -> Any:
    """Run the test against every engine, opened and closed for it."""

    async def run(place: Place) -> None:
        engine = place.engine()
        await engine.open()
        try:
            await test(engine)
        finally:
            await engine.close()

    return _each(ENGINES, run, test)


def lasts(test: Callable[[Place], Awaitable[None]]) -> Any:
    """Run the test against every engine that outlives its close."""
    return _each(LASTING, test, test)


def anywhere(test: Callable[[Place], Awaitable[None]]) -> Any:
    """Run the test at the place of every engine."""
    return _each(ENGINES, test, test)
