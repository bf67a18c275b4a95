"""Every engine against a small model: Hypothesis looks for a sequence of calls after which the two differ.

The model knows no pieces, no files and no time: a log is a list of batches, a start and an end. What the engine says of
its pieces is held against the batches (adjacent, and nothing else in them).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from storage.engine import (
    Appended,
    Bounds,
    Checkpoint,
    Conflict,
    Engine,
    Failed,
    Found,
    LogOptions,
    OutOfRange,
    Read,
    UnknownLog,
    Write,
)
from tests.conformance.engines import Place
from tests.storage.batches import batch

T = TypeVar("T")
NAMES = st.sampled_from(["a", "topic/0", "topic/1"])
OFFSETS = st.integers(0, 60)


class Model:
    """One log."""

    def __init__(self) -> None:
        self.start = self.end = 0
        self.batches: list[tuple[int, int, int, bytes]] = []
        self.notes: dict[str, list[Checkpoint]] = {}

    def visible(self) -> list[tuple[int, int, int, bytes]]:
        return [one for one in self.batches if one[1] > self.start]

    def read(self, offset: int, before: int | None) -> bytes:
        limit = self.end if before is None else before
        return b"".join(data for _, end, _, data in self.batches if offset < end <= limit)

    def cut(self, end: int) -> int:
        if end >= self.end:
            return self.end
        if end > self.start:
            straddled = [base for base, next_offset, _, _ in self.batches if base < end < next_offset]
            end = max(straddled[0], self.start) if straddled else end
        self.start = min(self.start, end)
        self.end = end
        self.batches = [one for one in self.batches if one[1] <= end]
        self.notes = {name: [note for note in notes if note.at <= end] for name, notes in self.notes.items()}
        return end


class Machine(RuleBasedStateMachine):
    kind = "memory"
    path = Path()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.place = Place(self.kind, self.path)
        self.engine: Engine = self.place.engine()
        self.model: dict[str, Model] = {}
        self.serial = 0
        self.run(self.engine.open())

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(call)

    def call(self, method: str, *arguments: Any) -> Any:
        async def body() -> Any:
            return await getattr(self.engine, method)(*arguments)

        return self.run(body())

    def teardown(self) -> None:
        self.run(self.engine.close())
        self.loop.close()

    # --- what may be done ---

    @rule(name=NAMES, segment_bytes=st.sampled_from([150, 400, 10_000]))
    def create(self, name: str, segment_bytes: int) -> None:
        if name not in self.model:
            self.call("create", [(name, LogOptions(segment_bytes=segment_bytes))])
            self.model[name] = Model()

    @rule(
        name=NAMES,
        counts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        size=st.sampled_from([61, 90, 200]),
        timestamp=st.integers(0, 20),
        wrong=st.sampled_from([0, 0, 0, 1, -1]),
        pipelined=st.booleans(),
    )
    def append(self, name: str, counts: list[int], size: int, timestamp: int, wrong: int, pipelined: bool) -> None:
        model = self.model.get(name)
        at = max((model.end if model else 0) + wrong, 0)
        new, expected = [], at
        for count in counts:
            self.serial += 1
            data = batch(expected, count, size=size, timestamp=timestamp, fill=self.serial)
            new.append((expected, expected + count, timestamp, data))
            expected += count
        writes = [Write(name, at, [data for *_, data in new])]
        if pipelined:
            writes = [Write(name, base, [data]) for base, _, _, data in new]
        outcomes = self.call("append", writes)
        if model is None:
            assert all(isinstance(outcome, Failed) and isinstance(outcome.error, UnknownLog) for outcome in outcomes)
        elif at != model.end:
            assert outcomes[0] == Conflict(model.end)
            if pipelined:  # the next one of them may happen to fit
                return self._resume(model, new, outcomes)
        else:
            assert outcomes[-1] == Appended(writes[-1].expected_end, expected)
            model.batches += new
            model.end = expected
        return None

    def _resume(self, model: Model, new: list[tuple[int, int, int, bytes]], outcomes: list[Any]) -> None:
        for one, outcome in zip(new, outcomes, strict=True):
            if one[0] == model.end:
                assert outcome == Appended(one[0], one[1])
                model.batches.append(one)
                model.end = one[1]
            else:
                assert outcome == Conflict(model.end)

    @precondition(lambda self: self.model)
    @rule(name=NAMES, start=OFFSETS)
    def trim(self, name: str, start: int) -> None:
        model = self.model.get(name)
        if model is None:
            return
        if start > model.end:
            with pytest.raises(OutOfRange):
                self.call("trim", name, start)
        else:
            self.call("trim", name, start)
            model.start = max(model.start, start)

    @precondition(lambda self: self.model)
    @rule(name=NAMES, end=OFFSETS)
    def cut(self, name: str, end: int) -> None:
        model = self.model.get(name)
        if model is not None:
            assert self.call("cut", name, end) == model.cut(end)

    @precondition(lambda self: self.model)
    @rule(name=NAMES, data=st.data())
    def rewrite(self, name: str, data: st.DataObject) -> None:
        model = self.model.get(name)
        sealed = [extent for extent in self.engine.extents(name) if extent.sealed] if model else []
        if model is None or not sealed:
            return
        first = data.draw(st.integers(0, len(sealed) - 1))
        old = sealed[first : data.draw(st.integers(first + 1, len(sealed)))]
        inside = [one for one in model.batches if one[0] >= old[0].base and one[1] <= old[-1].end]
        stay = [one for one in inside if data.draw(st.booleans())]

        async def body() -> None:
            rewrite = self.engine.rewrite(name, old)
            for one in stay:
                rewrite.add(one[3])
            await rewrite.commit()

        self.run(body())
        model.batches = [one for one in model.batches if one not in inside or one in stay]

    @precondition(lambda self: self.model)
    @rule(name=NAMES, at=OFFSETS, note=st.sampled_from(["producers", "epochs"]))
    def checkpoint(self, name: str, at: int, note: str) -> None:
        model = self.model.get(name)
        if model is None or at > model.end:
            return
        self.serial += 1
        new = Checkpoint(at, b"%d" % self.serial)
        self.call("checkpoint", name, at, note, new.data)
        model.notes[note] = [new, *(old for old in model.notes.get(note, []) if old.at < at)][:2]

    @precondition(lambda self: self.model)
    @rule(names=st.sets(NAMES, min_size=1))
    def delete(self, names: set[str]) -> None:
        known = sorted(names & set(self.model))
        self.call("delete", known)
        for name in known:
            del self.model[name]

    @precondition(lambda self: self.kind != "memory")
    @rule()
    def open_again(self) -> None:
        self.run(self.engine.close())
        self.engine = self.place.engine()
        self.run(self.engine.open())

    # --- what may be asked ---

    @precondition(lambda self: self.model)
    @rule(
        name=NAMES,
        offset=OFFSETS,
        max_bytes=st.sampled_from([0, 100, 250, 100_000]),
        before=st.none() | OFFSETS,
    )
    def read(self, name: str, offset: int, max_bytes: int, before: int | None) -> None:
        model = self.model.get(name)
        chunk = self.call("read", [Read(name, offset, max_bytes, before)])[0]
        if model is None:
            assert isinstance(chunk.error, UnknownLog)
        elif not model.start <= offset <= model.end:
            assert isinstance(chunk.error, OutOfRange)
        else:
            expected, shown = model.read(offset, before), b"".join(chunk.buffers)
            assert chunk.error is None
            assert chunk.size == len(shown)
            assert expected.startswith(shown)
            assert bool(shown) == bool(expected)
            if shown:
                assert len(shown) <= max_bytes or shown in [data for *_, data in model.batches]
                assert model.read(chunk.next_offset, before) == expected[len(shown) :]
            else:
                assert chunk.next_offset == offset

    @precondition(lambda self: self.model)
    @rule(name=NAMES, at_ms=st.integers(-1, 21))
    def find(self, name: str, at_ms: int) -> None:
        model = self.model.get(name)
        if model is not None:
            found = next((Found(*one[:3]) for one in model.visible() if one[2] >= at_ms), None)
            assert self.call("find", name, at_ms) == found

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        assert self.engine.logs() == sorted(self.model)
        for name, model in self.model.items():
            assert self.engine.bounds(name) == Bounds(model.start, model.end)
            for note in ("producers", "epochs"):
                assert self.engine.checkpoints(name, note) == model.notes.get(note, [])
            extents = self.engine.extents(name)
            assert all(a.end == b.base and a.sealed for a, b in pairwise(extents))
            if model.visible():
                assert extents[0].base <= model.visible()[0][0]
                assert extents[-1].end == model.end
            for extent in extents:
                if extent.base >= model.start:
                    inside = [one for one in model.batches if one[0] >= extent.base and one[1] <= extent.end]
                    assert extent.size == sum(len(one[3]) for one in inside)
                    assert extent.max_timestamp == max((one[2] for one in inside), default=-1)


@pytest.mark.parametrize("kind", ["memory", "simulated"])
def test_an_engine_is_its_model(kind: str, tmp_path: Path) -> None:
    machine = type("Machine", (Machine,), {"kind": kind, "path": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=60, stateful_step_count=40, suppress_health_check=list(HealthCheck)),
    )
