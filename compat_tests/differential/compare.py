"""Where two runs of a scenario differ, and which of that was agreed upon.

An agreed difference is a line of agreed.txt:

    scenario-pattern | API | path | Kafka | kbroker | words of docs/differences.md

One field of one API: the path's steps are parted by `/` and each is a pattern (an item of a list is its number, or
`name=x` where items are told apart by a key), and the two values are JSON or `*` for any. It may
not exempt an error code, an offset or a whole answer (`forbidden`), its last column must be found in
docs/differences.md, and a line that no run needs is a failure of the suite.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from compat_tests.differential.scenario import Scenario

HERE = Path(__file__).resolve().parent
AGREED = HERE / "agreed.txt"
ABSENT = "(absent)"
KEYS = ("apiKey", "name", "configName")  # items of lists are compared by these; in a path: `name=group.version`


@dataclass(frozen=True)
class Difference:
    scenario: str
    line: int
    api: str
    path: tuple[str, ...]
    kafka: Any
    kbroker: Any

    def __str__(self) -> str:
        return self.told("Kafka", "kbroker")

    def told(self, one: str, other: str) -> str:
        where = "/".join(self.path) or "the answer"
        values = f"{one} {text(self.kafka)}, {other} {text(self.kbroker)}"
        return f"{self.scenario}:{self.line} {self.api} {where}: {values}"


@dataclass
class Agreed:
    scenario: str
    api: str
    path: tuple[str, ...]
    kafka: str
    kbroker: str
    words: str
    used: int = 0

    def covers(self, found: Difference) -> bool:
        return (
            fnmatchcase(found.scenario, self.scenario)
            and found.api.split()[0] == self.api
            and len(found.path) == len(self.path)
            and all(fnmatchcase(theirs, mine) for mine, theirs in zip(self.path, found.path, strict=True))
            and self.kafka in ("*", text(found.kafka))
            and self.kbroker in ("*", text(found.kbroker))
        )

    def __str__(self) -> str:
        return f"{self.scenario} | {self.api} | {'/'.join(self.path)}: {self.words}"


def text(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False)


def differences(scenario: Scenario, kafka: list[Any], kbroker: list[Any]) -> list[Difference]:
    """Every field that is not the same, in the order of the answers."""
    found: list[Difference] = []
    asked: dict[str, str] = {}
    for ask, theirs, ours in zip(scenario.asks, kafka, kbroker, strict=True):
        api = ask.title
        if not ask.api and ask.raw is None:
            api = asked.get(ask.connection, api)
        for path, one, other in _walk((), theirs, ours):
            found.append(Difference(scenario.name, ask.line, api, path, one, other))
    return found


def _walk(path: tuple[str, ...], one: Any, other: Any) -> list[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        pairs = [(name, one.get(name, ABSENT), other.get(name, ABSENT)) for name in names]
    elif isinstance(one, list) and isinstance(other, list) and (key := _key(one, other)):
        mine = {f"{key}={item[key]}": item for item in one}
        theirs = {f"{key}={item[key]}": item for item in other}
        pairs = [(name, mine.get(name, ABSENT), theirs.get(name, ABSENT)) for name in {**mine, **theirs}]
        if [name for name in mine if name in theirs] != [name for name in theirs if name in mine]:
            pairs.append(("order", list(mine), list(theirs)))
    elif isinstance(one, list) and isinstance(other, list):
        longest = max(len(one), len(other))
        pairs = [
            (str(i), one[i] if i < len(one) else ABSENT, other[i] if i < len(other) else ABSENT)
            for i in range(longest)
        ]
    else:
        return [] if one == other and type(one) is type(other) else [(path, one, other)]
    return [found for name, left, right in pairs for found in _walk((*path, name), left, right)]


def _key(one: list[Any], other: list[Any]) -> str | None:
    """By which field the items of two lists that are not equal are told from each other, if there is one."""
    both = [*one, *other]
    if one == other or not all(isinstance(item, dict) for item in both):
        return None
    for key in KEYS:
        if all(key in item for item in both):
            if all(len({item[key] for item in items}) == len(items) for items in (one, other)):
                return key
            return None
    return None


def agreed_differences() -> list[Agreed]:
    found = []
    for line in AGREED.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            scenario, api, path, kafka, kbroker, words = (part.strip() for part in line.split("|"))
            found.append(Agreed(scenario, api, tuple(path.split("/")), kafka, kbroker, words))
    return found


def forbidden(agreed: Agreed) -> str | None:
    """Why this may not be agreed upon; None if it may."""
    last = agreed.path[-1].lower()
    if last.endswith("errorcode") or last == "*":
        return "an error code is never exempted"
    if last.endswith("offset") or "watermark" in last:
        return "an offset is never exempted"
    if len(agreed.path) == 1 and last in ("", "topics", "groups", "responses", "members", "partitions"):
        return "a whole answer is never exempted"
    return None


def settle(found: list[Difference], agreed: list[Agreed]) -> list[Difference]:
    """What nobody agreed to; counts what was used."""
    left = []
    for each in found:
        for one in agreed:
            if one.covers(each):
                one.used += 1
                break
        else:
            left.append(each)
    return left
