"""Step mode: one request at a time, and what it changes.

It stands on what there is: a fault without a condition that holds every request (`faults/`), a clock that stands
(`world.py`), and coming to rest (`settling.py`). What it adds is the order, and the state as plain values that can be
laid side by side:

    group readers               Stable, generation 2, protocol range
    group readers, member app-1-...    orders/0 orders/1
    group readers, offset orders/0     5
    transaction payments        Ongoing, producer 4000, epoch 1
    log orders/0                0 to 6, high watermark 6, last stable offset 5
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kbroker.control import views
from kbroker.control.settling import settle
from kbroker.control.shapes import Effect, Held, Match, Moved, Step, Steps, When
from kbroker.control.table import ControlError
from kbroker.control.world import ControlledWorld

if TYPE_CHECKING:
    from kbroker.control.control import Control
    from kbroker.control.faults.plan import Plan

NAME = "step mode"


class Stepping:
    """One for each broker that is controlled."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._plan: Plan | None = None
        self._ran = False
        self._done = 0

    @property
    def _world(self) -> ControlledWorld:
        world = self._control.cluster.world
        if not isinstance(world, ControlledWorld):
            raise ControlError("missing", "the time of this broker is in nobody's hand")
        return world

    @property
    def _on(self) -> Plan | None:
        """The fault that holds; whoever has taken it out has ended step mode, too."""
        plan = self._plan
        if plan is not None and plan.id not in self._control.faults.plans:
            self._leave()
        return self._plan

    def begin(self) -> Steps:
        if self._on is None:
            world = self._world
            self._ran = not world.is_frozen
            world.freeze()
            self._done = 0
            self._plan = self._control.faults.install(NAME, Match(), When(), Effect(hold=True))
        self._tell()
        return self.steps()

    def steps(self) -> Steps:
        plan = self._on
        held: list[Held] = [] if plan is None else list(plan.held.values())
        return Steps(plan is not None, self._world.time_ms(), self._done, held)

    def end(self) -> Steps:
        plan = self._on
        if plan is not None:
            self._control.faults.remove(plan.id)
            self._leave()
        self._tell()
        return self.steps()

    def _leave(self) -> None:
        self._plan = None
        if self._ran:
            self._world.run(self._world.pace)

    async def next(self, id: int | None) -> Step:
        plan = self._on
        if plan is None:
            raise ControlError("missing", "step mode is off: step.begin comes first")
        if not plan.held:
            raise ControlError("missing", "no request waits")
        chosen = next(iter(plan.held)) if id is None else id
        if chosen not in plan.held:
            raise ControlError("missing", f"no request waits under the number {chosen}")
        held: Held = plan.held[chosen]
        before = await state_of(self._control)
        self._control.faults.release(chosen, {})
        await asyncio.sleep(0)
        await settle(self._control.cluster)
        after = await state_of(self._control)
        self._done += 1
        self._tell()
        return Step(self._done, held, moved(before, after), before, after, self.steps())

    async def follow(self) -> AsyncIterator[Steps]:
        last: Steps | None = None
        while True:
            now = self.steps()
            if now != last:
                last = now
                yield now
            else:
                await self._control.watch.next()

    def _tell(self) -> None:
        self._control.watch.tell()


async def state_of(control: Control) -> dict[str, str]:
    """Groups, transactions and logs, a line each."""
    cluster = control.cluster
    found: dict[str, str] = {}
    for group in views.groups(cluster):
        about = f"{group.state}, epoch {group.epoch}" + (f", {group.protocol}" if group.protocol else "")
        found[f"group {group.id}"] = about
        for member in group.members:
            has = " ".join(f"{each.topic}/{each.partition}" for each in member.assigned)
            found[f"group {group.id}, member {member.id}"] = has or "nothing assigned"
        for offset in group.offsets:
            found[f"group {group.id}, offset {offset.topic}/{offset.partition}"] = str(offset.offset)
    for known in views.transactions(cluster):
        about = f"{known.state}, producer {known.producer_id}, epoch {known.epoch}"
        parts = " ".join(f"{each.topic}/{each.partition}" for each in known.partitions)
        found[f"transaction {known.transactional_id}"] = f"{about}, {parts}" if parts else about
    for topic in cluster.catalog.topics():
        for index in range(len(topic.partitions)):
            opened = cluster.partitions.opened(topic.id, index)
            if opened is not None and opened.is_open and opened.end:
                found[f"log {topic.name}/{index}"] = (
                    f"{opened.log_start} to {opened.end}, high watermark {opened.high_watermark}, "
                    f"last stable offset {opened.last_stable_offset}"
                )
    return found


def moved(before: dict[str, str], after: dict[str, str]) -> list[Moved]:
    """What is other than before: empty text is what is not there."""
    return [
        Moved(name, before.get(name, ""), after.get(name, ""))
        for name in [*before, *(each for each in after if each not in before)]
        if before.get(name) != after.get(name)
    ]
