"""What happens to a broker: each fault is a row of a table, done to a life at a moment that the dice choose.

A fault hits where it tells most: connections end while an answer is under way, disks fail in the next write, and the
process dies in the middle of a call to its disk.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from wire.errors import KafkaError

from .actors import TOPIC
from .loop import passed

if TYPE_CHECKING:
    from .life import Life

CLIENTS = ("p", "p", "p", "m", "r", "c", "")
"""Beginnings of the names of those whose connections are cut."""
SICKNESSES = (
    ("pwritev", "/0", 28, "No space left on device"),
    ("pwritev", "/1", 5, "Input/output error"),
    ("pwritev", ".log", 28, "No space left on device"),
    ("pwritev", ".log", 28, "No space left on device"),
    ("pwritev", ".checkpoint", 28, "No space left on device"),
    ("open", ".log", 24, "Too many open files"),
    ("fdatasync", ".log", 5, "Input/output error"),
    ("rename", ".index", 28, "No space left on device"),
)


async def end_a_connection(life: "Life") -> None:
    """At once, or when an answer is under way."""
    for _ in range(life.dice.randint(1, 4)):
        life.network.ambush(life.dice.choice(CLIENTS), life.dice.randint(1, 8), life.dice.random() < 0.4)


async def kill(life: "Life") -> None:
    if not life.disk.crashed:
        life.die(power=False)
    await life.revive()


async def lose_power(life: "Life") -> None:
    if not life.disk.crashed:
        life.die(power=life.plan.syncs)
    await life.revive()


async def die_in_a_call(life: "Life") -> None:
    power = life.plan.syncs and life.dice.random() < 0.6
    life.hits["death laid into a call"] += 1
    life.disk.die_soon(life.dice.randint(1, 40), lambda: life.die(power=power))


async def restart(life: "Life") -> None:
    life.hits["stopped and started"] += 1
    await life.stop()
    await life.start()


async def jump(life: "Life") -> None:
    life.hits["time jumped"] += 1
    life.world.jump(life.dice.choice((1_000, 15_000, 700_000)))


async def sicken_the_disk(life: "Life") -> None:
    """The next such call fails; what it touched may be closed until the broker is started anew."""
    laid = [life.dice.choice(SICKNESSES) for _ in range(life.dice.randint(1, 4))]
    disk = life.disk
    for call, path, number, text in laid:
        disk.fail(call, path, OSError(number, text))
    await passed(life.dice.random() * 1.5)
    left = [(call, path) for call, path, _ in disk.failures]
    for call, path, *_ in laid:
        if (call, path) not in left:
            life.hits[f"disk failed in {call} of {path}"] += 1
    disk.failures.clear()
    if life.dice.random() < 0.7:
        await restart(life)


async def stall_the_disk(life: "Life") -> None:
    """And perhaps a producer sends again meanwhile what is under way, and the machine fails before the disk is well:
    what was under way all this time is gone. Or the process dies first, and what the next one shows is not synced."""
    life.hits["disk stalled"] += 1
    seconds = life.dice.random()
    life.disk.stalled_until = life.loop.time() + seconds
    if life.dice.random() < 0.5:
        life.network.ambush("p", life.dice.randint(1, 3), False)
    if life.dice.random() < 0.6:
        await passed(seconds * life.dice.random())
        if life.dice.random() < 0.3:
            await kill(life)
            await passed(0.3 * life.dice.random())
        await lose_power(life)


async def move_a_leader(life: "Life") -> None:
    if life.plan.nodes == 1:
        return
    catalog = life.broker.cluster.catalog
    for name in (TOPIC, "__consumer_offsets", "__transaction_state"):
        topic = catalog.topic(name)
        if topic is None:
            continue
        for index, partition in enumerate(list(topic.partitions)):
            if life.dice.random() < 0.5:
                continue
            others = [node for node in partition.isr if node != partition.leader]
            if others:
                life.hits["leader moved"] += 1
                catalog.move_leader(name, index, others[0]).add_done_callback(_heard)


async def hold_a_follower(life: "Life") -> None:
    """A follower falls behind for a while: the high watermark stays, and acks=all waits."""
    topic = life.broker.cluster.catalog.topic(TOPIC)
    if topic is None or life.plan.nodes == 1:
        return
    broker, index = life.broker, life.dice.randrange(len(topic.partitions))
    partition = broker.cluster.partitions.open(topic, index)
    followers = [node for node in partition.replicas.in_sync if node != partition.replicas.leader]
    if partition.is_open and followers:
        life.hits["follower held"] += 1
        partition.replicas.hold(followers[0])
        life.holding.append((partition, followers[0]))
        await passed(life.dice.random() * 2)
        life.release()


def _heard(done: "Awaitable[object]") -> None:
    """A move may be refused, or fail with the disk."""
    if not done.cancelled():  # type: ignore[attr-defined]
        error = done.exception()  # type: ignore[attr-defined]
        assert error is None or isinstance(error, KafkaError), error


FAULTS: tuple[tuple[int, Callable[["Life"], Awaitable[None]]], ...] = (
    (8, end_a_connection),
    (2, kill),
    (3, lose_power),
    (4, die_in_a_call),
    (2, restart),
    (2, jump),
    (3, sicken_the_disk),
    (4, stall_the_disk),
    (2, move_a_leader),
    (2, hold_a_follower),
)
"""How likely each is, beside the others."""
