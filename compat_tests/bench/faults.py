"""What faults cost those requests that meet none. As JSON: for each request, in each state of the broker, Python
functions entered (exact, the same on every machine) and microseconds of CPU (the best of several rounds).

    python -m compat_tests.bench.faults

    off          a broker that nobody controls
    on           controlled, nothing remembered, no fault
    removed      controlled, and a fault for this request has been there
    elsewhere    a fault for another API is there
    passed by    a fault for this API is there, for another client
    remembered   controlled, every request remembered (`Broker(history=True)`, the default in tests)
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from compat_tests.bench.requests import CONNECTIONS, Line, best, calls, prepare, turns
from kbroker.broker import Broker
from kbroker.config import Config
from kbroker.control.control import Control
from kbroker.control.shapes import Effect, Match, When

TURN, COUNT, ROUNDS = 16, 2000, 5
APIS = {"produce": "Produce", "fetch v17": "Fetch", "metadata v12": "Metadata", "heartbeat": "Heartbeat"}
CONFIGS = {"kbroker.memory": "true", "listeners": "PLAINTEXT://127.0.0.1:0", "group.initial.rebalance.delay.ms": "0"}


def states(broker: Broker, api: str) -> Iterator[str]:
    """The states, each entered when it is named."""
    yield "off"
    control = Control(broker)
    yield "on"
    plan = control.faults.install("", Match(api=[api]), When(), Effect(errors=["REQUEST_TIMED_OUT"]))
    control.faults.remove(plan.id)
    yield "removed"
    control.faults.install("", Match(api=["DescribeCluster"]), When(), Effect(errors=["REQUEST_TIMED_OUT"]))
    yield "elsewhere"
    control.faults.install("", Match(api=[api], client_id="nobody"), When(), Effect(errors=["REQUEST_TIMED_OUT"]))
    yield "passed by"


def remembering(broker: Broker, api: str) -> Iterator[str]:
    """What is remembered is tapped before anybody connects."""
    Control(broker, history_bytes=32 << 20)
    yield "remembered"


async def cost(kind: str, enter: Callable[[Broker, str], Iterator[str]]) -> dict[str, dict[str, float]]:
    """By state."""
    broker = Broker(Config(CONFIGS))
    await broker.start()
    try:
        found: dict[str, dict[str, float]] = {}
        lines: list[Line] = []
        for state in enter(broker, APIS[kind]):
            if not lines:
                lines = [Line(broker) for _ in range(CONNECTIONS)]
                await prepare(broker, lines, kind)
            await turns(lines, TURN, 2048)
            us = await best(lines, TURN, COUNT, ROUNDS)
            found[state] = {"functions": round(await calls(lines, TURN), 1), "us": round(us, 1)}
        return found
    finally:
        await broker.stop()


async def main() -> dict[str, Any]:
    return {kind: await cost(kind, states) | await cost(kind, remembering) for kind in APIS}


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    print(json.dumps(asyncio.run(main()), indent=2))
