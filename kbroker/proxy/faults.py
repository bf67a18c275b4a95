"""What a proxy is told to do to requests: API ACTION [WHEN].

    Fetch delay=200ms           answer later                    once        the first time
    EndTxn drop once            do it, lose the answer,         nth=3       the third time
                                close the connection            times=2     the first two times
    Produce refuse p=0.1        close without passing it on     p=0.1       with this probability, by --seed
    Produce error=NOT_LEADER_OR_FOLLOWER times=3                            without: every time
                                answer so in its place

API is a name, or * for all.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from wire.errors import ErrorCode
from wire.registry import find

_DELAY = re.compile(r"delay=(\d+(?:\.\d+)?)(ms|s)")
_WHEN = re.compile(r"(nth|times)=([1-9]\d*)|p=(0?\.\d+|0|1)")
EVERY_API = "*"


class NotAFault(ValueError):
    """The rule means nothing; one sentence."""


class Action(NamedTuple):
    """What is to happen to one request. `error` answers in place of the cluster."""

    delay_s: float = 0.0
    drop: bool = False
    refuse: bool = False
    error: ErrorCode | None = None


class Rule:
    """One fault, and how often it has been met."""

    def __init__(self, text: str, key: int | None, action: Action, first: int, last: int, probability: float) -> None:
        self.text = text
        self.key = key
        self.action = action
        self.seen = 0
        self.hits = 0
        self._first = first
        self._last = last
        self._probability = probability

    def meets(self, key: int, rng: random.Random) -> bool:
        if self.key not in (None, key):
            return False
        self.seen += 1
        met = self._first <= self.seen <= self._last and (self._probability >= 1 or rng.random() < self._probability)
        self.hits += met
        return met


class Faults:
    """All rules of a proxy; the first that meets a request decides."""

    def __init__(self, rules: Sequence[Rule] = (), seed: int | None = None) -> None:
        self.rules = list(rules)
        self._rng = random.Random(seed)

    def action(self, key: int) -> Action | None:
        for rule in self.rules:
            if rule.meets(key, self._rng):
                return rule.action
        return None


FOREVER = 1 << 62


def parse(text: str) -> Rule:
    """A rule from its words; NotAFault says what is wrong."""
    words = text.split()
    if len(words) not in (2, 3):
        raise NotAFault(f"{text!r}: API ACTION [WHEN] is wanted")
    first, last, probability = 1, FOREVER, 1.0
    if len(words) == 3:
        found = _WHEN.fullmatch(words[2])
        if words[2] == "once":
            last = 1
        elif found is None:
            raise NotAFault(f"{words[2]!r} is no time; once, nth=N, times=N or p=0.1 would be")
        elif found[1] == "nth":
            first = last = int(found[2])
        elif found[1] == "times":
            last = int(found[2])
        else:
            probability = float(found[3])
    return Rule(text, _key(words[0]), _action(words[1]), first, last, probability)


def _key(name: str) -> int | None:
    if name == EVERY_API:
        return None
    api = find(name)
    if api is None:
        raise NotAFault(f"there is no API {name}")
    return api.key


def _action(word: str) -> Action:
    if found := _DELAY.fullmatch(word):
        return Action(delay_s=float(found[1]) / (1000 if found[2] == "ms" else 1))
    if word == "drop":
        return Action(drop=True)
    if word == "refuse":
        return Action(refuse=True)
    name = word.removeprefix("error=")
    if name != word and name in ErrorCode.__members__:
        return Action(error=ErrorCode[name])
    raise NotAFault(f"{word!r} is no action; delay=200ms, drop, refuse or error=NAME would be")
