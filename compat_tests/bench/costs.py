"""What it costs that a broker looks after its clients: ACLs, quotas and metrics, each alone and all together.

    python -m compat_tests.bench.costs                       # per request, beside a broker with nothing of it
    python -m compat_tests.bench.costs --only produce,fetch --rounds 40

As `requests.py`, which has the requests, the frames and the clocks: no socket, CPU time of one thread. Each broker is a
process of its own (in one process the interpreter could adapt to none of them), and they take turns: each round asks
all of them within some 100 ms, so that what else runs on the machine falls upon all alike. The figure is the best round
of each; `more` is how much a round takes above the plain broker's of the same 100 ms, the median of all rounds; `calls`
are Python functions entered, exact and the same on every machine.

    plain      nothing
    ACLs       the authorizer, and rules that allow what is asked
    quotas     byte rates of producers and consumers, which nobody reaches
    time       the same, and a percentage of the time of requests
    metrics    kbroker.http
    all        ACLs, byte rates and metrics
    all, time  and the time of requests
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from compat_tests.bench.requests import CONNECTIONS, KINDS, Line, best, calls, harness_cost, prepare, turns
from kbroker.broker import Broker
from kbroker.config import Config
from kbroker.security.authorizer import CLASS_NAME
from wire.errors import ErrorCode
from wire.messages.alter_client_quotas import AlterClientQuotasRequest, EntityData, OpData, RequestEntryData
from wire.messages.create_acls import AclCreation, CreateAclsRequest

ACLS = {"authorizer.class.name": CLASS_NAME, "allow.everyone.if.no.acl.found": "true"}
METRICS = {"kbroker.http": "127.0.0.1:0"}
BYTES = ("producer_byte_rate", "consumer_byte_rate")
MUCH = 1e12
TOPIC, GROUP = 2, 3
ANY, ALLOW, LITERAL = 2, 3, 3


class Kind(NamedTuple):
    configs: dict[str, str]
    quotas: tuple[str, ...] = ()


BROKERS = {
    "plain": Kind({}),
    "ACLs": Kind(ACLS),
    "quotas": Kind({}, BYTES),
    "time": Kind({}, (*BYTES, "request_percentage")),
    "metrics": Kind(METRICS),
    "all": Kind(ACLS | METRICS, BYTES),
    "all, time": Kind(ACLS | METRICS, (*BYTES, "request_percentage")),
}


async def started(kind: Kind, folder: Path) -> Broker:
    place = {"log.dirs": str(folder), "listeners": "PLAINTEXT://127.0.0.1:0", "group.initial.rebalance.delay.ms": "0"}
    broker = Broker(Config(place | kind.configs))
    await broker.start()
    line = Line(broker)
    if kind.quotas:
        ops = [OpData(key=name, value=MUCH, remove=False) for name in kind.quotas]
        entry = RequestEntryData(entity=[EntityData(entity_type="user", entity_name=None)], ops=ops)
        answer = await line.ask(AlterClientQuotasRequest(entries=[entry], validate_only=False), 1)
        assert answer.entries[0].error_code == ErrorCode.NONE, answer
    if "authorizer.class.name" in kind.configs:
        rules = [
            AclCreation(resource_type=kind, resource_name="*", resource_pattern_type=LITERAL, principal="User:*",
                        host="*", operation=ANY, permission_type=ALLOW)
            for kind in (TOPIC, GROUP)
        ]  # fmt: skip
        answer = await line.ask(CreateAclsRequest(creations=rules), 2)
        assert all(result.error_code == ErrorCode.NONE for result in answer.results), answer
    return broker


async def serve(name: str, turn: int) -> None:
    """One of the brokers, in its process: measures what stdin asks for. "fetch" prepares, "round" and "calls" measure;
    each line is answered with a number."""
    with tempfile.TemporaryDirectory() as folder:
        broker = await started(BROKERS[name], Path(folder))
        overhead = await harness_cost(turn, 8000)
        lines = [Line(broker) for _ in range(CONNECTIONS)]
        for asked in map(str.strip, sys.stdin):
            answer = 0.0
            if asked == "round":
                answer = await best(lines, turn, 32 * turn, 1) - overhead
            elif asked == "calls":
                answer = await calls(lines, turn)
            else:
                await prepare(broker, lines, asked)
                await turns(lines, turn, 2048)
            print(answer, flush=True)
        await broker.stop()


class Child:
    def __init__(self, name: str, turn: int) -> None:
        command = [sys.executable, "-m", "compat_tests.bench.costs", "--serve", name, "--turn", str(turn)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.communicate()


def measure(children: dict[str, Child], request: str, rounds: int) -> None:
    for child in children.values():
        child.ask(request)
    found = [[child.ask("round") for child in children.values()] for _ in range(rounds)]
    for index, (name, child) in enumerate(children.items()):
        us = min(each[index] for each in found)
        more = median(each[index] / each[0] for each in found) * 100 - 100
        print(f"{request:14s} {name:10s} {us:7.2f} {more:+6.1f} % {child.ask('calls'):7.1f}", flush=True)


def main(arguments: argparse.Namespace) -> None:
    chosen = arguments.brokers.split(";") if arguments.brokers else list(BROKERS)[1:]
    children = {name: Child(name, arguments.turn) for name in ("plain", *chosen)}
    print(f"{'request':14s} {'broker':10s} {'us':>7s} {'more':>8s} {'calls':>7s}")
    for request in arguments.only.split(",") if arguments.only else list(KINDS):
        measure(children, request, arguments.rounds)
    for child in children.values():
        child.stop()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="some of: " + ", ".join(KINDS))
    parser.add_argument("--turn", type=int, default=16, help="requests in one turn of the loop")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--brokers", default="", help="the plain one and some of: " + "; ".join(BROKERS))
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    chosen = parsed()
    if chosen.serve:
        asyncio.run(serve(chosen.serve, chosen.turn))
    else:
        main(chosen)
