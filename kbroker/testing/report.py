"""What the broker saw, for whoever looks at a test that failed; and the same as files."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from kbroker.control.plain import to_plain
from kbroker.control.shapes import Connection, Fault, Group, Request
from kbroker.pcap import Capture
from kbroker.testing.broker import Broker

NEWEST = 25
LONGEST = 160


def report(broker: Broker) -> str:
    """The newest requests, errors, connections that ended, groups, faults, and warnings of the broker's log."""
    parts = [
        ("requests", [_request(each) for each in broker.requests(limit=NEWEST)]),
        ("connections that ended", [_connection(each) for each in broker.disconnects()[-NEWEST:]]),
        ("groups", [_group(each) for each in broker.groups()]),
        ("faults", [line for each in broker.faults.list() for line in _fault(each)]),
        ("what was done to it (a scenario for --kafka-scenario)", _scenario(broker)),
        ("log", [f"{each.level} {each.name}: {each.text}" for each in broker.log("WARNING", NEWEST)]),
    ]
    lines = []
    for title, rows in parts:
        if rows:
            lines += [f"{title}:", *[f"  {row}" for row in rows]]
    return "\n".join(lines) or "nothing"


def _scenario(broker: Broker) -> list[str]:
    steps = [json.dumps(step) for step in broker.scenario()[-NEWEST:]]
    return [f"[{','.join(steps)}]"] if steps else []


def _request(request: Request) -> str:
    came_of_it = request.refused or ", ".join(request.errors) or ("ok" if request.response is not None else "no answer")
    faults = f"  [{'; '.join(request.faults)}]" if request.faults else ""
    asked = json.dumps(request.request)
    asked = asked if len(asked) <= LONGEST else asked[: LONGEST - 3] + "..."
    who = f"#{request.number} {request.client_id or '-'} conn {request.connection}"
    return f"{who} {request.api} v{request.version} -> {came_of_it} ({request.took_ms:g} ms){faults}  {asked}"


def _connection(connection: Connection) -> str:
    return f"conn {connection.id} from {connection.host}:{connection.port} {connection.software}: {connection.ended}"


def _group(group: Group) -> str:
    members = ", ".join(f"{each.client_id} has {len(each.assigned)}" for each in group.members) or "nobody"
    offsets = ", ".join(f"{each.topic}-{each.partition}@{each.offset} lag {each.lag}" for each in group.offsets)
    return f"{group.id}: {group.state} in {group.epoch}, {members}; {offsets or 'no offsets'}"


def _fault(fault: Fault) -> Iterator[str]:
    yield f"{fault.name}: met {len(fault.hits)} of {fault.seen} that fitted{', used up' * fault.used_up}"
    for hit in fault.hits[-NEWEST:]:
        yield f"  {hit.api} v{hit.version} of {hit.client_id}, conn {hit.connection}: {hit.done}"
    yield from (f"  {problem}" for problem in fault.problems)


def write_trace(broker: Broker, folder: Path, name: str) -> list[Path]:
    """The whole history: JSON lines, a capture that Wireshark opens, and what the test did, as a scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, capture = folder / f"{name}.jsonl", folder / f"{name}.pcap"
    lines.write_text("".join(json.dumps(to_plain(each)) + "\n" for each in broker.requests(limit=1 << 30)))
    with capture.open("wb") as file:
        writer = Capture(file)
        for frame in broker.frames():
            reply = None if frame.reply is None else b64decode(frame.reply)
            writer.add(
                b64decode(frame.request),
                reply,
                at_ms=frame.at_ms,
                took_ms=frame.took_ms,
                connection=str(frame.connection),
                broker=broker.bootstrap,
            )
    return [lines, capture, write_scenario(broker, folder, name)]


def write_scenario(broker: Broker, folder: Path, name: str) -> Path:
    """What the test did to the broker, as a file that `Broker.play` takes."""
    scenario = folder / f"{name}.json"
    scenario.write_text(json.dumps(broker.scenario(), indent=1) + "\n")
    return scenario
