"""The time that Kafka's rules live by: sessions, rebalances, transactions, retention, compaction lags, producer expiry.

Fetch waits, request timeouts and what clients do by their own clocks go on in real time.
"""

from __future__ import annotations

import re
from typing import Any

from kbroker.control.control import Control
from kbroker.control.settling import runtimes, settle
from kbroker.control.shapes import Advanced, Fired, Time
from kbroker.control.table import ControlError, verb
from kbroker.control.world import ControlledWorld, Rung
from kbroker.groups.events import SessionExpired
from kbroker.timers import Timers

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


@verb
def now(control: Control) -> Time:
    """What time it is for the broker, and whether it stands or at what pace it runs."""
    world = _world(control)
    return Time(world.time_ms(), world.is_frozen, 0.0 if world.is_frozen else world.pace, world.next_alarm_ms())


@verb
def freeze(control: Control) -> Time:
    """Let time stand. The broker still answers; nothing expires."""
    _world(control).freeze()
    return now(control)


@verb
def auto(control: Control, pace: float = 1.0) -> Time:
    """Let time run by itself from where it is, so many times as fast as the clock on the wall."""
    if pace <= 0:
        raise ControlError("argument", f"the pace of time is greater than 0, not {pace:g}; freeze() stops it")
    _world(control).run(pace)
    return now(control)


@verb
async def advance(control: Control, by: int | str, keep_members: bool = False) -> Advanced:
    """Move time forward, in milliseconds or as "45s", "1h30m". It goes from one timer that is due to the next, and at
    each of them everything comes to rest before it goes on; the answer says what fired. With `keep_members` the
    sessions of groups' members are refreshed first, as if each had just sent a heartbeat. Time runs on afterwards if it
    ran before."""
    world, fired = _world(control), []
    ran, pace = not world.is_frozen, world.pace
    world.freeze()
    try:
        target = world.time_ms() + duration_ms(by)
        if keep_members:
            for runtime in runtimes(control.cluster):
                runtime.timers.postpone(SessionExpired, target - world.time_ms())
        while True:
            await settle(control.cluster)
            due = world.next_alarm_ms()
            at = target if due is None or due > target else max(due, world.time_ms())
            fired += [found for rung in world.ring(at, _what) if (found := _fired(rung)) is not None]
            if at == target and (due is None or due > target):
                break
        await settle(control.cluster)
        return Advanced(world.time_ms(), fired)
    finally:
        if ran:
            world.run(pace)


@verb
async def apply_retention(control: Control, topic: str | None = None) -> None:
    """Delete at once what retention.ms and retention.bytes let go of, in one topic or in all. As in Kafka whole
    segments go, and the active one is closed for it."""
    await _clean(control, topic)


@verb
async def compact(control: Control, topic: str | None = None) -> None:
    """Compact at once, one topic or all that have cleanup.policy=compact: of each key the newest record stays. The
    active segment is closed for it, which Kafka does by time and size only."""
    await _clean(control, topic)


async def _clean(control: Control, name: str | None) -> None:
    cluster = control.cluster
    topic = None if name is None else cluster.catalog.topic(name)
    if name is not None and topic is None:
        raise ControlError("missing", f"there is no topic {name}")
    for each in cluster.catalog.topics() if topic is None else [topic]:
        for partition in await control.partitions(each.name):
            cluster.engine.seal(partition.log)
    await cluster.cleaner.run(topic)


def duration_ms(text: int | str) -> int:
    """Milliseconds of "45s", "1h30m", "250ms", or of a number, which are milliseconds."""
    if isinstance(text, int):
        found = text
    else:
        parts = _DURATION.findall(text)
        if not parts or _DURATION.sub("", text).strip():
            raise ControlError("argument", f"{text!r} is no duration; 45s, 10m, 1h30m, 250ms are")
        found = round(sum(float(number) * _UNITS[unit] for number, unit in parts))
    if found < 0:
        raise ControlError("argument", "time only moves forward")
    return found


def _world(control: Control) -> ControlledWorld:
    world = control.cluster.world
    if not isinstance(world, ControlledWorld):
        raise ControlError("missing", "the time of this broker is in nobody's hand")
    return world


def _what(callback: Any, args: tuple[Any, ...]) -> str:
    """What an alarm is about to do; empty for one that only looks whether it is time."""
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, Timers):
        event = owner.due(args[0])
        return "" if event is None else repr(event)
    return f"{type(owner).__name__}: {getattr(callback, '__name__', callback)}"


def _fired(rung: Rung) -> Fired | None:
    return Fired(rung.at_ms, rung.what) if rung.what else None

