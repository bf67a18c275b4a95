"""What a proxy is told to do to requests, in short words: API ACTION [WHEN].

    Fetch delay=200ms           handle it later                 once        the first time
    EndTxn drop once            do it, lose the answer,         nth=3       the third time
                                close the connection            times=2     the first two times
    Produce refuse p=0.1        close without passing it on     p=0.1       with this probability, by --seed
    Produce error=NOT_LEADER_OR_FOLLOWER times=3                            without: every time
                                answer so in its place

API is a name, or * for all. All that faults can do is said by the verbs of control (`control/shapes.py`), which the
proxy has where it has an HTTP door.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kbroker.control.shapes import Effect, Match, When
from wire.errors import ErrorCode
from wire.registry import find

_DELAY = re.compile(r"delay=(\d+(?:\.\d+)?)(ms|s)")
_WHEN = re.compile(r"(nth|times)=([1-9]\d*)|p=(0?\.\d+|0|1)")
EVERY_API = "*"


class NotAFault(ValueError):
    """The rule means nothing; one sentence."""


class Rule(NamedTuple):
    """A fault, to be installed under the words that it was given in."""

    text: str
    match: Match
    when: When
    effect: Effect


def parse(text: str, seed: int = 0) -> Rule:
    """A rule from its words; NotAFault says what is wrong."""
    words = text.split()
    if len(words) not in (2, 3):
        raise NotAFault(f"{text!r}: API ACTION [WHEN] is wanted")
    when = _when(words[2]) if len(words) == 3 else When()
    return Rule(text, Match(api=_api(words[0])), when._replace(seed=seed), _effect(words[1]))


def _api(name: str) -> list[str] | None:
    if name == EVERY_API:
        return None
    api = find(name)
    if api is None:
        raise NotAFault(f"there is no API {name}")
    return [api.kafka_name]


def _when(word: str) -> When:
    if word == "once":
        return When(times=1)
    found = _WHEN.fullmatch(word)
    if found is None:
        raise NotAFault(f"{word!r} is no time; once, nth=N, times=N or p=0.1 would be")
    if found[1] == "nth":
        return When(nth=int(found[2]))
    if found[1] == "times":
        return When(times=int(found[2]))
    return When(probability=float(found[3]))


def _effect(word: str) -> Effect:
    if found := _DELAY.fullmatch(word):
        return Effect(delay_ms=round(float(found[1]) * (1 if found[2] == "ms" else 1000)))
    if word == "drop":
        return Effect(drop="after")
    if word == "refuse":
        return Effect(drop="before")
    name = word.removeprefix("error=")
    if name != word and name in ErrorCode.__members__:
        return Effect(errors=[name])
    raise NotAFault(f"{word!r} is no action; delay=200ms, drop, refuse or error=NAME would be")
