"""Faults: what becomes of chosen requests. Which, when and what are objects of three kinds: Match, When, Effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from kbroker.control.control import Control
from kbroker.control.shapes import Effect, Fault, Held, Match, Met, When
from kbroker.control.table import ControlError, verb

T = TypeVar("T")

MOST_WAITING = 1000


@verb
def install(
    control: Control, effect: Effect, match: Match | None = None, when: When | None = None, name: str = ""
) -> Fault:
    """Install a fault. From now on it meets the requests that fit, until it is used up or removed. The name is for
    reports."""
    return control.faults.install(name, match or Match(), when or When(), effect).shape()


@verb
def chaos(control: Control, seed: int = 0, level: int = 1) -> list[Fault]:
    """Install a mix of faults that a correct client survives: delays, dropped connections, leaders and coordinators
    that are elsewhere for a moment. Levels 1 to 3; the seed makes it repeatable."""
    from kbroker.control.faults.chaos import mix

    return [control.faults.install(*part).shape() for part in mix(seed, level)]


_OF_GROUPS = [
    "JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "OffsetCommit", "OffsetFetch", "OffsetDelete",
    "TxnOffsetCommit", "DescribeGroups", "DeleteGroups", "ConsumerGroupHeartbeat", "ConsumerGroupDescribe",
    "ShareGroupHeartbeat", "ShareGroupDescribe", "StreamsGroupHeartbeat", "StreamsGroupDescribe",
]  # fmt: skip
_OF_TRANSACTIONS = ["InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "DescribeTransactions"]


@verb
def loading(
    control: Control,
    group: str | None = None,
    transactional_id: str | None = None,
    error: str = "COORDINATOR_LOAD_IN_PROGRESS",
    for_ms: int | None = None,
    times: int | None = None,
) -> Fault:
    """Let the coordinator of a group or of a transactional id be reading its log: whoever asks it hears so, until the
    fault is removed, for a time, or so many times. With error=NOT_COORDINATOR or COORDINATOR_NOT_AVAILABLE it is
    elsewhere."""
    if (group is None) == (transactional_id is None):
        raise ControlError("argument", "faults.loading is for a group or for a transactional_id")
    apis = _OF_TRANSACTIONS if group is None else _OF_GROUPS
    match = Match(api=apis, group=group, transactional_id=transactional_id)
    name = f"coordinator of {group or transactional_id}"
    return control.faults.install(name, match, When(times=times, for_ms=for_ms), Effect(errors=[error])).shape()


@verb
def unstable_offsets(
    control: Control, group: str, topic: str = "*", for_ms: int | None = None, times: int | None = None
) -> Fault:
    """Let offsets of a group be those of a transaction that has not ended: who asks for stable ones (KIP-447) hears
    UNSTABLE_OFFSET_COMMIT and asks again."""
    match = Match(api=["OffsetFetch"], group=group, topic=topic, where={"requireStable": True})
    effect = Effect(errors=["UNSTABLE_OFFSET_COMMIT"])
    return control.faults.install("unstable offsets", match, When(times=times, for_ms=for_ms), effect).shape()


@verb
def metadata_lag(
    control: Control, topic: str | None = None, for_ms: int | None = None, times: int | None = None
) -> Fault:
    """Let Metadata say from now on what is true now, whatever changes: ids of topics that are made again, leaders,
    brokers."""
    match = Match(api=["Metadata", "DescribeTopicPartitions"], topic=topic)
    return control.faults.install("metadata lag", match, When(times=times, for_ms=for_ms), Effect(stale=True)).shape()


@verb
def list_(control: Control) -> list[Fault]:
    """What is installed, what each has met and when, and what it holds."""
    return [plan.shape() for plan in control.faults.plans.values()]


@verb
def get(control: Control, id: int) -> Fault:
    """One fault."""
    return control.faults.find(id).shape()


@verb
def remove(control: Control, id: int) -> Fault:
    """Take a fault out, and answer with all that it has met. What it holds goes on; a black hole ends connections."""
    return control.faults.remove(id).shape()


@verb
def clear(control: Control) -> None:
    """Take all faults out, and forget all marks."""
    control.faults.clear()


@verb
def mark(control: Control, name: str) -> None:
    """Set a mark: faults begin and end at it (`When.after`, `When.until`)."""
    control.faults.marks[name] = control.cluster.world.time_ms()


@verb
def release(control: Control, id: int, verdict: dict[str, Any] | None = None) -> None:
    """Let go of a request that is held. It is handled, or what the verdict says: {"error": NAME}, {"answer": {...}}
    with a response in JSON form, {"drop": "before"}."""
    control.faults.release(id, verdict or {})


@verb
def release_all(control: Control, id: int) -> int:
    """Let go of all requests that a fault holds. How many."""
    held = list(control.faults.find(id).held)
    for each in held:
        control.faults.release(each, {})
    return len(held)


@verb
async def wait(control: Control, id: int, hits: int = 1, timeout: float = 10.0) -> Fault:
    """Wait until a fault has met so many requests."""
    plan = control.faults.find(id)

    async def look() -> Fault | None:
        return plan.shape() if plan.met >= hits else None

    def seen() -> str:
        return f"{plan.name} has met {plan.met} of {hits} requests; {plan.seen} fitted"

    return await control.watch.until(look, seen, timeout)


@verb
async def held(control: Control) -> AsyncIterator[Held]:
    """Each request that waits for a callback, from now on: answer it with faults.release."""
    async for request in _told(control.faults.heard):
        yield request


@verb
async def follow(control: Control) -> AsyncIterator[Met]:
    """Each request that meets a fault, from now on."""
    async for met in _told(control.faults.struck):
        yield met


async def _told(tellers: list[Callable[[T], object]]) -> AsyncIterator[T]:
    """What they are called with from now on. Who listens too slowly misses the newest."""
    queue: asyncio.Queue[T] = asyncio.Queue(MOST_WAITING)

    def heard(news: T) -> None:
        if not queue.full():
            queue.put_nowait(news)

    tellers.append(heard)
    try:
        while True:
            yield await queue.get()
    finally:
        tellers.remove(heard)
