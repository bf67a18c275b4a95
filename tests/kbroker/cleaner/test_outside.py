"""Compaction by a process of its own: the same log as on the loop, and if the process dies, the log as it was."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kbroker.cleaner import run as running
from kbroker.servant import Child
from kbroker.world import RealWorld
from storage.disk.files import RealFiles
from storage.engine import Engine, EngineOptions, Identity
from storage.open import open_engine
from tests.kbroker.cleaner.yard import Yard
from tests.kbroker.servants import Tame
from wire.records import Record

TIME = 1_000_000


class World(RealWorld):
    """A clock that stands, and servants that are watched: `before` is called with each order."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.children: list[Any] = []
        self.before: Callable[[Child, bytes], object] = lambda child, order: None

    def time_ms(self) -> int:
        return TIME

    def servant(self, module: str) -> Any:
        world = self

        class Watched(Child):
            has_ended = False

            async def close(self) -> int:
                status = await super().close()
                self.has_ended = True
                return status

            async def ask(self, order: bytes) -> bytes:
                world.before(self, order)
                return await super().ask(order)

        self.children.append(Watched(module))
        return self.children[-1]


async def yard_at(path: Path, world: World) -> Yard:
    options = EngineOptions(Identity("c", 1))
    engine: Engine = open_engine(f"file://{path}", files=RealFiles(), now=world.time_ms, options=options)
    await engine.open()
    yard = Yard(world, engine, cleanup_policy="compact", segment_bytes=2000, delete_retention_ms=10)
    await yard.partition.ready()
    return yard


async def fill(yard: Yard) -> None:
    """Keys again and again, in two codecs; tombstones; a transaction of each kind; a marker in the growing segment."""
    for turn in range(12):
        for key in range(7):
            value = None if key == 6 else b"%d" % turn * 20
            await yard.write(Record(b"key %d" % key, value), compression=4 if turn % 2 else 0)
    for producer, committed in ((1, True), (2, False)):
        await yard.write(
            Record(b"key 1", b"of a transaction"), transactional=True, producer_id=producer, producer_epoch=0,
            base_sequence=0,
        )  # fmt: skip
        await yard.seal()
        await yard.end_transaction(producer, committed)


def go(path: Path, test: Callable[[Yard, World], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        world = World()
        yard = await yard_at(path, world)
        await fill(yard)
        try:
            await test(yard, world)
        finally:
            await yard.cleaner.close()
            await yard.engine.close()
            for child in world.children:
                assert child.has_ended or not child.pid, "no process may stay"

    monkeypatch.setattr(running, "ON_THE_LOOP_BYTES", 0)
    asyncio.run(asyncio.wait_for(body(), 60))


async def stored(yard: Yard) -> list[bytes]:
    return [bytes(batch.buffer) for batch in await yard.stored()]


def test_the_log_is_the_same_as_if_it_had_been_compacted_on_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[list[bytes]] = []

    async def test(yard: Yard, world: World) -> None:
        before = await stored(yard)
        for _ in range(2):
            await yard.clean()
        found.append(await stored(yard))
        assert len(found[-1]) < len(before) / 3
        assert len(world.children) == (running.ON_THE_LOOP_BYTES == 0)

    go(tmp_path / "outside", test, monkeypatch)
    monkeypatch.setattr(World, "servant", lambda self, module: None)
    with monkeypatch.context() as patch:
        patch.setattr(running, "ON_THE_LOOP_BYTES", 1 << 30)

        async def on_the_loop(yard: Yard, world: World) -> None:
            monkeypatch.setattr(running, "ON_THE_LOOP_BYTES", 1 << 30)
            await test(yard, world)

        go(tmp_path / "loop", on_the_loop, patch)
    assert found[0] == found[1]


@pytest.mark.parametrize("what", [b'"survey"', b'"learn"', b'"sift"'])
def test_a_process_that_is_killed_leaves_the_log_as_it_was_and_it_is_tried_again(
    what: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(yard: Yard, world: World) -> None:
        before = await stored(yard)
        world.before = lambda child, order: os.kill(child.pid, signal.SIGKILL) if what in order else None
        with caplog.at_level(logging.WARNING):
            await yard.clean()
        assert "has to be tried again: its process" in caplog.text and "ended with status -9" in caplog.text
        assert await stored(yard) == before
        assert not [path for path in (tmp_path / "logs").rglob("*") if "r." in path.name]
        world.before = lambda child, order: None
        await yard.clean()
        assert len(await stored(yard)) < len(before) / 3

    go(tmp_path, test, monkeypatch)


def test_a_cleaner_that_is_closed_ends_the_process_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(yard: Yard, world: World) -> None:
        closing: list[asyncio.Future[None]] = []

        def close(child: Child, order: bytes) -> None:
            if b'"learn"' in order:
                os.kill(child.pid, signal.SIGSTOP)  # it will not answer by itself
                closing.append(asyncio.ensure_future(yard.cleaner.close()))

        before = await stored(yard)
        world.before = close
        await yard.clean()
        await closing[0]
        assert await stored(yard) == before

    go(tmp_path, test, monkeypatch)


def test_a_broken_batch_is_told_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(yard: Yard, world: World) -> None:
        first = min((tmp_path / "logs").rglob("*-00000000000000000000-*.log"))
        data = bytearray(first.read_bytes())
        data[70] ^= 1
        first.write_bytes(data)
        await yard.clean()
        assert "is damaged and is not compacted any more" in caplog.text and "fails its CRC" in caplog.text
        assert first.read_bytes() == data

    go(tmp_path, test, monkeypatch)


def test_where_no_process_can_be_made_the_loop_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(self: Child) -> None:
        raise PermissionError(1, "no processes here")

    async def test(yard: Yard, world: World) -> None:
        before = await stored(yard)
        await yard.clean()
        assert "no process can be made for compaction" in caplog.text
        assert len(await stored(yard)) < len(before) / 3

    monkeypatch.setattr(Child, "start", refuse)
    go(tmp_path, test, monkeypatch)


def test_what_is_small_needs_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(yard: Yard, world: World) -> None:
        monkeypatch.setattr(running, "ON_THE_LOOP_BYTES", 16 << 20)
        await yard.clean()
        assert not world.children

    go(tmp_path, test, monkeypatch)


def test_a_file_that_is_not_whole_is_not_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the other process does: what counts is what lies there."""

    async def test(yard: Yard, world: World) -> None:
        class Sloppy(Tame):
            async def ask(self, order: bytes) -> bytes:
                answer = await super().ask(order)
                for file in (tmp_path / "logs").rglob("*.log.tmp"):
                    os.truncate(file, max(file.stat().st_size - 1, 0))
                return answer

        before = await yard.values()
        monkeypatch.setattr(World, "servant", lambda self, module: Sloppy(module, RealFiles()))
        await yard.clean()
        assert "has to be tried again" in caplog.text and "is not whole" in caplog.text
        assert await yard.values() == before
        assert not list((tmp_path / "logs").rglob("*.log.tmp"))

    go(tmp_path, test, monkeypatch)
