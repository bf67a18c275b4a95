"""A life of the engine on a forgetful disk: a seed decides what is written, when the power fails, and what is left.

One log of work is done step by step; a step is a burst of pipelined writes over several logs, or one rare call. At a
random call to the disk the process dies, with or without the machine. Then the engine is opened again (and may die in
that too), and what it shows is compared with what it may show:

- everything that was answered, to the stated durability: all of it after the death of the process; after a power
  failure all of it where fsync was promised, and else a prefix;
- of the one step in flight: nothing, all, or, for a burst of writes, its leading batches; for a cut, any log between;
- nothing else, ever: no half batch, no batch that was refused, cut, trimmed or deleted, no checkpoint that is false.

What the engine showed is the truth from then on, and the next life begins. `Broken` tells what was wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from storage.engine import (
    Appended,
    Checkpoint,
    Conflict,
    Engine,
    EngineOptions,
    Extent,
    Failed,
    Identity,
    LogOptions,
    Read,
    StorageError,
    Write,
)
from storage.open import open_engine
from tests.storage.alarms import Alarms
from tests.storage.batches import batch
from tests.storage.simdisk import Crash, SimFiles

NAMES = ("a", "topic/0", "topic/1")
NOTES = ("producers", "epochs")


class Broken(AssertionError):
    """The engine has not kept its promise."""


@dataclass(frozen=True)
class Stored:
    base: int
    end: int
    data: bytes


@dataclass(frozen=True)
class State:
    """What one log is known to be."""

    options: LogOptions
    start: int = 0
    end: int = 0
    batches: tuple[Stored, ...] = ()
    kept: tuple[tuple[str, tuple[Checkpoint, ...]], ...] = ()
    """The checkpoints that must be there, by name."""
    true: tuple[tuple[str, Checkpoint], ...] = ()
    """All that were ever saved and are not false."""
    guessed: bool = False
    """A crash has shown what was never answered: its checkpoints may still be lost."""

    def visible(self, start: int | None = None) -> list[Stored]:
        low = self.start if start is None else start
        return [stored for stored in self.batches if stored.end > low]

    def appended(self, stored: Stored) -> State:
        return replace(self, batches=(*self.batches, stored), end=stored.end)

    def shortened(self, end: int) -> State:
        """Everything beyond an offset is gone."""
        return replace(
            self,
            end=end,
            batches=tuple(stored for stored in self.batches if stored.end <= end),
            kept=tuple((name, tuple(note for note in notes if note.at <= end)) for name, notes in self.kept),
            true=tuple((name, note) for name, note in self.true if note.at <= end),
        )

    def noted(self, name: str, note: Checkpoint) -> State:
        kept = dict(self.kept)
        kept[name] = (note, *(old for old in kept.get(name, ()) if old.at < note.at))[:2]
        return replace(self, kept=tuple(sorted(kept.items())), true=(*self.true, (name, note)))


World = dict[str, State]


@dataclass
class Flight:
    """The step that is being done: what each log may be if the power fails now. `exact`: checkpoints are all there."""

    maybe: dict[str, list[State | None]] = field(default_factory=dict)
    together: bool = False
    """The logs that it touches are old or new all together."""


class Life:
    """See the file's story."""

    def __init__(self, seed: int, *, fsync: bool, steps: int = 30) -> None:
        self.rng = random.Random(seed)
        self.fsync = fsync
        self.steps = steps
        self.files = SimFiles(seed)
        self.world: World = {}
        self.flight = Flight()
        self.engine: Engine = self._engine()
        self.now = 1000
        self.serial = 0
        self.crashes = 0
        self.seen: dict[str, int] = {}

    def _engine(self) -> Engine:
        self.files.whole_writes = False
        options = EngineOptions(Identity("c", 1), fsync=self.fsync, open_files=5)
        self.alarms = Alarms()  # those of a dead process are dead
        return open_engine("file:///data", files=self.files, now=lambda: self.now, options=options, at=self.alarms.at)

    # --- a life ---

    async def run(self, lives: int = 3) -> None:
        asyncio.get_running_loop().set_exception_handler(_only_crashes)
        try:
            await self.engine.open()
            for _ in range(lives):
                self.files.crash_at = self.files.calls + self.rng.randint(1, self.rng.choice((30, 150, 600)))
                try:
                    for _ in range(self.steps):
                        await self._step()
                    self.files.crashed = True
                except Crash:
                    pass
                self.crashes += 1
                await self._reborn()
        except (StorageError, ValueError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def _reborn(self) -> None:
        """Open again what the crash has left, perhaps with another crash on the way."""
        lossy = False
        for attempt in range(3):
            unplugged = self.rng.random() < 0.5
            lossy = lossy or unplugged
            self.files = self.files.unplugged(self.rng) if unplugged else self.files.killed()
            death = "power lost" if unplugged else "process killed"
            self.seen[death] = self.seen.get(death, 0) + 1
            if attempt < 2 and self.rng.random() < 0.4:
                self.files.crash_at = self.rng.randint(1, 60)
            self.engine = self._engine()
            try:
                await self.engine.open()
                break
            except Crash:
                self.seen["crash in recovery"] = self.seen.get("crash in recovery", 0) + 1
        self.files.crash_at = None
        await self._compare(lossy)
        self.flight = Flight()

    async def _await(self, future: asyncio.Future[Any]) -> Any:
        for _ in range(5000):
            if self.files.crashed:
                raise Crash("while waiting")
            if future.done():
                return future.result()
            await asyncio.sleep(0)
        raise Broken("an answer never came")

    # --- steps ---

    async def _step(self) -> None:
        self.now += self.rng.randint(0, 50)
        self.alarms.ring(self.now)
        self.flight = Flight()
        steps: list[tuple[int, Callable[[], Any]]] = [
            (50, self._burst), (8, self._trim), (8, self._cut), (9, self._rewrite), (10, self._checkpoint),
            (6, self._trim_and_go_on), (6, self._cut_and_go_on), (4, self._anew), (5, self._delete), (8, self._create),
            (3, self._configure), (3, self._restart),
        ]  # fmt: skip
        step = self.rng.choices([step for _, step in steps], [weight for weight, _ in steps])[0]
        if not self.world:
            step = self._create
        self.seen[step.__name__] = self.seen.get(step.__name__, 0) + 1
        await step()
        for name, states in self.flight.maybe.items():
            if (last := states[-1]) is None:
                self.world.pop(name, None)
            else:
                self.world[name] = last
        self.flight = Flight()

    def _some(self) -> tuple[str, State]:
        name = self.rng.choice(sorted(self.world))
        return name, self.world[name]

    def _batch(self, base: int) -> Stored:
        self.serial += 1
        count, size = self.rng.randint(1, 5), self.rng.choice((61, 70, 120, 300))
        data = batch(base, count, size=size, timestamp=self.now, fill=self.serial)
        return Stored(base, base + count, data)

    async def _burst(self) -> None:
        """Some writes, none of which waits for another. A write's batches may come back in part; so may writes."""
        if self.rng.random() < 0.1:
            self.files.fail("pwritev", ".log", OSError(28, "no space left"))
        now = dict(self.world)
        sent: list[tuple[str, list[Stored], asyncio.Future[Any]]] = []
        for name in self.world:
            self.flight.maybe[name] = [self.world[name]]
        for _ in range(self.rng.randint(1, 6)):
            writes, burst = [], []
            for name in self.rng.sample(sorted(now), self.rng.randint(1, len(now))):
                stored: list[Stored] = []
                for _ in range(self.rng.choice((1, 1, 1, 3))):
                    one = self._batch(now[name].end)
                    stored.append(one)
                    now[name] = now[name].appended(one)
                    self.flight.maybe[name].append(now[name])
                writes.append(Write(name, stored[0].base, [bytearray(one.data) for one in stored]))
                burst.append((name, stored))
            if self.files.crashed:
                break
            future = self.engine.append(writes)
            sent += [(name, stored, future) for name, stored in burst]
            if self.rng.random() < 0.3:
                await asyncio.sleep(0)
        try:
            for _, _, future in sent:
                await self._await(future)
        finally:
            self._settle(sent)
        self.files.failures = []

    def _settle(self, sent: list[tuple[str, list[Stored], asyncio.Future[Any]]]) -> None:
        """What the answers that did come say of what may be there."""
        slots: dict[int, int] = {}
        truth = dict(self.world)
        refused: set[str] = set()
        for name, stored, future in sent:
            slot = slots[id(future)] = slots.get(id(future), -1) + 1
            if not future.done():
                continue
            outcome = future.result()[slot]
            if isinstance(outcome, Appended):
                if name in refused:
                    raise Broken(f"a write to {name} landed behind one that did not")
                if outcome != Appended(stored[0].base, stored[-1].end):
                    raise Broken(f"{outcome} for a write of [{stored[0].base}, {stored[-1].end})")
                for one in stored:
                    truth[name] = truth[name].appended(one)
            elif isinstance(outcome, Failed | Conflict):
                refused.add(name)
                self.seen["refused"] = self.seen.get("refused", 0) + 1
        for name, states in self.flight.maybe.items():
            left = [state for state in states if state is not None and state.end >= truth[name].end]
            self.flight.maybe[name] = [truth[name]] if name in refused else [*left[1:], left[0]]

    async def _trim(self) -> None:
        name, state = self._some()
        start = self.rng.randint(state.start, state.end)
        self.flight.maybe[name] = [state, replace(state, start=start)]
        await self._await(self.engine.trim(name, start))

    async def _trim_and_go_on(self) -> None:
        """Trim, and write without waiting for it."""
        name, state = self._some()
        start = self.rng.randint(state.start, state.end)
        trimmed = replace(state, start=start)
        one = self._batch(state.end)
        self.flight.maybe[name] = [state, state.appended(one), trimmed, trimmed.appended(one)]
        trim = self.engine.trim(name, start)
        await self._await(self.engine.append([Write(name, one.base, [one.data])]))
        self.flight.maybe[name] = [state.appended(one), trimmed.appended(one)]
        if self.rng.random() < 0.5:
            await self._cut_inside(name, [state.appended(one), trimmed.appended(one)])
        await self._await(trim)

    async def _cut_inside(self, name: str, states: list[State]) -> None:
        """Cut the last batch off a log of which not everything is known."""
        end = states[-1].batches[-1].base
        cuts = [replace(state.shortened(end), start=min(state.start, end)) for state in states]
        self.flight.maybe[name] = [*states, *cuts]
        await self._await(self.engine.cut(name, end))
        self.flight.maybe[name] = cuts

    async def _cut_and_go_on(self) -> None:
        """Cut off the last batches, and write other ones without waiting."""
        name, state = self._some()
        if not state.visible():
            return
        end = self.rng.choice(state.visible()).base
        cut = replace(state.shortened(end), start=min(state.start, end))
        one = self._batch(end)
        between = [state.shortened(e) for e in range(max(end, state.start), state.end)]
        self.flight.maybe[name] = [state, *between, cut, cut.appended(one)]
        first = self.engine.cut(name, end)
        synced = self.fsync or state.options.flush_messages == 1
        undone = [] if end >= state.start else self.flight.maybe[name][:-1]  # the start is not yet on the disk
        self.flight.maybe[name] = [*undone, cut, cut.appended(one)]
        await self._await(self.engine.append([Write(name, end, [one.data])]))
        self.flight.maybe[name] = [*([] if synced else undone), cut.appended(one)]
        await self._await(first)

    async def _anew(self) -> None:
        """Delete a log, make one of the same name and write to it, without waiting."""
        name, state = self._some()
        empty = State(state.options)
        one = self._batch(0)
        self.flight.maybe[name] = [state, None, empty, empty.appended(one)]
        self.engine.delete([name])
        created = self.engine.create([(name, state.options)])
        appended = self.engine.append([Write(name, 0, [one.data])])
        await self._await(created)
        self.flight.maybe[name] = [empty, empty.appended(one)]
        await self._await(appended)
        self.flight.maybe[name] = [empty.appended(one)]

    async def _cut(self) -> None:
        name, state = self._some()
        at = self.rng.choice((self.rng.randint(0, state.end), max(state.end - 3, 0)))
        end = at
        if state.start < at < state.end:
            straddled = [stored.base for stored in state.batches if stored.base < at < stored.end]
            end = max(straddled[0], state.start) if straddled else at
        elif at >= state.end:
            end = state.end
        final = state.shortened(end)
        if end < state.start:
            final = replace(final, start=end)
        between = [state.shortened(e) for e in range(max(end, state.start), state.end)]
        self.flight.maybe[name] = [state, *between, final]
        if (answer := await self._await(self.engine.cut(name, at))) != end:
            raise Broken(f"cut {name} at {at} ended at {answer}, not {end}")

    async def _rewrite(self) -> None:
        name, state = self._some()
        sealed = [extent for extent in self.engine.extents(name) if extent.sealed]
        if not sealed:
            return
        first = self.rng.randrange(len(sealed))
        old: list[Extent] = sealed[first : first + self.rng.randint(1, 4)]
        inside = [stored for stored in state.batches if old[0].base <= stored.base and stored.end <= old[-1].end]
        stay = [stored for stored in inside if self.rng.random() < 0.6]
        left = tuple(stored for stored in state.batches if stored not in inside or stored in stay)
        rewrite = self.engine.rewrite(name, old)
        for stored in stay:
            rewrite.add(stored.data)
        if self.rng.random() < 0.2:
            rewrite.abort()
            return
        self.flight.maybe[name] = [state, replace(state, batches=left)]
        await self._await(rewrite.commit())

    async def _checkpoint(self) -> None:
        name, state = self._some()
        self.serial += 1
        note = Checkpoint(self.rng.randint(state.start, state.end), b"note %d" % self.serial)
        note_name = self.rng.choice(NOTES)
        self.flight.maybe[name] = [state, state.noted(note_name, note)]
        await self._await(self.engine.checkpoint(name, note.at, note_name, note.data))

    async def _delete(self) -> None:
        names = self.rng.sample(sorted(self.world), self.rng.randint(1, len(self.world)))
        self.flight = Flight({name: [self.world[name], None] for name in names}, together=True)
        await self._await(self.engine.delete(names))
        if self.rng.random() < 0.7:  # the name comes back at once
            for name in names:
                self.world.pop(name)
            self.flight = Flight()
            await self._create()

    async def _create(self) -> None:
        free = [name for name in NAMES if name not in self.world]
        if not free:
            return
        names = self.rng.sample(free, self.rng.randint(1, len(free)))
        states = {
            name: State(
                LogOptions(
                    segment_bytes=self.rng.choice((200, 500, 2000)),
                    segment_ms=self.rng.choice((100, 10_000)),
                    flush_messages=self.rng.choice((None, None, 1, 3)),
                    file_delete_delay_ms=self.rng.choice((0, 20, 100, 60_000)),
                )
            )
            for name in names
        }
        self.flight = Flight({name: [None, state] for name, state in states.items()}, together=True)
        await self._await(self.engine.create([(name, state.options) for name, state in states.items()]))

    async def _configure(self) -> None:
        name, state = self._some()
        options = replace(state.options, segment_bytes=self.rng.choice((200, 500, 2000)))
        self.flight.maybe[name] = [state, replace(state, options=options)]
        await self._await(self.engine.configure(name, options))

    async def _restart(self) -> None:
        """A clean stop."""
        after = self._engine()
        for call in (self.engine.close, after.open):
            if self.files.crashed:
                raise Crash("between two calls")
            task = asyncio.ensure_future(_quietly(call))
            try:
                await self._await(task)
            finally:
                task.cancel()
        self.engine = after

    # --- what is there ---

    async def _compare(self, lossy: bool) -> None:
        shown = set(self.engine.logs())
        if self.flight.together:
            touched = set(self.flight.maybe)
            if touched & shown and touched - shown:
                raise Broken(f"of {sorted(touched)} only {sorted(touched & shown)} are there")
        for name in {*self.world, *shown, *self.flight.maybe}:
            maybe = self.flight.maybe.get(name, [self.world.get(name)])
            if name not in shown:
                if None not in maybe:
                    raise Broken(f"log {name} is gone")
                self.world.pop(name, None)
                continue
            found = await self._look(name)
            strict = not lossy or self.fsync or found.options.flush_messages == 1
            problems = []
            for state in maybe:
                problem = _differs(found, state, strict, self._notes_last(maybe, state, lossy))
                if problem is None:
                    true = state.true if state is not None else ()
                    true = tuple(note for note in true if note[1].at <= found.end)
                    guessed = len(maybe) > 1 or (state is not None and state.guessed)
                    self.world[name] = replace(found, true=true, guessed=guessed)
                    break
                problems.append(problem)
            else:
                raise Broken(f"log {name}: " + "; or ".join(dict.fromkeys(problems)))

    def _notes_last(self, maybe: list[State | None], state: State | None, lossy: bool) -> bool:
        """Whether exactly the checkpoints of this state must be there."""
        return len(maybe) == 1 and (not lossy or (self.fsync and state is not None and not state.guessed))

    async def _look(self, name: str) -> State:
        """All that the engine shows of a log."""
        start, end = self.engine.bounds(name)
        blob, at = b"", start
        while at < end:
            chunk = (await self.engine.read([Read(name, at, self.rng.choice((0, 200, 10_000)))]))[0]
            if chunk.error is not None:
                raise Broken(f"log {name} cannot be read at {at}: {chunk.error}")
            if not chunk.buffers:
                break
            blob += b"".join(chunk.buffers)
            at = chunk.next_offset
        batches = []
        while blob:
            size = int.from_bytes(blob[8:12], "big") + 12
            base = int.from_bytes(blob[:8], "big")
            batches.append(Stored(base, base + int.from_bytes(blob[23:27], "big") + 1, blob[:size]))
            blob = blob[size:]
        kept = tuple((note, tuple(notes)) for note in NOTES if (notes := self.engine.checkpoints(name, note)))
        extents = self.engine.extents(name)
        if extents and (extents[-1].end != end or extents[0].base > start):
            raise Broken(f"log {name} has bounds {start}, {end} and extents {extents}")
        true = tuple((note_name, note) for note_name, notes in kept for note in notes)
        return State(self.engine.options(name), start, end, tuple(batches), kept, true)


def _differs(found: State, state: State | None, strict: bool, notes_strict: bool) -> str | None:
    """Why the engine may not show this if the log was that."""
    if state is None:
        return "it should not be there" if found.batches or found.end or found.start else None
    if found.options != state.options:
        return f"its options are {found.options}"
    if found.start != state.start:
        return f"it begins at {found.start}, not {state.start}"
    if found.end != state.end and (strict or found.end > state.end):
        return f"it ends at {found.end}, not {state.end}"
    expected = [stored for stored in state.visible() if stored.end <= found.end]
    if list(found.batches) != expected:
        return f"it holds {[s[:2] for s in _short(found.batches)]}, not {[s[:2] for s in _short(expected)]}"
    for name, note in found.true:
        if note.at > found.end or (name, note) not in state.true:
            return f"checkpoint {name} at {note.at} ({note.data!r}) of a log that ends at {found.end} is false"
    if notes_strict and dict(found.kept) != {name: notes for name, notes in state.kept if notes}:
        return f"its checkpoints are {found.kept}, not {state.kept}"
    return None


def _short(batches: Any) -> list[tuple[int, int]]:
    return [(stored.base, stored.end) for stored in batches]


async def _quietly(call: Callable[[], Any]) -> None:
    with suppress(Crash):
        await call()


def _only_crashes(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)


def live(seed: int, *, fsync: bool) -> Life:
    """One life; raises Broken."""
    life = Life(seed, fsync=fsync)
    asyncio.run(life.run())
    return life
