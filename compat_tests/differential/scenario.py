"""A scenario: one rule of Kafka's behaviour as a conversation in a text file, with the answers that Kafka gave.

    A resent batch is answered with its old place.          the rule, in one sentence or two
    facts: 7.2                                              which statements of statements.txt it shows
    broker: quick                                           optional: a preset of brokers.py; else `plain`

    topic $t 2 retention.ms=60000                           a fresh topic of two partitions; also binds $t.id
    a> InitProducerId v4 {"transactionTimeoutMs": 60000}    on connection `a`, opened by its first use
    let $pid = producerId                                   a name for a value of the answer
    = {"throttleTimeMs": 0, "producerId": "$pid", ...}      the answer: written by --rewrite, not by hand

    a> EndTxn v5 while 51 {...}                             asked again as long as the answer bears these error codes
    a> DescribeGroups v5 until groups.0.groupState=Stable {...}       ... or until it says so
    a>> JoinGroup v5 {...}                                  sent, and not waited for
    a<                                                      the oldest answer of `a` that nobody has taken
    a> bytes 00000002 00000001 ffff                         a frame's content, written by hand
    a as __admin_client                                     the client id that a connection gives from here on
    = closed                                                the connection was closed instead
    = nothing                                               no answer: the next request's came first (acks=0)

A line that begins with a space continues the line before it; `#` begins a comment. A connection that was closed is
opened anew by its next use. What names and records look like inside requests and answers: names.py, records.py.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WIDTH = 118
CLOSED = "closed"
NOTHING = "nothing"

_ASK = re.compile(
    r"(?P<connection>[a-z]\w*)(?P<kind>>>|>)\s*(?P<api>[A-Z]\w+) v(?P<version>\d+)"
    r"(?: while (?P<codes>-?\d+(?:,-?\d+)*))?(?: until (?P<path>[\w.]+)=(?P<value>\S+))?\s*(?P<body>\{.*\})?\s*",
    re.DOTALL,
)
_BYTES = re.compile(r"(?P<connection>[a-z]\w*)>\s*bytes (?P<hex>[0-9a-fA-F\s]*)")
_TAKE = re.compile(r"(?P<connection>[a-z]\w*)<")
_LET = re.compile(r"let (?P<name>\$\w+) = (?P<path>[\w.]+)")
_TOPIC = re.compile(r"topic (?P<name>\$\w+)(?: (?P<count>\d+))?(?P<configs>(?: [\w.]+=\S*)*)")
_AS = re.compile(r"(?P<connection>[a-z]\w*) as (?P<client_id>\S+)")


class Unreadable(Exception):
    """The text is not a scenario; says where."""


@dataclass
class Topic:
    """A fresh topic, made and led before the next step."""

    name: str
    partitions: int
    configs: dict[str, str]


@dataclass
class ClientId:
    connection: str
    client_id: str


@dataclass
class Ask:
    """One request. `waits` is false for what is only sent. Without an API, `raw` is the frame."""

    connection: str
    api: str = ""
    version: int = 0
    body: dict[str, Any] = field(default_factory=dict)
    waits: bool = True
    again_while: tuple[int, ...] = ()
    until: tuple[str, str] | None = None
    raw: bytes | None = None
    lets: list[tuple[str, str]] = field(default_factory=list)
    answer: Any = None  # as recorded: CLOSED, NOTHING or a tree; None where nothing is recorded
    line: int = 0
    ends: int = 0  # the line after which the answer is written
    answer_lines: tuple[int, int] | None = None  # where the recorded one stands

    @property
    def title(self) -> str:
        return f"{self.api} v{self.version}" if self.api else "bytes" if self.raw is not None else "an answer"


@dataclass
class Take(Ask):
    """The answer of what was sent before."""


Step = Topic | ClientId | Ask


@dataclass
class Scenario:
    name: str
    rule: str
    facts: tuple[str, ...]
    broker: str
    steps: list[Step]
    lines: list[str]

    @property
    def asks(self) -> list[Ask]:
        """The steps that have an answer, in order."""
        return [step for step in self.steps if isinstance(step, Ask) and step.waits]

    def with_answers(self, answers: list[Any]) -> str:
        """The text with these answers in the place of those that are there."""
        out: list[str] = []
        at = 0
        for ask, answer in zip(self.asks, answers, strict=True):
            out += self.lines[at : ask.ends]
            out += show(answer)
            at = ask.answer_lines[1] if ask.answer_lines else ask.ends
        return "\n".join(out + self.lines[at:]) + "\n"


def load(path: Path) -> Scenario:
    return parse(path.stem, path.read_text())


def parse(name: str, text: str) -> Scenario:
    lines = text.rstrip("\n").split("\n")
    head: list[str] = []
    at = 0
    while at < len(lines) and lines[at].strip():
        head.append(lines[at])
        at += 1
    rule = " ".join(line.strip() for line in head if not re.match(r"(facts|broker):", line))
    values = dict(re.findall(r"^(facts|broker):\s*(.*)$", "\n".join(head), re.MULTILINE))
    scenario = Scenario(name, rule, tuple(values.get("facts", "").split()), values.get("broker", "plain"), [], lines)
    while at < len(lines):
        start = at
        at += 1
        if not lines[start].strip() or lines[start].startswith("#"):
            continue
        while at < len(lines) and lines[at].startswith(" "):
            at += 1
        try:
            _add(scenario, "\n".join(lines[start:at]), start, at)
        except (ValueError, Unreadable) as error:
            raise Unreadable(f"{name}, line {start + 1}: {error}") from None
    return scenario


def _add(scenario: Scenario, text: str, start: int, end: int) -> None:
    last = scenario.asks[-1] if scenario.asks else None
    if text.startswith("= ") and last is not None:
        last.answer = text[2:].strip()
        if last.answer not in (CLOSED, NOTHING):
            last.answer = json.loads(last.answer)
        last.answer_lines = (start, end)
    elif found := _LET.fullmatch(text.strip()):
        if last is None:
            raise Unreadable("a name for nothing")
        last.lets.append((found["name"], found["path"]))
        last.ends = end
    elif found := _TOPIC.fullmatch(text.strip()):
        configs = dict(pair.split("=", 1) for pair in found["configs"].split())
        scenario.steps.append(Topic(found["name"], int(found["count"] or 1), configs))
    elif found := _AS.fullmatch(text.strip()):
        scenario.steps.append(ClientId(found["connection"], found["client_id"]))
    else:
        scenario.steps.append(_ask(text, start, end))


def _ask(text: str, start: int, end: int) -> Ask:
    if found := _BYTES.fullmatch(text):
        return Ask(found["connection"], raw=bytes.fromhex(found["hex"]), line=start + 1, ends=end)
    if found := _TAKE.fullmatch(text.strip()):
        return Take(found["connection"], line=start + 1, ends=end)
    found = _ASK.fullmatch(text)
    if not found:
        raise Unreadable(f"not a step: {text.splitlines()[0]}")
    return Ask(
        found["connection"],
        found["api"],
        int(found["version"]),
        json.loads(found["body"] or "{}"),
        waits=found["kind"] == ">",
        again_while=tuple(int(code) for code in (found["codes"] or "").split(",") if code),
        until=(found["path"], found["value"]) if found["path"] else None,
        line=start + 1,
        ends=end,
    )


def show(answer: Any) -> list[str]:
    """An answer as lines, filled up to the width."""
    if isinstance(answer, str):
        return [f"= {answer}"]
    return ("= " + pretty(answer, 2)).split("\n")


def pretty(value: Any, column: int) -> str:
    """JSON that begins at this column: on one line if it fits, else as many pieces on each line as fit."""
    flat = json.dumps(value, ensure_ascii=False)
    if column + len(flat) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    marks = "{}" if isinstance(value, dict) else "[]"
    heads = [json.dumps(name) + ": " for name in value] if isinstance(value, dict) else [""] * len(value)
    items = list(value.values()) if isinstance(value, dict) else value
    out, at, fresh = marks[0], column + 1, True
    for number, (head, item) in enumerate(zip(heads, items, strict=True)):
        flat = head + json.dumps(item, ensure_ascii=False)
        if not fresh and at + len(flat) + 2 > WIDTH:
            out, at, fresh = out.rstrip() + "\n" + " " * (column + 1), column + 1, True
        piece = flat if at + len(flat) + 1 <= WIDTH else head + pretty(item, at + len(head))
        piece += ", " if number + 1 < len(items) else ""
        out += piece
        at = len(piece) - piece.rindex("\n") - 1 if "\n" in piece else at + len(piece)
        fresh = False
        if "\n" in piece and number + 1 < len(items):
            out, at, fresh = out.rstrip() + "\n" + " " * (column + 1), column + 1, True
    return out + marks[1]
