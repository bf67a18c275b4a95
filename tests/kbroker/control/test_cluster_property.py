"""Two readers of one truth: brokers whose replicas are marks on one log, and a model in which each has a log of its own
that it copies from the leader, as in Kafka. Whatever happens to them in whatever order, both say the same: who leads,
who is in sync, what consumers see, and what is left after elections that were not clean.

What one log cannot show is left out of the model, too: a follower that is held behind a leader that lost records loses
them at once, and not when it copies again.
"""

from random import Random

import pytest

from kbroker.control.table import ControlError
from tests.kbroker.control.controlling import Hand, controlling
from tests.kbroker.control.test_cluster import fetch, leading, to, topic, values, write
from tests.kbroker.running import run
from wire.errors import KafkaError

NODES = (1, 2, 3)


class Model:
    """One partition, a list of values for each replica."""

    def __init__(self) -> None:
        self.logs: dict[int, list[bytes]] = {node: [] for node in NODES}
        self.leader, self.isr = 1, set(NODES)
        self.away: set[int] = set()
        self.held: set[int] = set()
        self.seen = 0  # the high watermark

    def copy(self) -> None:
        """Everybody who is there and is not held copies from the leader."""
        if self.leader > 0:
            source = self.logs[self.leader]
            for node in NODES:
                keeps = len(self.logs[node]) if node in self.away | self.held else len(source)
                self.logs[node] = source[:keeps]
            least = min(len(self.logs[node]) for node in self.isr)
            self.seen = max(min(self.seen, len(source)), least)

    def write(self, value: bytes) -> None:
        self.logs[self.leader].append(value)
        self.copy()

    def lead(self, node: int) -> None:
        self.leader = node
        self.held.discard(node)
        self.copy()

    def elect(self) -> None:
        if self.leader in self.away or self.leader < 0:
            candidates = [node for node in NODES if node in self.isr - self.away]
            self.leader = -1
            if candidates:
                self.lead(candidates[0])

    def go(self, node: int) -> None:
        self.away.add(node)
        self.isr = self.isr - {node} or self.isr
        self.elect()
        self.copy()

    def come(self, node: int) -> None:
        self.away.discard(node)
        self.elect()
        if self.leader > 0:
            self.copy()
            self.isr.add(node)
            self.copy()

    def elect_uncleanly(self) -> None:
        live = [node for node in NODES if node not in self.away]
        clean = [node for node in live if node in self.isr]
        if not clean:
            self.isr = {live[0]}
        self.lead((clean or live)[0])


async def step(hand: Hand, model: Model, chance: Random, number: int) -> str:
    """Something that can be done now, to both. What it was."""
    live = [node for node in NODES if node not in model.away]
    followers = [node for node in live if node != model.leader]
    what = chance.choice(("write", "write", "go", "come", "hold", "release", "move", "shrink", "unclean"))
    if what == "write" and model.leader > 0:
        client = await to(hand, model.leader)
        assert await write(client, b"%d" % number, acks=1) == 0
        model.write(b"%d" % number)
    elif what == "go" and live:
        node = chance.choice(live)
        await hand(chance.choice(("nodes.kill", "nodes.stop")), node=node)
        model.go(node)
        what += f" {node}"
    elif what == "come" and model.away:
        node = chance.choice(sorted(model.away))
        await hand("nodes.start", node=node)
        model.come(node)
        what += f" {node}"
    elif what == "hold" and model.leader > 0 and followers:
        node = chance.choice(followers)
        await hand("leaders.hold", topic="a", partition=0, node=node)
        model.held.add(node)
        what += f" {node}"
    elif what == "release" and model.leader > 0 and model.held - model.away:
        node = chance.choice(sorted(model.held - model.away))
        await hand("leaders.release", topic="a", partition=0, node=node)
        model.held.discard(node)
        model.copy()
        what += f" {node}"
    elif what == "move" and model.leader > 0 and set(followers) & model.isr:
        node = chance.choice(sorted(set(followers) & model.isr))
        await hand("leaders.move", topic="a", partition=0, leader=node)
        model.lead(node)
        what += f" {node}"
    elif what == "shrink" and model.leader > 0:
        await hand("leaders.in_sync", topic="a", partition=0, isr=[model.leader])
        model.isr = {model.leader}
        model.copy()
    elif what == "unclean" and model.leader < 0 and live:
        await hand("leaders.elect", topic="a", partition=0, unclean=True)
        model.elect_uncleanly()
    else:
        return ""
    return what


async def compare(hand: Hand, model: Model, done: list[str]) -> None:
    told = await hand("leaders.get", topic="a", partition=0)
    assert (told.leader, set(told.isr)) == (model.leader, model.isr), done
    if model.leader < 0:
        return
    client = await to(hand, model.leader)
    assert (await leading(client))[0] == model.leader
    assert (told.end_offset, told.high_watermark) == (len(model.logs[model.leader]), model.seen), done
    assert values(await fetch(client, 0)) == model.logs[model.leader][: model.seen], done
    for node in set(NODES) - model.away - {model.leader}:
        near = values(await fetch(await to(hand, node), 0))
        assert near == model.logs[node][: model.seen], (node, done)


@pytest.mark.parametrize("seed", range(25))
def test_marks_on_one_log_say_what_logs_that_are_copied_say(seed: int) -> None:
    async def test() -> None:
        chance, model, done = Random(seed), Model(), []
        async with controlling(3) as hand:
            await topic(await to(hand, 1), min_insync_replicas="1")
            for number in range(40):
                try:
                    what = await step(hand, model, chance, number)
                except (ControlError, KafkaError) as error:
                    raise AssertionError(done) from error
                if what:
                    done.append(what)
                    await compare(hand, model, done)

    run(test)
